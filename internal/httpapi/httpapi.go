// Package httpapi is the HTTP edge. It turns requests into questions, answers into
// JSON or a stream of events, and errors into problem+json; under /v1/chat and
// /v1/models, into the forms that clients made for OpenAI expect. It decides
// nothing about answers.
package httpapi

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Answerer answers a question, after it has called ask.Admit. Of its errors,
// callers are shown what a *desk.Error says, and nothing of others.
type Answerer interface {
	Answer(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error)
}

// Observer is told of every request.
type Observer interface {
	// InFlight is called with 1 when a request begins and -1 when it ends.
	InFlight(delta int)
	// Request is called when a request has ended; route is the router's
	// pattern, "other" when none matched.
	Request(route, method string, code int, took time.Duration)
	// RateLimited is called when a rate limit has refused a request: whose limit it
	// is, and which.
	RateLimited(scope, reason string)
	// StreamAborted is called when a stream had begun and broke off, with why.
	StreamAborted(reason string)
	// Error is called with every error that a request ended with.
	Error(ctx context.Context, err error)
}

// Keys knows the keys of callers.
type Keys interface {
	// Key finds the key with that secret. Errors are *desk.Error of kind
	// Unauthorised or Unavailable.
	Key(ctx context.Context, secret string) (desk.Key, error)
	// Open tells whether questions are taken without a key.
	Open() bool
	// Refresh makes this process see a change of keys and budgets at once.
	Refresh(ctx context.Context) error
}

// Config says what the edge serves and to whom.
type Config struct {
	// Keys are what callers must send, as a bearer token or as X-API-Key, for
	// everything but the public pages. Nil: anybody may ask, nobody may change
	// anything.
	Keys Keys
	// Identities tell which customer of a website asks; nil: websites cannot say.
	Identities Identities
	// TrustedProxies are those whose X-Forwarded-For is believed; empty: the caller
	// is whoever is connected.
	TrustedProxies []netip.Prefix
	// Origins are the websites whose scripts may ask, such as
	// https://shop.example.com or https://*.example.com; none: only Kefu's own
	// pages.
	Origins []string
	// MaxBodyBytes is the size of the largest request body; default 64 KiB.
	MaxBodyBytes int64
	// Limiter bounds how much a caller may ask. Nil: unlimited.
	Limiter Limiter
	// Idempotency makes a request with an Idempotency-Key run once, however often
	// it is sent; nil: the header is ignored.
	Idempotency Idempotency
	// Admin is what administrators change; nil: its paths are not served.
	Admin *Admin
	// Conversations are what customers asked and were answered; nil: their paths
	// are not served.
	Conversations Conversations
	// Feedback takes what users say of answers; nil: its path is not served.
	Feedback Feedback
	// Operators is the knowledge base, for those who look after it; nil: its
	// paths are not served. It needs Admin, for the audit log.
	Operators *Operators
	// Models may be asked for by name at /v1/chat/completions, beside the routes.
	Models []Model
	// Chat is the page at / and the files that it loads from below /chat/; nil:
	// neither is served.
	Chat http.Handler
	// Widget is the script at /widget.js and the page at /widget, which it shows
	// on other websites, with the files that it loads from below /widget/; nil:
	// neither is served.
	Widget http.Handler
	// Console is the page at /console and the files that it loads from below
	// /console/; nil: neither is served.
	Console http.Handler
	// Sessions are those signed in to it; nil: nobody can.
	Sessions Sessions
	// SignIns bounds how often one address may try to sign in. Nil: unlimited.
	SignIns Limiter
	// Metrics is served at /metrics, to operators of the default tenant, or to
	// anybody while questions are taken without a key; nil: not served here.
	Metrics http.Handler
	// Happenings are served at /ops/events, to administrators; nil: not served.
	Happenings Happenings
	// Middleware runs for every request, between recovery and authentication.
	Middleware []gin.HandlerFunc
	// TraceID names the trace that a request's context belongs to, after
	// Middleware ran; nil or empty: no X-Trace-Id.
	TraceID func(context.Context) string
	// Checks are what /readyz reports.
	Checks []Check
	// Logger gets one line a request, at debug for one that went well; default
	// slog.Default().
	Logger *slog.Logger
}

// API is the HTTP interface. It is safe for concurrent use.
type API struct {
	cfg      Config
	answerer Answerer
	observer Observer
	log      *slog.Logger
	engine   *gin.Engine
	buffers  sync.Pool
	ready    readiness
	models   []modelObject
	drained  chan struct{} // closed when the process begins to end
	drain    func()
	origins  *http.CrossOriginProtection
	queries  func() map[string][]string
}

// New returns an API that asks answerer.
func New(cfg Config, answerer Answerer, observer Observer) *API {
	gin.SetMode(gin.ReleaseMode) // before the engine exists: it warns otherwise
	if cfg.MaxBodyBytes == 0 {
		cfg.MaxBodyBytes = 64 << 10
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.TraceID == nil {
		cfg.TraceID = func(context.Context) string { return "" }
	}
	api := &API{
		cfg: cfg, answerer: answerer, observer: observer, log: cfg.Logger,
		engine:  gin.New(),
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
		ready:   readiness{checks: cfg.Checks},
		models:  served(cfg.Models, time.Now()),
		origins: http.NewCrossOriginProtection(),
		drained: make(chan struct{}),
		queries: sync.OnceValue(queries),
	}
	api.drain = sync.OnceFunc(func() { close(api.drained) })
	api.routes()
	return api
}

// Handler serves the API.
func (api *API) Handler() http.Handler { return api.shared(api.engine) }

// Drain makes /readyz answer 503 from now on, so that no new work is sent here
// while the process ends, and ends the streams of /ops/events.
func (api *API) Drain() { api.drain() }

func (api *API) draining() bool {
	select {
	case <-api.drained:
		return true
	default:
		return false
	}
}

// routes says what is served where, and who may call it.
func (api *API) routes() {
	e := api.engine
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // the redirect would not pass through the middleware
	forwarded(e, api.cfg.TrustedProxies)
	e.Use(api.edge)
	e.Use(api.cfg.Middleware...)
	e.Use(api.traced, api.parameters)
	e.NoRoute(api.noRoute)
	e.NoMethod(api.noMethod)

	api.publicRoutes()
	api.questionRoutes()
	if api.cfg.Metrics != nil {
		e.GET("/metrics", api.watcher, gin.WrapH(api.cfg.Metrics))
	}
	if api.cfg.Happenings != nil {
		e.GET("/ops/events", api.holder(desk.RoleAdmin), api.events)
	}
	api.sessionRoutes()
	api.adminRoutes()
}

// publicRoutes are the pages and what else needs no key.
func (api *API) publicRoutes() {
	public := func(path string, h gin.HandlerFunc) {
		api.engine.Match([]string{http.MethodGet, http.MethodHead}, path, h)
	}
	page := func(h http.Handler, paths ...string) {
		if h == nil {
			return
		}
		for _, path := range paths {
			public(path, gin.WrapH(h))
		}
	}
	page(api.cfg.Chat, "/", "/chat/*asset")
	page(api.cfg.Widget, "/widget", "/widget.js", "/widget/*asset")
	page(api.cfg.Console, "/console", "/console/*asset")
	docs := newDocs()
	public("/health", api.health)
	public("/readyz", api.readyz)
	public("/openapi.json", document(openapi))
	public("/docs", docs)
	public("/docs/*asset", docs)
}

// questionRoutes are for those who ask: visitors of a website, who may do nothing
// else, and callers with a key of their own.
func (api *API) questionRoutes() {
	visiting := api.engine.Group("/", api.visitor)
	visiting.POST("/query", api.once, api.query)
	if api.cfg.Feedback != nil {
		visiting.POST("/v1/answers/:id/feedback", api.rateAnswer)
	}
	asking := api.engine.Group("/", api.asker)
	asking.POST("/v1/chat/completions", api.complete)
	asking.GET("/v1/models", api.listModels)
	asking.GET("/v1/models/*model", api.showModel)
	if api.cfg.Conversations != nil {
		asking.GET("/v1/conversations", api.listConversations)
		asking.GET("/v1/conversations/:id", api.showConversation)
		asking.DELETE("/v1/conversations/:id", api.deleteConversation)
	}
}

// Routes lists every route, for tests that walk them.
func (api *API) Routes() gin.RoutesInfo { return api.engine.Routes() }
