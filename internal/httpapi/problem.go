package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

const (
	codeMethod = "method_not_allowed"

	// statusClientGone is what proxies log when the caller left; nobody reads it.
	statusClientGone = 499
)

// problem is the body of every error (RFC 9457), but for OpenAI's paths.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Field     string `json:"field,omitempty"`
	RequestID string `json:"request_id"`
	Retryable bool   `json:"retryable"`
}

// outcome is what a kind of error means over HTTP.
type outcome struct {
	status    int
	title     string
	detail    string // where the error brings no words of its own
	retryable bool
	after     time.Duration // Retry-After where the error does not say; 0: none
}

func outcomeOf(kind desk.Kind) outcome {
	switch kind {
	case desk.Invalid:
		return outcome{status: http.StatusBadRequest, title: "Invalid request", detail: "The request is not valid."}
	case desk.NotFound:
		return outcome{status: http.StatusNotFound, title: "Not found", detail: "There is no such thing."}
	case desk.TooLarge:
		return outcome{status: http.StatusRequestEntityTooLarge, title: "Too large", detail: "The request is too large."}
	case desk.Unsupported:
		return outcome{status: http.StatusUnsupportedMediaType, title: "Unsupported", detail: "The request has a form that is not supported."}
	case desk.Unauthorised:
		return outcome{status: http.StatusUnauthorized, title: "Key required", detail: "A valid key is required."}
	case desk.Forbidden:
		return outcome{status: http.StatusForbidden, title: "Forbidden", detail: "The key does not allow this."}
	case desk.Conflict:
		return outcome{status: http.StatusConflict, title: "Conflict", detail: "The request conflicts with another one.", retryable: true}
	case desk.RateLimited:
		return outcome{status: http.StatusTooManyRequests, title: "Too many requests", detail: "Too many requests; try again later.", retryable: true, after: time.Second}
	case desk.OverBudget:
		return outcome{status: http.StatusTooManyRequests, title: "Budget exhausted", detail: "The budget for this is used up.", retryable: true, after: time.Hour}
	case desk.Unavailable:
		return outcome{status: http.StatusServiceUnavailable, title: "Unavailable", detail: "The service is not available; try again later.", retryable: true, after: 5 * time.Second}
	case desk.Overloaded:
		return outcome{status: http.StatusServiceUnavailable, title: "Overloaded", detail: "There is too much to do right now; try again later.", retryable: true, after: time.Second}
	case desk.TimedOut:
		return outcome{status: http.StatusGatewayTimeout, title: "Timed out", detail: "The answer took too long; try again later.", retryable: true}
	case desk.Cancelled:
		return outcome{status: statusClientGone, title: "Cancelled", detail: "The caller left."}
	default:
		return outcome{status: http.StatusInternalServerError, title: "Internal error", detail: "Something went wrong on our side."}
	}
}

// fail ends the request with a problem; err itself goes to the log and the
// Observer alone.
func (api *API) fail(c *gin.Context, err error) {
	c.Abort()
	_ = c.Error(err)
	api.observer.Error(c.Request.Context(), err)
	api.writeProblem(c, explained(c.Request.Context(), err))
}

// explained finds what a caller may be told of err: only what a *desk.Error in it
// says, else no more than its kind.
func explained(ctx context.Context, err error) *desk.Error {
	var e *desk.Error
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return &desk.Error{Kind: desk.Cancelled, Code: "cancelled", Err: err}
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled): // not by the caller: we are going down
		return &desk.Error{Kind: desk.Unavailable, Code: "interrupted", Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &desk.Error{Kind: desk.TimedOut, Code: "timed_out", Err: err}
	}
	return &desk.Error{Kind: desk.Internal, Code: "internal", Err: err}
}

// writeProblem replies with e, whose Err it never looks at.
func (api *API) writeProblem(c *gin.Context, e *desk.Error) {
	p, o := newProblem(e, RequestID(c.Request.Context()))
	switch {
	case e.Kind == desk.Unauthorised:
		c.Header("WWW-Authenticate", `Bearer realm="kefu"`)
	case o.after > 0:
		c.Header("Retry-After", strconv.Itoa(int((o.after+time.Second-1)/time.Second)))
	}
	if speaksOpenAI(c.Request.URL.Path) {
		api.writeJSON(c, p.Status, "application/json", newOpenAIError(p))
		return
	}
	api.writeJSON(c, p.Status, "application/problem+json", p)
}

func newProblem(e *desk.Error, requestID string) (problem, outcome) {
	o := outcomeOf(e.Kind)
	if e.Code == codeMethod {
		o.status, o.title = http.StatusMethodNotAllowed, "Method not allowed"
	}
	if e.Code == "idempotency_mismatch" {
		o.status, o.title = http.StatusUnprocessableEntity, "Another request"
	}
	if o.retryable && e.RetryAfter > 0 {
		o.after = e.RetryAfter
	}
	p := problem{
		Type: "urn:kefu:problem:" + e.Code, Title: o.title, Status: o.status, Code: e.Code, Detail: o.detail,
		Field: e.Field, RequestID: requestID, Retryable: o.retryable,
	}
	if e.Public != "" {
		p.Detail = e.Public
	}
	return p, o
}

// writeJSON replies with body, which must be encodable.
func (api *API) writeJSON(c *gin.Context, status int, mediaType string, body any) {
	b := api.buffers.Get().(*bytes.Buffer)
	defer api.buffers.Put(b)
	b.Reset()
	encode(b, body)
	h := c.Writer.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	c.Status(status)
	c.Writer.WriteHeaderNow()
	_, _ = c.Writer.Write(b.Bytes()) // an error means that the caller left
}

// encode appends v and a line feed. Characters that only HTML needs escaped
// stay as they are.
func encode(b *bytes.Buffer, v any) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("httpapi: encode: " + err.Error()) // wire structs hold nothing that cannot be encoded
	}
}
