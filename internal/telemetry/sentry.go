package telemetry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/getsentry/sentry-go"
	sentrygin "github.com/getsentry/sentry-go/gin"
	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Sentry says what goes to Sentry.
type Sentry struct {
	DSN         string // empty: nothing
	Environment string // default "production"
	// TracesSampleRate is the share of requests that are traced, in [0,1].
	// Errors are always sent.
	TracesSampleRate float64
}

// Requests that are asked for every few seconds and explain nothing.
var untraced = [...]string{"GET /health", "GET /readyz", "GET /metrics"}

// Breadcrumbs tell what the models did before an error; there are no others.
const (
	crumbs    = "llm"
	maxCrumbs = 20
)

// newHub makes a hub of this Telemetry's own, not the process's. Settings that
// are left empty would be read from the environment by the library, so none is.
func newHub(cfg Config, transport http.RoundTripper) (*sentry.Hub, error) {
	environment := cfg.Sentry.Environment
	if environment == "" {
		environment = "production"
	}
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn:              cfg.Sentry.DSN,
		Environment:      environment,
		Release:          "kefu@" + cmp.Or(cfg.Build.Revision, cfg.Build.Version, "unknown"),
		HTTPTransport:    transport,
		SampleRate:       1,
		AttachStacktrace: true,
		MaxBreadcrumbs:   maxCrumbs,
		EnableTracing:    cfg.Sentry.TracesSampleRate > 0,
		TracesSampler: func(s sentry.SamplingContext) float64 {
			if slices.Contains(untraced[:], s.Span.Name) {
				return 0
			}
			return cfg.Sentry.TracesSampleRate
		},
		DataCollection: &sentry.DataCollection{
			UserInfo:   sentry.Set(false),
			HTTPBodies: []sentry.BodyType{},
		},
		BeforeSend:            scrubError,
		BeforeSendTransaction: scrubTransaction,
	})
	if err != nil {
		return nil, err
	}
	return sentry.NewHub(client, sentry.NewScope()), nil
}

// Error reports a fault of ours to Sentry: an error of kind Internal,
// Unavailable or TimedOut, or one without a kind. Others are the caller's and
// ignored. Logging the error is left to whoever handles it.
func (t *Telemetry) Error(ctx context.Context, err error) {
	if t.sentry == nil || err == nil {
		return
	}
	code := "internal"
	var e *desk.Error
	if errors.As(err, &e) {
		switch e.Kind {
		case desk.Internal, desk.Unavailable, desk.TimedOut:
			code = e.Code
		default:
			return
		}
	}
	hub := sentry.GetHubFromContext(ctx)
	if hub == nil {
		hub = t.sentry
	}
	hub = hub.Clone()
	hub.Scope().SetTag("code", code)
	if id := t.requestID(ctx); id != "" {
		hub.Scope().SetTag("request_id", id)
	}
	if tenant := t.tenant(ctx); tenant != "" {
		hub.Scope().SetTag("tenant", string(tenant))
	}
	hub.CaptureException(err)
}

// Middleware gives every request a trace id, honouring traceparent, and, where
// Sentry is on, a transaction and the report of a panic, which goes on to the
// recovery that must stand outside.
func (t *Telemetry) Middleware() []gin.HandlerFunc {
	if t.sentry == nil {
		return []gin.HandlerFunc{traced}
	}
	return []gin.HandlerFunc{t.beforeSentry, sentrygin.New(sentrygin.Options{Repanic: true}), afterSentry}
}

const bodyKey = "kefu/telemetry.body"

// beforeSentry prepares the request for Sentry's middleware, which knows
// sentry-trace but not traceparent, lets every client decide that its request
// is sampled, sends the client's baggage on, and keeps a copy of the body.
func (t *Telemetry) beforeSentry(c *gin.Context) {
	parent := parentOf(c.Request.Header)
	c.Request.Header.Del(sentry.SentryBaggageHeader)
	c.Request.Header.Del(sentry.SentryTraceHeader)
	if parent != "" {
		c.Request.Header.Set(sentry.SentryTraceHeader, parent)
	}
	c.Set(bodyKey, c.Request.Body)
	c.Request.Body = http.NoBody
	c.Request = c.Request.WithContext(sentry.SetHubOnContext(c.Request.Context(), t.sentry.Clone()))
}

// afterSentry gives the body back, and marks the transaction of a request that
// panics as failed: the recovery writes the status when Sentry has read it.
func afterSentry(c *gin.Context) {
	if body, ok := c.Get(bodyKey); ok {
		c.Request.Body, _ = body.(io.ReadCloser)
	}
	panicked := true
	defer func() {
		if panicked && !c.Writer.Written() {
			c.Status(http.StatusInternalServerError)
		}
	}()
	c.Next()
	panicked = false
}

// scrubError rebuilds an error event from its allowed parts. An aborted
// handler is not an error.
func scrubError(event *sentry.Event, hint *sentry.EventHint) *sentry.Event {
	if hint != nil && hint.RecoveredException != nil {
		err, isError := hint.RecoveredException.(error)
		switch {
		case isError && errors.Is(err, http.ErrAbortHandler):
			return nil
		case !isError: // may say anything
			event.Message = fmt.Sprintf("panic with a %T", hint.RecoveredException)
		}
	}
	event.Message = redact(event.Message)
	for i := range event.Exception {
		event.Exception[i].Value = redact(event.Exception[i].Value)
	}
	return scrub(event)
}

// scrubTransaction also hides the path of a request that matched no route.
func scrubTransaction(event *sentry.Event, _ *sentry.EventHint) *sentry.Event {
	if info := event.TransactionInfo; info == nil || info.Source != sentry.SourceRoute {
		event.Transaction = "no route"
	}
	return scrub(event)
}

// scrub drops everything that is taken from the request: the route stands in
// the transaction, the rest is the customer's. Our own breadcrumbs hold names
// and kinds alone.
func scrub(event *sentry.Event) *sentry.Event {
	event.Request = nil
	event.User = sentry.User{}
	event.Breadcrumbs = slices.DeleteFunc(event.Breadcrumbs, func(b *sentry.Breadcrumb) bool { return b.Category != crumbs })
	event.Attachments = nil
	return event
}

// sendTimeout bounds the sending of one envelope.
const sendTimeout = 10 * time.Second

// sender is the way to Sentry, which Close can cut: the library would wait for
// a hanging receiver.
type sender struct {
	*http.Transport

	open context.Context // until cut is called
	cut  context.CancelFunc
}

func newSender() *sender {
	s := &sender{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConns: 2, IdleConnTimeout: time.Minute,
	}}
	s.open, s.cut = context.WithCancel(context.Background())
	return s
}

// RoundTrip reads the whole reply, which is short.
func (s *sender) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(s.open, sendTimeout)
	defer cancel()
	resp, err := s.Transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
