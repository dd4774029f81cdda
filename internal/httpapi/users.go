package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Users is what is kept of customers. Errors that a caller may read are
// *desk.Error.
type Users interface {
	Export(ctx context.Context, scope desk.Scope) (desk.UserData, error)
	Delete(ctx context.Context, scope desk.Scope) (desk.UserErasure, error)
}

type userJSON struct {
	UserID        string               `json:"user_id"`
	Conversations []conversationDetail `json:"conversations"`
	Answers       []userAnswerJSON     `json:"answers"`
	Feedback      []feedbackJSON       `json:"feedback"`
	Handoffs      []userHandoffJSON    `json:"handoffs"`
}

type feedbackJSON struct {
	AnswerID string    `json:"answer_id"`
	At       time.Time `json:"at"`
	Rating   string    `json:"rating"`
	Reason   string    `json:"reason"`
	Comment  string    `json:"comment"`
}

func newFeedbackJSON(f desk.Feedback) feedbackJSON {
	return feedbackJSON{AnswerID: string(f.Answer), At: f.At.UTC(), Rating: string(f.Rating), Reason: string(f.Reason), Comment: string(f.Comment)}
}

type userAnswerJSON struct {
	ID             string    `json:"id"`
	At             time.Time `json:"at"`
	ConversationID string    `json:"conversation_id"`
	Question       string    `json:"question"`
	Answer         string    `json:"answer"`
	Outcome        string    `json:"outcome"`
}

type userHandoffJSON struct {
	AnswerID string    `json:"answer_id"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason"`
	State    string    `json:"state"`
}

type userErasureJSON struct {
	UserID   string `json:"user_id"`
	Turns    int64  `json:"deleted_turns"`
	Answers  int64  `json:"deleted_answers"`
	Feedback int64  `json:"deleted_feedback"`
	Handoffs int64  `json:"deleted_handoffs"`
}

// userScope is the user that the path names. "anonymous" is nobody in
// particular: what is kept under that name belongs to many people.
func userScope(c *gin.Context) (desk.Scope, error) {
	id := desk.UserID(c.Param("id"))
	if id == desk.Anonymous {
		return desk.Scope{}, invalid("user_anonymous", "id", "Questions without a user_id belong to nobody in particular; retention removes them.")
	}
	return desk.Scope{Tenant: tenantOf(c), User: id}, checkName("id", string(id))
}

// exportUser answers GET /v1/users/{id}.
func (api *API) exportUser(c *gin.Context) {
	scope, err := userScope(c)
	var data desk.UserData
	if err == nil {
		data, err = api.cfg.Admin.Users.Export(c.Request.Context(), scope)
	}
	api.reply(c, http.StatusOK, newUser(scope.User, data), err)
}

// deleteUser answers DELETE /v1/users/{id}.
func (api *API) deleteUser(c *gin.Context) {
	scope, err := userScope(c)
	var gone desk.UserErasure
	if err == nil {
		gone, err = api.cfg.Admin.Users.Delete(c.Request.Context(), scope)
	}
	api.reply(c, http.StatusOK, userErasureJSON{UserID: string(scope.User), Turns: gone.Turns, Answers: gone.Answers, Feedback: gone.Feedback, Handoffs: gone.Handoffs}, err)
}

func newUser(id desk.UserID, data desk.UserData) userJSON {
	u := userJSON{UserID: string(id), Conversations: []conversationDetail{}, Answers: make([]userAnswerJSON, len(data.Answers))}
	place := map[desk.ConversationID]int{}
	for _, t := range data.Turns {
		i, known := place[t.Conversation]
		if !known {
			i = len(u.Conversations)
			place[t.Conversation] = i
			u.Conversations = append(u.Conversations, conversationDetail{ID: string(t.Conversation), UserID: string(id)})
		}
		u.Conversations[i].Turns = append(u.Conversations[i].Turns, newTurn(t.Turn))
	}
	for i, a := range data.Answers {
		u.Answers[i] = userAnswerJSON{
			ID: string(a.ID), At: a.At.UTC(), ConversationID: string(a.Conversation), Question: string(a.Question), Answer: string(a.Text), Outcome: string(a.Outcome),
		}
	}
	u.Feedback = each(data.Feedback, newFeedbackJSON)
	u.Handoffs = each(data.Handoffs, func(h desk.UserHandoff) userHandoffJSON {
		return userHandoffJSON{string(h.Answer), h.At.UTC(), string(h.Reason), string(h.State)}
	})
	return u
}
