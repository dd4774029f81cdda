package httpapi

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

type requestKey struct{}

// request is what is known of a request; key is zero until its caller has
// shown one.
type request struct {
	id     string
	key    desk.Key
	change string      // what its target was changed to, for the audit log
	user   desk.UserID // who asks, where they are named
}

// requestOf is the request that ctx belongs to.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// RequestID is the id of the request that ctx belongs to, empty outside one.
func RequestID(ctx context.Context) string { return requestOf(ctx).id }

// Tenant is on whose behalf the request of ctx is made, empty while that is
// not known.
func Tenant(ctx context.Context) desk.TenantID { return requestOf(ctx).key.Tenant }

// edge stands around everything else: it names the request, survives its
// panics, and counts and logs it once.
func (api *API) edge(c *gin.Context) {
	began := time.Now()
	api.observer.InFlight(1)
	defer api.observer.InFlight(-1)

	id := requestID(c.Request.Header)
	c.Header("X-Request-Id", id)
	if len(c.Request.TransferEncoding) > 0 {
		// Such a request may have had a Content-Length too, which net/http hides:
		// it has to be the last of its connection (RFC 9112, section 6.1).
		c.Header("Connection", "close")
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), requestKey{}, &request{id: id}))

	cut := api.recovering(c)

	took := time.Since(began)
	route := cmp.Or(c.FullPath(), "other")
	api.observer.Request(route, c.Request.Method, c.Writer.Status(), took)
	api.logRequest(c, route, took)
	if cut {
		panic(http.ErrAbortHandler)
	}
}

// recovering runs the rest of the chain. A panic becomes a problem; if the
// reply has already begun, or the handler asked for it, the connection must be
// cut so that the caller sees that something is missing.
func (api *API) recovering(c *gin.Context) (cut bool) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p == http.ErrAbortHandler:
			c.Abort()
			cut = true
		default:
			c.Abort()
			cut = c.Writer.Written()
			_ = c.Error(panicked{value: p, stack: debug.Stack()})
			if !cut {
				api.writeProblem(c, &desk.Error{Kind: desk.Internal, Code: "internal"})
			}
		}
	}()
	c.Next()
	return false
}

// panicked is a panic on its way to the log. It reaches the Observer by the
// middleware that saw it pass.
type panicked struct {
	value any
	stack []byte
}

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func (api *API) logRequest(c *gin.Context, route string, took time.Duration) {
	ctx := c.Request.Context()
	last := c.Errors.Last()
	level := slog.LevelInfo
	switch {
	case last != nil && ourFault(explained(ctx, last.Err).Kind):
		level = slog.LevelError // also where a stream had begun with 200
	case last == nil:
		level = slog.LevelDebug // metrics count what went well, model calls have lines of their own
	}
	if !api.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("request_id", RequestID(ctx)),
		slog.String("method", c.Request.Method),
		slog.String("route", route),
		slog.Int("status", c.Writer.Status()),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.Int("bytes", max(0, c.Writer.Size())),
	)
	if last != nil {
		attrs = append(attrs, slog.Any("error", last.Err))
		var p panicked
		if errors.As(last.Err, &p) {
			attrs = append(attrs, slog.String("stack", string(p.stack)))
		}
	}
	api.log.LogAttrs(ctx, level, "request", attrs...)
}

// ourFault tells whether somebody should look into an error of that kind. What
// is refused under too much load is counted, and of that there is much.
func ourFault(kind desk.Kind) bool {
	return kind != desk.Overloaded && outcomeOf(kind).status >= http.StatusInternalServerError
}

// requestID takes over the caller's id where it is one: up to 128 letters,
// digits, dots, underscores and hyphens, which mean nothing to a log, a page or a
// shell. Another gets an id of ours.
func requestID(h http.Header) string {
	if id := h.Get("X-Request-Id"); plainID.MatchString(id) {
		return id
	}
	return "req_" + rand.Text()
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

func (api *API) traced(c *gin.Context) {
	if id := api.cfg.TraceID(c.Request.Context()); id != "" {
		c.Header("X-Trace-Id", id)
	}
}

func (api *API) noRoute(c *gin.Context) {
	api.fail(c, &desk.Error{Kind: desk.NotFound, Code: "no_such_path", Public: "There is nothing at this path; /docs lists what there is."})
}

// noMethod answers where the path exists; the router has set Allow.
func (api *API) noMethod(c *gin.Context) {
	api.fail(c, &desk.Error{
		Kind: desk.Unsupported, Code: codeMethod,
		Public: "This path takes " + c.Writer.Header().Get("Allow") + ".",
	})
}
