package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Answers are the answers that were given. Errors that a caller may read are
// *desk.Error.
type Answers interface {
	Get(ctx context.Context, scope desk.Scope, id desk.AnswerID) (desk.Record, error)
	// Feedback lists what users said of one, the latest first.
	Feedback(ctx context.Context, tenant desk.TenantID, id desk.AnswerID) ([]desk.Feedback, error)
	// Page lists the n latest that q chooses.
	Page(ctx context.Context, tenant desk.TenantID, q desk.AnswerQuery, n int) ([]desk.Record, error)
}

// Feedback takes what users say of answers; comment, as they wrote it, is
// masked before it is kept. Errors that a caller may read are *desk.Error.
type Feedback interface {
	Rate(ctx context.Context, scope desk.Scope, f desk.Feedback, comment string) error
}

// recordJSON is an answer as its asker saw it, with what it was made of.
type recordJSON struct {
	Question string        `json:"question"`
	AskedAt  time.Time     `json:"asked_at"`
	UserID   string        `json:"user_id"`
	KeyID    string        `json:"key_id"`
	Lang     string        `json:"lang"`
	Outcome  string        `json:"outcome"`
	Answer   queryResponse `json:"answer"`
	Trace    *desk.Trace   `json:"trace"`
	// Feedback is what its users said of it, the latest first.
	Feedback []feedbackJSON `json:"feedback"`
}

// givenJSON is an answer in a list.
type givenJSON struct {
	ID        string    `json:"id"`
	Question  string    `json:"question"`
	Answer    string    `json:"answer"`
	AskedAt   time.Time `json:"asked_at"`
	Lang      string    `json:"lang"`
	Outcome   string    `json:"outcome"`
	Route     string    `json:"route"`
	Model     string    `json:"model"`
	CacheTier *string   `json:"cache_tier"` // null: composed
	CostUSD   float64   `json:"cost_usd"`
	LatencyMS int64     `json:"latency_ms"`
}

func newGivenJSON(r desk.Record) givenJSON {
	q, a := r.Question, r.Answer
	j := givenJSON{
		ID: string(a.ID), Question: string(q.Text), Answer: string(a.Text), AskedAt: q.Asked, Lang: string(a.Lang), Outcome: string(a.Outcome),
		Route: string(a.Route.Kind), Model: a.Model, CostUSD: a.Cost.USD(), LatencyMS: a.Latency.Milliseconds(),
	}
	if a.CacheTier != "" {
		j.CacheTier, j.CostUSD = &a.CacheTier, 0 // whoever asked first has paid
	}
	return j
}

// listAnswers answers GET /v1/answers.
func (api *API) listAnswers(c *gin.Context) {
	var last moment[desk.AnswerID]
	q := desk.AnswerQuery{Outcome: desk.Outcome(c.Query("outcome"))}
	n, err := paging(c, &last)
	if err == nil && q.Outcome != "" && !slices.Contains(desk.Outcomes[:], q.Outcome) {
		names := each(desk.Outcomes[:], func(o desk.Outcome) string { return string(o) })
		err = invalid("value_invalid", "outcome", `"outcome" must be one of `+strings.Join(names, ", ")+".")
	}
	if err != nil {
		api.fail(c, err)
		return
	}
	q.Before, q.BeforeID = last.before()
	list, err := api.cfg.Admin.Answers.Page(c.Request.Context(), tenantOf(c), q, n+1)
	api.reply(c, http.StatusOK, newPage(list, n, newGivenJSON, func(l desk.Record) any {
		return moment[desk.AnswerID]{l.Question.Asked.UnixMilli(), l.Answer.ID}
	}), err)
}

// showAnswer answers GET /v1/answers/{id}.
func (api *API) showAnswer(c *gin.Context) {
	ctx := c.Request.Context()
	id := desk.AnswerID(c.Param("id"))
	r, err := api.cfg.Admin.Answers.Get(ctx, desk.Scope{Tenant: tenantOf(c)}, id)
	var said []desk.Feedback
	if err == nil {
		said, err = api.cfg.Admin.Answers.Feedback(ctx, tenantOf(c), id)
	}
	if err != nil {
		api.fail(c, err)
		return
	}
	q, a := r.Question, r.Answer
	seen := api.queryResponse(ctx, a)
	seen.TraceID = a.TraceID // never that of this request
	api.reply(c, http.StatusOK, recordJSON{
		Question: string(q.Text), AskedAt: q.Asked.UTC(), UserID: string(q.Scope.User), KeyID: string(q.Scope.Key),
		Lang: string(a.Lang), Outcome: string(a.Outcome), Answer: seen, Trace: a.Trace,
		Feedback: each(said, newFeedbackJSON),
	}, nil)
}

// maxComment is the length of the longest comment, in characters.
const maxComment = 1000

// rateAnswer answers POST /v1/answers/{id}/feedback. It counts as a request of
// its caller, who else could write without end.
func (api *API) rateAnswer(c *gin.Context) {
	api.reply(c, http.StatusNoContent, nil, api.rate(c))
}

func (api *API) rate(c *gin.Context) error {
	var rating, reason, comment string
	var rater identity
	err := api.object(c, rater.fields(field{"rating", &rating}, field{"reason", &reason}, field{"comment", &comment})...)
	if err == nil {
		err = cmp.Or(api.checkIdentity(callerOf(c), rater), checkFeedback(desk.Rating(rating), desk.FeedbackReason(reason), comment))
	}
	if err != nil {
		return err
	}
	scope := desk.Scope{Tenant: callerOf(c).Tenant, Key: callerOf(c).ID, User: rater.user()}
	v, err := api.enter(c.Request.Context(), c, scope, "")
	if err != nil {
		return err
	}
	defer v.Leave(0)
	return api.cfg.Feedback.Rate(c.Request.Context(), scope, desk.Feedback{
		Answer: desk.AnswerID(c.Param("id")), At: time.Now(), Rating: desk.Rating(rating), Reason: desk.FeedbackReason(reason),
	}, comment)
}

func checkFeedback(rating desk.Rating, reason desk.FeedbackReason, comment string) error {
	switch n := utf8.RuneCountInString(comment); {
	case rating != desk.RatedUp && rating != desk.RatedDown:
		return invalid("value_invalid", "rating", `"rating" must be up or down.`)
	case reason != "" && rating != desk.RatedDown:
		return invalid("value_invalid", "reason", `"reason" says what is wrong: it goes with the rating down.`)
	case reason != "" && !slices.Contains(desk.FeedbackReasons[:], reason):
		names := each(desk.FeedbackReasons[:], func(r desk.FeedbackReason) string { return string(r) })
		return invalid("value_invalid", "reason", `"reason" must be one of `+strings.Join(names, ", ")+".")
	case n > maxComment:
		return invalid("value_too_long", "comment", fmt.Sprintf("\"comment\" has %d characters; at most %d are allowed.", n, maxComment))
	}
	return nil
}
