package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

const (
	eventStream = "text/event-stream"

	// pingEvery is how often a comment shows proxies and callers that a silent
	// stream is alive.
	pingEvery = 15 * time.Second
	// writeWithin is how long a caller may take to accept one event.
	writeWithin = 15 * time.Second
)

// stream answers as server-sent events; a failure after the first of them is the
// terminal error event. A caller that leaves ends the work.
func (api *API) stream(c *gin.Context, ask desk.Ask) {
	ctx := c.Request.Context()
	events := newEventWriter(c.Writer)
	emit := func(e desk.Event) error {
		if body := api.eventBody(ctx, e); body != nil {
			return events.write(string(e.Type), body)
		}
		return nil
	}
	whole := func(a desk.Answer) error { return events.write(string(desk.EventDone), api.queryResponse(ctx, a)) }
	broken := func(p problem) { _ = events.write("error", p) }
	api.follow(c, events, ask, emit, whole, broken)
}

type metaEvent struct {
	ID             string  `json:"id"`
	Route          string  `json:"route"`
	RouteReason    string  `json:"route_reason"`
	Model          string  `json:"model"`
	Provider       string  `json:"provider"`
	CacheHit       bool    `json:"cache_hit"`
	CacheTier      *string `json:"cache_tier"`
	ConversationID string  `json:"conversation_id"`
	TraceID        string  `json:"trace_id"`
}

type statusEvent struct {
	Stage string `json:"stage"`
}

type deltaEvent struct {
	Text string `json:"text"`
}

type toolEvent struct {
	Tool       string `json:"tool"`
	Title      string `json:"title"`
	Write      bool   `json:"write"`
	Outcome    string `json:"outcome"`
	DurationMS int64  `json:"duration_ms"`
}

type guardEvent struct {
	Stage  string `json:"stage"`
	Action string `json:"action"`
}

type usageEvent struct {
	TokensUsed int `json:"tokens_used"`
	usage
}

// eventBody is the wire form of e, nil for one that is not sent: the done event
// carries the finished answer, which is known only when Answer returns.
func (api *API) eventBody(ctx context.Context, e desk.Event) any {
	switch {
	case e.Type == desk.EventMeta && e.Answer != nil:
		r := api.queryResponse(ctx, *e.Answer)
		return metaEvent{
			ID: r.ID, Route: r.Route, RouteReason: r.RouteReason, Model: r.Model, Provider: r.Provider,
			CacheHit: r.CacheHit, CacheTier: r.CacheTier, ConversationID: r.ConversationID, TraceID: r.TraceID,
		}
	case e.Type == desk.EventStatus:
		return statusEvent{e.Text}
	case e.Type == desk.EventDelta:
		return deltaEvent{e.Text}
	case e.Type == desk.EventCitation && e.Citation != nil:
		return newSourceDocument(e.Citation)
	case e.Type == desk.EventTool && e.Tool != nil:
		u := e.Tool
		return toolEvent{u.Tool, u.Title, u.Write, string(u.Outcome), u.Duration.Milliseconds()}
	case e.Type == desk.EventGuard && e.Verdict != nil:
		return guardEvent{e.Verdict.Stage, string(e.Verdict.Action)}
	case e.Type == desk.EventHandoff && e.Handoff != nil:
		return newHandoff(e.Handoff)
	case e.Type == desk.EventUsage && e.Answer != nil:
		r := api.queryResponse(ctx, *e.Answer)
		return usageEvent{r.TokensUsed, r.Usage}
	}
	return nil
}

// eventWriter writes numbered events. It is safe for concurrent use.
type eventWriter struct {
	w       gin.ResponseWriter
	control *http.ResponseController

	mu    sync.Mutex
	last  int   // number of the last event, 0 before the first
	lost  error // the first failure to write; nil: none yet
	buf   bytes.Buffer
	pings *time.Timer // nil: stopped
}

// newEventWriter flushes the writer beneath w itself: Gin's Flush would swallow the
// error that tells that the caller left.
func newEventWriter(w gin.ResponseWriter) *eventWriter {
	var beneath http.ResponseWriter = w
	if wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		beneath = wrapper.Unwrap()
	}
	return &eventWriter{w: w, control: http.NewResponseController(beneath)}
}

func (ew *eventWriter) begun() bool {
	ew.mu.Lock()
	defer ew.mu.Unlock()
	return ew.last > 0
}

// write sends one event at once. An error means that nobody listens any more.
func (ew *eventWriter) write(event string, body any) error {
	ew.mu.Lock()
	defer ew.mu.Unlock()
	ew.begin()
	fmt.Fprintf(&ew.buf, "id: %d\nevent: %s\ndata: ", ew.last, event)
	encode(&ew.buf, body) // ends with a line feed and has no other
	ew.buf.WriteByte('\n')
	return ew.flush()
}

// begin numbers the next event and, before the first one, sets the headers of a
// stream.
func (ew *eventWriter) begin() {
	if ew.last == 0 {
		h := ew.w.Header()
		h.Set("Content-Type", eventStream)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	}
	ew.last++
	ew.buf.Reset()
}

// keepAlive writes comments into a stream that has begun, until stop is called.
// It uses a timer instead of a goroutine, since thousands of streams may wait.
func (ew *eventWriter) keepAlive() (stop func()) {
	ew.mu.Lock()
	defer ew.mu.Unlock()
	ew.pings = time.AfterFunc(pingEvery, ew.ping)
	return func() {
		ew.mu.Lock()
		defer ew.mu.Unlock()
		ew.pings.Stop()
		ew.pings = nil
	}
}

func (ew *eventWriter) ping() {
	ew.mu.Lock()
	defer ew.mu.Unlock()
	if ew.pings == nil { // stopped while this waited: the writer is not ours any more
		return
	}
	if ew.last > 0 {
		ew.buf.Reset()
		ew.buf.WriteString(": still here\n\n")
		_ = ew.flush() // the next event reports that the caller left
	}
	ew.pings.Reset(pingEvery)
}

// flush sends the buffer, within writeWithin: the server's limit on a whole reply
// does not suit a stream. Any error is of kind Cancelled, since a caller who does
// not read counts as one who left.
func (ew *eventWriter) flush() error {
	err := ew.control.SetWriteDeadline(time.Now().Add(writeWithin))
	if err == nil {
		_, err = ew.w.Write(ew.buf.Bytes())
	}
	if err == nil {
		err = ew.control.Flush()
	}
	if err != nil {
		ew.lost = cmp.Or(ew.lost, err)
		return &desk.Error{Kind: desk.Cancelled, Code: "cancelled", Err: fmt.Errorf("write event: %w", err)}
	}
	return nil
}
