package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// maxName is the length of the longest user, conversation, model or provider
// name, in characters.
const maxName = 128

type queryRequest struct {
	identity
	Question       string
	ConversationID string
	Stream         bool
	Model          string
	Provider       string
	Confirmation   string
}

// maxConfirmation is the length of the longest token, in bytes: that of the
// largest arguments that a tool takes.
const maxConfirmation = 32 << 10

type queryResponse struct {
	ID              string           `json:"id"`
	Answer          string           `json:"answer"`
	SourceDocuments []sourceDocument `json:"source_documents"`
	TokensUsed      int              `json:"tokens_used"`
	CacheHit        bool             `json:"cache_hit"`
	CacheTier       *string          `json:"cache_tier"`
	Route           string           `json:"route"`
	RouteReason     string           `json:"route_reason"`
	Model           string           `json:"model"`
	Provider        string           `json:"provider"`
	Usage           usage            `json:"usage"`
	Grounded        bool             `json:"grounded"`
	Degraded        bool             `json:"degraded"`
	Handoff         *handoff         `json:"handoff"`
	Confirmations   []confirmation   `json:"confirmations,omitempty"`
	ConversationID  string           `json:"conversation_id"`
	TraceID         string           `json:"trace_id"`
	LatencyMS       int64            `json:"latency_ms"`
}

type sourceDocument struct {
	Index      int     `json:"index"`
	DocumentID string  `json:"document_id"`
	Title      string  `json:"title"`
	URL        string  `json:"url"`
	Quote      string  `json:"quote"`
	Score      float64 `json:"score"`
}

type usage struct {
	PromptTokens     int     `json:"prompt_tokens"`
	CompletionTokens int     `json:"completion_tokens"`
	CachedTokens     int     `json:"cached_tokens"`
	CostUSD          float64 `json:"cost_usd"`
}

type handoff struct {
	Reason  string          `json:"reason"`
	Contact contact         `json:"contact"`
	Pages   []desk.HelpPage `json:"pages,omitempty"`
}

type confirmation struct {
	Tool     string    `json:"tool"`
	Question string    `json:"question"`
	Token    string    `json:"token"`
	Expires  time.Time `json:"expires"`
}

type contact struct {
	URL     string `json:"url,omitempty"`
	Email   string `json:"email,omitempty"`
	Phone   string `json:"phone,omitempty"`
	Message string `json:"message"`
}

// query answers POST /query, in one piece or as a stream of events.
func (api *API) query(c *gin.Context) {
	req, err := api.queryRequest(c)
	if err != nil {
		api.fail(c, err)
		return
	}
	if user := req.user(); user != desk.Anonymous {
		requestOf(c.Request.Context()).user = user
	}
	if req.Stream || strings.Contains(c.GetHeader("Accept"), eventStream) {
		api.stream(c, ask(callerOf(c), req))
		return
	}
	ctx := c.Request.Context()
	a, err := api.answer(ctx, c, ask(callerOf(c), req), desk.Discard)
	if err != nil {
		api.fail(c, err)
		return
	}
	api.writeJSON(c, http.StatusOK, "application/json", api.queryResponse(ctx, a))
}

func (api *API) queryRequest(c *gin.Context) (queryRequest, error) {
	body, err := api.body(c)
	if err != nil {
		return queryRequest{}, err
	}
	var req queryRequest
	err = decodeObject(body, req.fields(
		field{"question", &req.Question}, field{"conversation_id", &req.ConversationID}, field{"stream", &req.Stream},
		field{"model", &req.Model}, field{"provider", &req.Provider}, field{"confirmation", &req.Confirmation})...)
	if err != nil {
		return queryRequest{}, err
	}
	key := callerOf(c)
	return req, cmp.Or(req.check(), api.checkIdentity(key, req.identity), visitorsLack(key, "model", req.Model), visitorsLack(key, "provider", req.Provider))
}

// check looks at the names; the question is the Answerer's to judge.
func (r *queryRequest) check() error {
	for _, f := range [...]struct{ name, value string }{
		{"conversation_id", r.ConversationID}, {"model", r.Model}, {"provider", r.Provider},
	} {
		if err := checkName(f.name, f.value); err != nil {
			return err
		}
	}
	return checkConfirmation(r.Confirmation)
}

func checkConfirmation(token string) error {
	if len(token) > maxConfirmation {
		return invalid("value_too_long", "confirmation", fmt.Sprintf("\"confirmation\" is longer than %d bytes.", maxConfirmation))
	}
	return nil
}

func checkName(field, value string) error {
	if n := utf8.RuneCountInString(value); n > maxName {
		return invalid("value_too_long", field, fmt.Sprintf("%q has %d characters; at most %d are allowed.", field, n, maxName))
	}
	if strings.ContainsFunc(value, unicode.IsControl) {
		return invalid("control_characters", field, fmt.Sprintf("%q contains control characters.", field))
	}
	return nil
}

func ask(key desk.Key, r queryRequest) desk.Ask {
	return desk.Ask{
		Scope: desk.Scope{Tenant: key.Tenant, Key: key.ID, User: r.user()},
		Text:  r.Question, Conversation: desk.ConversationID(r.ConversationID),
		Model: r.Model, Provider: r.Provider, Confirmation: r.Confirmation,
	}
}

// queryResponse is what the asker sees of a. An answer from the cache cost
// them nothing.
func (api *API) queryResponse(ctx context.Context, a desk.Answer) queryResponse {
	r := queryResponse{
		ID:              string(a.ID),
		Answer:          cmp.Or(a.Restored, string(a.Text)),
		SourceDocuments: make([]sourceDocument, len(a.Citations)),
		Route:           string(a.Route.Kind),
		RouteReason:     a.Route.Reason,
		Model:           a.Model,
		Provider:        a.Provider,
		Grounded:        a.Grounded,
		Degraded:        a.Degraded,
		Handoff:         newHandoff(a.Handoff),
		ConversationID:  string(a.Conversation),
		TraceID:         cmp.Or(a.TraceID, api.cfg.TraceID(ctx)),
		LatencyMS:       a.Latency.Milliseconds(),
	}
	for i := range a.Citations {
		r.SourceDocuments[i] = newSourceDocument(&a.Citations[i])
	}
	for _, c := range a.Confirm {
		r.Confirmations = append(r.Confirmations, confirmation{c.Tool, c.Question, c.Token, c.Expires.UTC()})
	}
	if a.CacheTier != "" {
		r.CacheHit, r.CacheTier = true, &a.CacheTier
		return r
	}
	r.Usage, r.TokensUsed = newUsage(&a), a.Usage.Total()
	return r
}

func newSourceDocument(c *desk.Citation) sourceDocument {
	return sourceDocument{
		Index: c.Index, DocumentID: string(c.Document), Title: c.Title, URL: c.URL, Quote: c.Quote, Score: c.Score,
	}
}

func newUsage(a *desk.Answer) usage {
	return usage{
		PromptTokens: a.Usage.Prompt, CompletionTokens: a.Usage.Completion, CachedTokens: a.Usage.Cached, CostUSD: a.Cost.USD(),
	}
}

func newHandoff(h *desk.Handoff) *handoff {
	if h == nil {
		return nil
	}
	return &handoff{
		Reason:  string(h.Reason),
		Contact: contact{URL: h.Contact.URL, Email: h.Contact.Email, Phone: h.Contact.Phone, Message: h.Contact.Message},
		Pages:   h.Pages,
	}
}
