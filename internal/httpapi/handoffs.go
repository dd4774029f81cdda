package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Handoffs are the customers whom answers sent to a person. Errors that a
// caller may read are *desk.Error.
type Handoffs interface {
	// Page lists the n latest that q chooses.
	Page(ctx context.Context, tenant desk.TenantID, q desk.CaseQuery, n int) ([]desk.Case, error)
	Get(ctx context.Context, tenant desk.TenantID, id desk.AnswerID) (desk.Case, error)
	// Move brings one into a state, in the name of by.
	Move(ctx context.Context, tenant desk.TenantID, id desk.AnswerID, to desk.HandoffState, by string, at time.Time) (desk.Case, error)
}

type caseJSON struct {
	AnswerID       string       `json:"answer_id"`
	State          string       `json:"state"`
	Reason         string       `json:"reason"`
	Question       string       `json:"question"`
	Lang           string       `json:"lang"`
	UserID         string       `json:"user_id"`
	ConversationID string       `json:"conversation_id"`
	AskedAt        time.Time    `json:"asked_at"`
	Askings        int          `json:"askings"`
	LastAskedAt    time.Time    `json:"last_asked_at"`
	Contact        desk.Contact `json:"contact"`
	Webhook        *string      `json:"webhook"`    // null: under way, or there is none
	HandledBy      *string      `json:"handled_by"` // null: nobody yet
	HandledAt      *time.Time   `json:"handled_at"`
}

// caseDetail is a handoff with what was said before it.
type caseDetail struct {
	caseJSON
	Answer string     `json:"answer"`
	Turns  []turnJSON `json:"turns"` // of its conversation, oldest first
}

func newCaseJSON(h desk.Case) caseJSON {
	j := caseJSON{
		AnswerID: string(h.Answer), State: string(h.State), Reason: string(h.Handoff.Reason), Question: string(h.Question), Lang: string(h.Lang),
		UserID: string(h.User), ConversationID: string(h.Conversation), AskedAt: h.Asked, Askings: h.Askings, LastAskedAt: h.Asked, Contact: h.Handoff.Contact,
	}
	if !h.Again.IsZero() {
		j.LastAskedAt = h.Again
	}
	if h.Webhook != "" {
		webhook := string(h.Webhook)
		j.Webhook = &webhook
	}
	if !h.Changed.IsZero() {
		j.HandledBy, j.HandledAt = &h.By, &h.Changed
	}
	return j
}

// listHandoffs answers GET /v1/handoffs.
func (api *API) listHandoffs(c *gin.Context) {
	var last moment[desk.AnswerID]
	q := desk.CaseQuery{State: desk.HandoffState(c.Query("state"))}
	n, err := paging(c, &last)
	if err == nil && q.State != "" {
		err = checkState(q.State)
	}
	if err != nil {
		api.fail(c, err)
		return
	}
	q.Before, q.BeforeID = last.before()
	list, err := api.cfg.Admin.Handoffs.Page(c.Request.Context(), tenantOf(c), q, n+1)
	api.reply(c, http.StatusOK, newPage(list, n, newCaseJSON, func(l desk.Case) any {
		return moment[desk.AnswerID]{l.Raised.UnixMilli(), l.Answer}
	}), err)
}

// showHandoff answers GET /v1/handoffs/{id}.
func (api *API) showHandoff(c *gin.Context) {
	h, err := api.cfg.Admin.Handoffs.Get(c.Request.Context(), tenantOf(c), desk.AnswerID(c.Param("id")))
	var turns []desk.Turn
	if err == nil && h.Conversation != "" && api.cfg.Conversations != nil {
		scope := desk.Scope{Tenant: tenantOf(c), User: h.User}
		turns, err = api.cfg.Conversations.Recent(c.Request.Context(), scope, h.Conversation, listedTurns)
	}
	api.reply(c, http.StatusOK, caseDetail{newCaseJSON(h), string(h.Text), each(turns, newTurn)}, err)
}

// moveHandoff answers PATCH /v1/handoffs/{id}.
func (api *API) moveHandoff(c *gin.Context) {
	var state string
	err := api.object(c, field{"state", &state})
	if err == nil {
		err = checkState(desk.HandoffState(state))
	}
	var h desk.Case
	if err == nil {
		h, err = api.cfg.Admin.Handoffs.Move(c.Request.Context(), tenantOf(c), desk.AnswerID(c.Param("id")), desk.HandoffState(state), string(callerOf(c).ID), time.Now())
		requestOf(c.Request.Context()).change = state
	}
	api.reply(c, http.StatusOK, newCaseJSON(h), err)
}

func checkState(s desk.HandoffState) error {
	if slices.Contains(desk.HandoffStates[:], s) {
		return nil
	}
	names := each(desk.HandoffStates[:], func(s desk.HandoffState) string { return string(s) })
	return invalid("value_invalid", "state", `"state" must be one of `+strings.Join(names, ", ")+".")
}
