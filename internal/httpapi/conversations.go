package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Conversations keeps what customers asked and were answered, each user's
// apart. Errors that a caller may read are *desk.Error.
type Conversations interface {
	List(ctx context.Context, scope desk.Scope, limit int) ([]desk.Conversation, error)
	Recent(ctx context.Context, scope desk.Scope, id desk.ConversationID, n int) ([]desk.Turn, error)
	Delete(ctx context.Context, scope desk.Scope, id desk.ConversationID) error
}

const (
	// listedConversations and listedTurns bound one reply; the latest count.
	listedConversations = 200
	listedTurns         = 1000
)

type conversationList struct {
	Data []conversationJSON `json:"data"`
}

type conversationJSON struct {
	ID      string    `json:"id"`
	Turns   int       `json:"turns"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
}

type conversationDetail struct {
	ID     string     `json:"id"`
	UserID string     `json:"user_id"`
	Turns  []turnJSON `json:"turns"`
}

type turnJSON struct {
	AnswerID           string    `json:"answer_id"`
	At                 time.Time `json:"at"`
	Question           string    `json:"question"`
	StandaloneQuestion string    `json:"standalone_question,omitempty"`
	Answer             string    `json:"answer"`
	Outcome            string    `json:"outcome"`
}

// scopeOf is on whose behalf a conversation is asked for: the caller's tenant,
// and the user that ?user_id= names.
func scopeOf(c *gin.Context) (desk.Scope, error) {
	user := c.Query("user_id")
	return desk.Scope{Tenant: callerOf(c).Tenant, User: cmp.Or(desk.UserID(user), desk.Anonymous)}, checkName("user_id", user)
}

// listConversations answers GET /v1/conversations.
func (api *API) listConversations(c *gin.Context) {
	scope, err := scopeOf(c)
	if err != nil {
		api.fail(c, err)
		return
	}
	all, err := api.cfg.Conversations.List(c.Request.Context(), scope, listedConversations)
	list := conversationList{Data: make([]conversationJSON, len(all))}
	for i, one := range all {
		list.Data[i] = conversationJSON{ID: string(one.ID), Turns: one.Turns, FirstAt: one.First.UTC(), LastAt: one.Last.UTC()}
	}
	api.reply(c, http.StatusOK, list, err)
}

// showConversation answers GET /v1/conversations/{id}.
func (api *API) showConversation(c *gin.Context) {
	scope, err := scopeOf(c)
	if err != nil {
		api.fail(c, err)
		return
	}
	id := desk.ConversationID(c.Param("id"))
	turns, err := api.cfg.Conversations.Recent(c.Request.Context(), scope, id, listedTurns)
	if err == nil && len(turns) == 0 {
		err = &desk.Error{Kind: desk.NotFound, Code: "conversation_not_found", Field: "id", Public: "There is no such conversation."}
	}
	detail := conversationDetail{ID: string(id), UserID: string(scope.User), Turns: make([]turnJSON, len(turns))}
	for i, t := range turns {
		detail.Turns[i] = newTurn(t)
	}
	api.reply(c, http.StatusOK, detail, err)
}

func newTurn(t desk.Turn) turnJSON {
	return turnJSON{
		AnswerID: string(t.Answer), At: t.At.UTC(), Question: string(t.Question), StandaloneQuestion: string(t.Standalone),
		Answer: string(t.Text), Outcome: string(t.Outcome),
	}
}

// deleteConversation answers DELETE /v1/conversations/{id}.
func (api *API) deleteConversation(c *gin.Context) {
	scope, err := scopeOf(c)
	if err == nil {
		err = api.cfg.Conversations.Delete(c.Request.Context(), scope, desk.ConversationID(c.Param("id")))
	}
	api.reply(c, http.StatusNoContent, nil, err)
}
