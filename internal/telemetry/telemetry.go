// Package telemetry is what Kefu tells its operators: log lines, Prometheus
// metrics, and errors and traces in Sentry. One Telemetry implements the
// Observer interfaces that the packages doing the work declare, so that one
// observation becomes a metric, a log line and a span.
//
// Nothing here ever holds a customer's text: observations carry counts, times
// and names from closed sets, and what is sent to Sentry is rebuilt from
// allowed parts.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Config is what a Telemetry is made of. Only Logger is required.
type Config struct {
	Logger *slog.Logger
	Build  Build
	// Models are the values that the label "model" may take, their providers
	// those of "provider"; everything else is counted as "other".
	Models []Model
	// Tools are the values that the label "tool" may take beside "other".
	Tools []string
	// QuestionRules and AnswerRules are the rules by which the guard judges.
	QuestionRules, AnswerRules []string
	// PersonalTypes are the types of personal data that are masked.
	PersonalTypes []string
	// PricesChecked is when the price table was last compared with the
	// vendors' pages; zero: not exported.
	PricesChecked time.Time
	// RequestID finds the id of the request that a context belongs to; nil or
	// an empty result: the request has none.
	RequestID func(context.Context) string
	// Tenant finds on whose behalf a context's request is made; nil or empty:
	// not known.
	Tenant func(context.Context) desk.TenantID
	Sentry Sentry
}

// Build identifies the program.
type Build struct {
	Version  string // "v1.4.0"
	Revision string // of the source; also the release in Sentry
}

// Model is a configured model.
type Model struct {
	Name     string // the vendor's name
	Provider string
	Tier     llm.Tier // empty for embedding models
}

// Telemetry observes. It is safe for concurrent use.
type Telemetry struct {
	log       *slog.Logger
	requestID func(context.Context) string
	tenant    func(context.Context) desk.TenantID
	registry  *prometheus.Registry
	metrics   *metrics
	sentry    *sentry.Hub // nil: off
	sender    *sender
	tracing   bool
	feed      *feed
}

// New registers the metrics and connects to Sentry, if its DSN is set. The
// only error is a malformed DSN. Close must be called.
func New(cfg Config) (*Telemetry, error) {
	requestID := cfg.RequestID
	if requestID == nil {
		requestID = func(context.Context) string { return "" }
	}
	tenant := cfg.Tenant
	if tenant == nil {
		tenant = func(context.Context) desk.TenantID { return "" }
	}
	registry := prometheus.NewRegistry()
	t := &Telemetry{
		log:       cfg.Logger,
		requestID: requestID,
		tenant:    tenant,
		registry:  registry,
		metrics:   newMetrics(registry, cfg),
		feed:      newFeed(),
	}
	if cfg.Sentry.DSN == "" {
		return t, nil
	}
	t.sender = newSender()
	t.tracing = cfg.Sentry.TracesSampleRate > 0
	var err error
	if t.sentry, err = newHub(cfg, t.sender); err != nil {
		return nil, &desk.Error{
			Kind: desk.Invalid, Code: "bad_setting", Field: "sentry.dsn",
			Public: "sentry.dsn: want the DSN as Sentry shows it, https://key@host/project",
			Err:    errors.New("malformed Sentry DSN"), // the cause repeats the DSN
		}
	}
	return t, nil
}

// Handler serves the metrics, with exemplars to scrapers that speak
// OpenMetrics.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: 4,
		ErrorLog:            slog.NewLogLogger(t.log.Handler(), slog.LevelError),
	})
}

// Gatherer gives the metrics as values, for tests.
func (t *Telemetry) Gatherer() prometheus.Gatherer { return t.registry }

// Close sends what is still queued for Sentry, until ctx ends; what is left
// then is lost, which is the error.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.sentry == nil {
		return nil
	}
	client := t.sentry.Client()
	sent := client.FlushWithContext(ctx)
	t.sender.cut()
	client.Close()
	t.sender.CloseIdleConnections()
	if !sent {
		return fmt.Errorf("flush Sentry: %w", ctx.Err())
	}
	return nil
}
