package telemetry

import (
	"context"
	"log/slog"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/prometheus/client_golang/prometheus"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Attempt observes one call to a provider: a span under the request's trace,
// and, once the returned function is given the settled row, its metrics and
// one log line.
func (t *Telemetry) Attempt(ctx context.Context, provider, model string, purpose desk.Purpose) (context.Context, func(desk.Attempt)) {
	ctx, span := t.startSpan(ctx, provider, model, purpose)
	return ctx, func(a desk.Attempt) {
		t.metrics.attempt(a, exemplar(span))
		t.logAttempt(ctx, a)
		if t.feed.heard() {
			t.tellAttempt(ctx, a)
		}
		if a.Failure != "" {
			t.crumb(ctx, outcome(a), map[string]any{"provider": a.Provider, "model": a.Model, "attempt": a.Number})
		}
		endSpan(span, a)
	}
}

// FirstDelta records how long a call took to its first delta.
func (t *Telemetry) FirstDelta(model string, after time.Duration) {
	pick(t.metrics.first, model, other).Observe(after.Seconds())
}

// NextDelta records how long after the delta before a stream's next one came.
func (t *Telemetry) NextDelta(model string, after time.Duration) {
	pick(t.metrics.next, model, other).Observe(after.Seconds())
}

// Decided records what was done about a call that failed or was slow: metrics,
// one log line and a breadcrumb for an error that may follow. The answer's
// trace has it from the allowance.
func (t *Telemetry) Decided(ctx context.Context, d desk.Decision) {
	reason := ""
	switch d.Step {
	case desk.StepHedge:
		pick(t.metrics.models, d.From, other).hedges.Inc()
	case desk.StepFallback:
		reason = failure(llm.FailureKind(d.Reason))
		t.metrics.fallbacks.WithLabelValues(t.model(d.From), t.model(d.To), reason).Inc()
	default:
		reason = failure(llm.FailureKind(d.Reason))
		t.metrics.retries.WithLabelValues(t.provider(d.Provider), reason).Inc()
	}
	t.log.LogAttrs(
		ctx, slog.LevelInfo, "model call decided",
		slog.String("event", "llm_decision"),
		slog.String("step", string(d.Step)),
		slog.String("provider", d.Provider),
		slog.String("from", d.From),
		slog.String("to", d.To),
		slog.String("reason", reason),
		slog.String("request_id", t.requestID(ctx)),
		slog.String("trace_id", TraceID(ctx)),
	)
	if t.feed.heard() {
		t.feed.tell(desk.OpsEvent{
			Kind: desk.OpsDecision, Tenant: t.tenant(ctx), Request: t.requestID(ctx), Step: d.Step, Provider: d.Provider, From: d.From, To: d.To, Reason: reason,
		})
	}
	t.crumb(ctx, string(d.Step), map[string]any{"provider": d.Provider, "from": d.From, "to": d.To, "reason": reason})
}

// crumb leaves a breadcrumb for an error that the request may end in.
func (t *Telemetry) crumb(ctx context.Context, what string, data map[string]any) {
	if t.sentry == nil {
		return
	}
	if hub := sentry.GetHubFromContext(ctx); hub != nil {
		hub.AddBreadcrumb(&sentry.Breadcrumb{Category: crumbs, Message: what, Data: data, Level: sentry.LevelWarning}, nil)
	}
}

func (t *Telemetry) model(name string) string {
	if _, ok := t.metrics.models[name]; ok {
		return name
	}
	return other
}

func (t *Telemetry) provider(name string) string {
	if _, ok := t.metrics.providers[name]; ok {
		return name
	}
	return other
}

func failure(kind llm.FailureKind) string {
	for _, k := range llm.FailureKinds {
		if k == kind {
			return string(k)
		}
	}
	return string(llm.Unknown)
}

// outcome is the label of an attempt: success or its failure.
func outcome(a desk.Attempt) string {
	if a.Failure == "" {
		return success
	}
	return failure(llm.FailureKind(a.Failure))
}

func (m *metrics) attempt(a desk.Attempt, exemplar prometheus.Labels) {
	model := pick(m.models, a.Model, other)
	if a.Failure == "" {
		model.success.Inc()
	} else {
		model.failure.Inc()
	}
	if o, ok := model.latency.(prometheus.ExemplarObserver); ok && exemplar != nil {
		o.ObserveWithExemplar(a.Latency.Seconds(), exemplar)
	} else {
		model.latency.Observe(a.Latency.Seconds())
	}
	u := a.Usage
	for i, n := range [...]int{u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning} {
		if n > 0 {
			model.tokens[i].Add(float64(n))
		}
	}
	if !a.Priced {
		model.unpriced.Inc()
	} else if c := pick(model.cost, a.Purpose, desk.PurposeAnswer); a.Cost > 0 {
		c.Add(a.Cost.USD())
	}
	pick(m.providers, a.Provider, other).outcomes[outcome(a)].Inc()
}

// logAttempt writes the event "llm_call": lengths, never texts. The cost of a
// model without a price is null, not 0.
func (t *Telemetry) logAttempt(ctx context.Context, a desk.Attempt) {
	level := slog.LevelInfo
	if a.Failure != "" && a.Failure != string(llm.Cancelled) {
		level = slog.LevelWarn
	}
	if !t.log.Enabled(ctx, level) {
		return
	}
	cost := slog.Any("cost_usd", nil)
	if a.Priced {
		cost = slog.Float64("cost_usd", a.Cost.USD())
	}
	record := slog.NewRecord(time.Now(), level, "model called", 0) // nobody reads from which line of this file
	record.AddAttrs(
		slog.String("event", "llm_call"),
		slog.Int("prompt_length", a.PromptLength),
		slog.Int("response_length", a.ResponseLength),
		slog.String("model", a.Model),
		slog.Int("tokens", a.Usage.Total()),
		slog.Float64("latency_ms", float64(a.Latency.Microseconds())/1000),
		cost,
		slog.String("provider", a.Provider),
		slog.String("purpose", string(a.Purpose)),
		slog.String("outcome", outcome(a)),
		slog.Int("attempt", a.Number),
		slog.String("answer_id", string(a.Answer)),
		slog.String("request_id", t.requestID(ctx)),
		slog.String("trace_id", TraceID(ctx)),
	)
	if level == slog.LevelWarn {
		cause := a.Cause
		if a.Failure == string(llm.Unknown) {
			cause = redact(cause)
		}
		record.AddAttrs(slog.String("error", cause))
	}
	_ = t.log.Handler().Handle(ctx, record) // as a Logger does
}

// startSpan begins the span llm_call where the request is traced; else the
// span is nil.
func (t *Telemetry) startSpan(ctx context.Context, provider, model string, purpose desk.Purpose) (context.Context, *sentry.Span) {
	if !t.tracing {
		return ctx, nil
	}
	parent := sentry.SpanFromContext(ctx)
	if parent == nil || !parent.Sampled.Bool() {
		return ctx, nil
	}
	span := sentry.StartSpan(ctx, "llm_call", sentry.WithDescription(model))
	operation := "chat"
	if purpose == desk.PurposeEmbed {
		operation = "embeddings"
	}
	span.SetData("gen_ai.operation.name", operation)
	span.SetData("gen_ai.provider.name", provider)
	span.SetData("gen_ai.request.model", model)
	return span.Context(), span
}

func endSpan(span *sentry.Span, a desk.Attempt) {
	if span == nil {
		return
	}
	span.SetData("gen_ai.usage.input_tokens", a.Usage.Prompt)
	span.SetData("gen_ai.usage.output_tokens", a.Usage.Completion)
	span.SetData("kefu.attempt", a.Number)
	span.SetData("kefu.answer_id", string(a.Answer))
	if a.Priced {
		span.SetData("kefu.cost_usd", a.Cost.USD())
	}
	span.Status = sentry.SpanStatusOK
	if a.Failure != "" {
		span.SetData("error.type", outcome(a))
		span.Status = spanStatus(llm.FailureKind(a.Failure))
	}
	span.Finish()
}

func spanStatus(kind llm.FailureKind) sentry.SpanStatus {
	switch kind {
	case llm.TimedOut:
		return sentry.SpanStatusDeadlineExceeded
	case llm.Cancelled:
		return sentry.SpanStatusCanceled
	case llm.RateLimited, llm.QuotaExhausted, llm.Exhausted:
		return sentry.SpanStatusResourceExhausted
	case llm.Unauthorised:
		return sentry.SpanStatusUnauthenticated
	case llm.BadRequest, llm.ContextTooLong:
		return sentry.SpanStatusInvalidArgument
	case llm.ModelGone:
		return sentry.SpanStatusNotFound
	case llm.Unavailable, llm.Unreachable:
		return sentry.SpanStatusUnavailable
	}
	return sentry.SpanStatusUnknown
}

// exemplar leads from a bucket of a histogram to a trace that was kept.
func exemplar(span *sentry.Span) prometheus.Labels {
	if span == nil {
		return nil
	}
	return prometheus.Labels{"trace_id": span.TraceID.String()}
}
