package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	commonmodel "github.com/prometheus/common/model"
	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/telemetry"
	"kefu/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var models = []telemetry.Model{
	{Name: "gpt-6-luna", Provider: "openai", Tier: llm.Cheap},
	{Name: "gpt-6.1-terra", Provider: "openai", Tier: llm.Strong},
	{Name: "text-embedding-3-small", Provider: "openai"},
	{Name: "claude-haiku-5-5", Provider: "anthropic", Tier: llm.Cheap},
	{Name: "offline-extractive", Provider: "offline", Tier: llm.Strong},
	{Name: "offline-hash-512", Provider: "offline"},
}

type requestKey struct{}

func newTelemetry(t testing.TB, log io.Writer) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(telemetry.Config{
		Logger: telemetry.NewLogger(log, slog.LevelInfo, "json"),
		Build:  telemetry.Build{Version: "v1.2.3", Revision: "abc"}, Models: models,
		PersonalTypes: []string{"EMAIL"},
		PricesChecked: time.Unix(1_700_000_000, 0),
		RequestID:     func(ctx context.Context) string { id, _ := ctx.Value(requestKey{}).(string); return id },
	})
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func attempt() desk.Attempt {
	return desk.Attempt{
		ID: "att_1", Answer: "ans_1", Number: 1, Provider: "openai", Model: "gpt-6-luna", Purpose: desk.PurposeAnswer,
		Latency: 1234567 * time.Nanosecond, Usage: desk.Usage{Prompt: 500, Completion: 23, Cached: 100},
		Cost: 410, Priced: true, PromptLength: 2100, ResponseLength: 90,
	}
}

// observeAll makes every observation once.
func observeAll(ctx context.Context, tel *telemetry.Telemetry) {
	_, end := tel.Attempt(ctx, "openai", "gpt-6-luna", desk.PurposeAnswer)
	end(attempt())
	tel.FirstDelta("gpt-6-luna", time.Second)
	tel.NextDelta("gpt-6-luna", 20*time.Millisecond)
	for _, step := range []desk.Step{desk.StepRetry, desk.StepHedge} {
		tel.Decided(ctx, desk.Decision{Step: step, Provider: "openai", From: "gpt-6-luna", To: "gpt-6-luna", Reason: "rate_limited"})
	}
	tel.Decided(ctx, desk.Decision{Step: desk.StepFallback, Provider: "openai", From: "gpt-6.1-terra", To: "offline-extractive", Reason: "unavailable"})
	tel.Breaker("openai", "gpt-6-luna", 1, "closed")
	tel.Breaker("openai", "gpt-6-luna", 1, "open")
	tel.Breaker("openai", "gpt-6.1-terra", 1, "half-open")
	tel.Answered("default", desk.Answer{Outcome: desk.Answered, Lang: desk.Chinese, Latency: time.Second})
	tel.Routed(desk.Route{Kind: desk.Simple, Confidence: 0.8}, time.Millisecond)
	tel.CacheLookup(desk.TierMemory, "hit", time.Microsecond)
	tel.CacheSaved(desk.TierMemory, 410)
	tel.CacheNearest("vetoed", 0.9)
	tel.Retrieved("search", time.Millisecond)
	tel.RetrievedTop(0.7, false)
	tel.RetrievedTop(0, true)
	tel.ByWords(context.Background(), "vectors", errors.New("connection refused"))
	tel.Compressed("extractive", 120)
	tel.HandedOff(desk.HandoffNoAnswer)
	tel.Masked("EMAIL", "in", 2)
	tel.Masked("MEMBER", "out", 1) // by a pattern of the operator's
	tel.Budgeted(desk.SubjectTenant, "warned")
	tel.Budgeted("", "expired")
	tel.Dropped("cache")
	tel.Published(50, 2, 400, 7)
	tel.InFlight(1)
	tel.Request("/query", "POST", 200, time.Second)
	tel.RateLimited("user", "tokens")
	tel.StreamAborted("client_gone")
	tel.Ingested("added", 3)
	tel.IngestTook("embed", time.Second)
	tel.Refused("overload")
}

// scrape returns the metric families as a Prometheus server reads them.
func scrape(t testing.TB, tel *telemetry.Telemetry) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(commonmodel.LegacyValidation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value is the value of the series with exactly these labels (name, value, …).
func value(t testing.TB, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	f := families[name]
	if f == nil {
		t.Fatalf("%s is not exported", name)
	}
	var want []string
	for i := 0; i < len(labels); i += 2 {
		want = append(want, labels[i]+"="+labels[i+1])
	}
	slices.Sort(want)
	for _, m := range f.Metric {
		var have []string
		for _, l := range m.Label {
			have = append(have, l.GetName()+"="+l.GetValue())
		}
		slices.Sort(have)
		if slices.Equal(have, want) {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	t.Fatalf("%s has no series %v", name, want)
	return 0
}

func TestOneAttemptIsOneObservationOfEachMetric(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	observeAll(t.Context(), tel)
	got := scrape(t, tel)
	tests := []struct {
		name   string
		labels []string
		want   float64
	}{
		{"llm_requests_total", []string{"model", "gpt-6-luna", "status", "success"}, 1},
		{"llm_requests_total", []string{"model", "gpt-6-luna", "status", "error"}, 0},
		{"llm_latency_seconds", []string{"model", "gpt-6-luna"}, 1},
		{"llm_tokens_total", []string{"model", "gpt-6-luna", "type", "prompt"}, 500},
		{"llm_tokens_total", []string{"model", "gpt-6-luna", "type", "completion"}, 23},
		{"llm_tokens_total", []string{"model", "gpt-6-luna", "type", "cached_prompt"}, 100},
		{"llm_cost_usd_total", []string{"model", "gpt-6-luna", "purpose", "answer"}, 0.00041},
		{"llm_attempts_total", []string{"provider", "openai", "outcome", "success"}, 1},
		{"llm_time_to_first_token_seconds", []string{"model", "gpt-6-luna"}, 1},
		{"llm_inter_token_seconds", []string{"model", "gpt-6-luna"}, 1},
		{"llm_hedges_total", []string{"model", "gpt-6-luna"}, 1},
		{"llm_retries_total", []string{"provider", "openai", "reason", "rate_limited"}, 1},
		{"llm_fallbacks_total", []string{"from", "gpt-6.1-terra", "to", "offline-extractive", "reason", "unavailable"}, 1},
		{"llm_breaker_state", []string{"provider", "openai", "state", "open"}, 1},
		{"llm_breaker_state", []string{"provider", "openai", "state", "closed"}, 0},
		{"llm_breaker_state", []string{"provider", "anthropic", "state", "closed"}, 1},
		{"llm_breaker_transitions_total", []string{"provider", "openai", "to", "open"}, 1},
		{"llm_breaker_transitions_total", []string{"provider", "openai", "to", "closed"}, 0},
		{"llm_model_info", []string{"model", "gpt-6-luna", "provider", "openai", "tier", "cheap"}, 1},
		{"llm_price_checked_timestamp_seconds", nil, 1_700_000_000},
		{"kefu_answers_total", []string{"outcome", "answered", "lang", "zh"}, 1},
		{"kefu_answers_total", []string{"outcome", "error", "lang", "en"}, 0},
		{"kefu_answer_seconds", []string{"source", "generated"}, 1},
		{"kefu_handoffs_total", []string{"reason", "no_answer"}, 1},
		{"kefu_pii_detections_total", []string{"type", "email", "direction", "in"}, 2},
		{"kefu_pii_detections_total", []string{"type", "email", "direction", "out"}, 0},
		{"kefu_pii_detections_total", []string{"type", "other", "direction", "out"}, 1},
		{"kefu_budget_actions_total", []string{"scope", "tenant", "action", "warned"}, 1},
		{"kefu_budget_actions_total", []string{"scope", "key", "action", "refused"}, 0},
		{"kefu_budget_actions_total", []string{"scope", "all", "action", "expired"}, 1},
		{"kefu_cache_requests_total", []string{"tier", "memory", "result", "hit"}, 1},
		{"kefu_cache_requests_total", []string{"tier", "redis", "result", "error"}, 0},
		{"kefu_cache_operation_seconds", []string{"tier", "memory", "op", "get"}, 1},
		{"kefu_cache_saved_usd_total", []string{"tier", "memory"}, 0.00041},
		{"kefu_cache_similarity", []string{"result", "vetoed"}, 1},
		{"kefu_cache_similarity", []string{"result", "hit"}, 0},
		{"kefu_router_decisions_total", []string{"route", "simple", "method", "rules"}, 1},
		{"kefu_router_seconds", nil, 1},
		{"kefu_router_confidence", nil, 1},
		{"kefu_retrieval_seconds", []string{"stage", "search"}, 1},
		{"kefu_retrieval_top_score", nil, 1},
		{"kefu_retrieval_by_words_total", []string{"lost", "vectors"}, 1},
		{"kefu_retrieval_empty_total", []string{"reason", "no_passage"}, 1},
		{"kefu_prompt_saved_tokens_total", []string{"by", "extractive"}, 120},
		{"kefu_telemetry_dropped_total", []string{"sink", "cache"}, 1},
		{"kefu_kb_documents", []string{"status", "ready"}, 50},
		{"kefu_kb_flagged_documents", nil, 2},
		{"kefu_kb_chunks", nil, 400},
		{"kefu_kb_revision", nil, 7},
		{"http_requests_total", []string{"route", "/query", "method", "POST", "code", "200"}, 1},
		{"http_request_duration_seconds", []string{"route", "/query", "method", "POST"}, 1},
		{"kefu_kb_ingest_total", []string{"result", "added"}, 3},
		{"kefu_kb_ingest_total", []string{"result", "failed"}, 0},
		{"kefu_kb_ingest_seconds", []string{"stage", "embed"}, 1},
		{"kefu_kb_ingest_seconds", []string{"stage", "publish"}, 0},
		{"http_requests_in_flight", nil, 1},
		{"http_rate_limited_total", []string{"scope", "user"}, 1},
		{"http_rate_limited_total", []string{"scope", "sign_in"}, 0},
		{"http_stream_aborted_total", []string{"reason", "client_gone"}, 1},
		{"http_stream_aborted_total", []string{"reason", "slow_reader"}, 0},
		{"kefu_admission_refused_total", []string{"reason", "overload"}, 1},
		{"kefu_admission_refused_total", []string{"reason", "late"}, 0},
	}
	for _, tt := range tests {
		if v := value(t, got, tt.name, tt.labels...); v != tt.want {
			t.Errorf("%s%v = %v, want %v", tt.name, tt.labels, v, tt.want)
		}
	}
	if n := len(got["kefu_build_info"].GetMetric()); n != 1 {
		t.Errorf("kefu_build_info has %d series, want 1", n)
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if got[name] == nil {
			t.Errorf("%s is not exported", name)
		}
	}
}

func TestMetricsAreNamedAsPrometheusAdvises(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	observeAll(t.Context(), tel)
	problems, err := testutil.GatherAndLint(tel.Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		// Here "kb" is the knowledge base, not a thousand bytes.
		if strings.HasPrefix(p.Metric, "kefu_kb_") && strings.Contains(p.Text, "abbreviated units") {
			continue
		}
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestLabelsComeFromClosedSets(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	a := attempt()
	a.Model, a.Provider, a.Failure, a.Priced = "user@example.com", "who?", "made up", false
	_, end := tel.Attempt(t.Context(), a.Provider, a.Model, a.Purpose)
	end(a)
	tel.Decided(context.Background(), desk.Decision{Step: desk.StepTrim, Provider: "who?", From: "who?", To: "who?", Reason: "made up"})
	tel.Decided(context.Background(), desk.Decision{Step: desk.StepFallback, Provider: "who?", From: "who?", To: "gpt-6-luna", Reason: "made up"})
	tel.FirstDelta("who?", time.Second)
	tel.NextDelta("who?", time.Second)
	tel.Breaker("who?", "who?", 1, "open")
	tel.Breaker("openai", "gpt-6-luna", 1, "who?")
	tel.Answered("default", desk.Answer{Outcome: "who?", Lang: "fr", CacheTier: "who?"})
	tel.Routed(desk.Route{Kind: "who?"}, 0)
	tel.CacheLookup("who?", "who?", 0)
	tel.CacheSaved("who?", 1)
	tel.CacheNearest("who?", 1)
	tel.Retrieved("who?", 0)
	tel.HandedOff("who?")
	tel.Masked("who?", "who?", 1)
	tel.Budgeted("who?", "warned")
	tel.Budgeted(desk.SubjectKey, "who?")
	tel.Dropped("who?")
	for i := range 1000 {
		tel.Request(fmt.Sprintf("/who?/%d", i), "POST", 200, 0)
	}
	tel.Request("", "WHO?", 9999, 0)
	tel.RateLimited("who?", "who?")
	tel.StreamAborted("who?")
	tel.Ingested("who?", 1)
	tel.IngestTook("who?", 0)
	tel.Refused("who?")

	got := scrape(t, tel)
	if v := value(t, got, "llm_requests_total", "model", "other", "status", "error"); v != 1 {
		t.Errorf("calls of an unknown model = %v, want 1 as other", v)
	}
	if v := value(t, got, "llm_unpriced_requests_total", "model", "other"); v != 1 {
		t.Errorf("unpriced calls = %v, want 1", v)
	}
	if v := value(t, got, "llm_attempts_total", "provider", "other", "outcome", "unknown"); v != 1 {
		t.Errorf("unknown failures = %v, want 1", v)
	}
	if v := value(t, got, "http_requests_total", "route", "other", "method", "other", "code", "other"); v != 1 {
		t.Errorf("unknown requests = %v, want 1", v)
	}
	if v := value(t, got, "http_requests_total", "route", "other", "method", "POST", "code", "200"); v < 500 {
		t.Errorf("requests beyond the bound = %v, want them counted as other", v)
	}
	for name, f := range got {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if name != "http_requests_total" && name != "http_request_duration_seconds" && strings.Contains(l.GetValue(), "who?") ||
					strings.Contains(l.GetValue(), "@") {
					t.Errorf("%s has the label %s=%q", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
}

func TestSeriesStayUnderTheCap(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	observeAll(t.Context(), tel)
	series := 0
	for name, f := range scrape(t, tel) {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		for _, m := range f.Metric {
			series++
			if h := m.GetHistogram(); h != nil {
				series += len(h.GetBucket()) + 2 // +Inf, sum and count
			}
		}
	}
	t.Logf("%d series with %d models of 3 providers", series, len(models))
	if series > 1500 {
		t.Errorf("series = %d, want at most 1500", series)
	}
}

// An objective's threshold is a bucket's bound, and not a whole number: scraped
// as OpenMetrics it would become le="5.0".
func TestThresholdsOfObjectivesAreBuckets(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	observeAll(t.Context(), tel)
	got := scrape(t, tel)
	for name, bound := range map[string]float64{
		"kefu_answer_seconds": 0.5, "llm_time_to_first_token_seconds": 2.5, "http_request_duration_seconds": 0.5,
	} {
		buckets := got[name].Metric[0].GetHistogram().GetBucket()
		if !slices.ContainsFunc(buckets, func(b *dto.Bucket) bool { return b.GetUpperBound() == bound }) {
			t.Errorf("%s has no bucket of %v", name, bound)
		}
	}
}

func TestAttemptIsLoggedAsOneEventWithoutTexts(t *testing.T) {
	var log bytes.Buffer
	tel := newTelemetry(t, &log)
	ctx := context.WithValue(t.Context(), requestKey{}, "req_1")
	_, end := tel.Attempt(ctx, "openai", "gpt-6-luna", desk.PurposeAnswer)
	end(attempt())

	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Fatalf("lines = %d, want 1:\n%s", n, &log)
	}
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(line["timestamp"])); err != nil {
		t.Error(err)
	}
	delete(line, "timestamp")
	want := map[string]any{
		"level": "INFO", "msg": "model called", "event": "llm_call", "prompt_length": 2100.0, "response_length": 90.0,
		"model": "gpt-6-luna", "tokens": 523.0, "latency_ms": 1.234, "cost_usd": 0.00041,
		"provider": "openai", "purpose": "answer", "outcome": "success", "attempt": 1.0,
		"answer_id": "ans_1", "request_id": "req_1", "trace_id": "",
	}
	if got, want := fmt.Sprint(line), fmt.Sprint(want); got != want {
		t.Errorf("event = %s\nwant    %s", got, want)
	}
}

func TestAFailedAttemptIsLoggedWithItsCauseAndAnUnknownCostAsUnknown(t *testing.T) {
	var log bytes.Buffer
	tel := newTelemetry(t, &log)
	a := attempt()
	a.Priced, a.Cost, a.Failure, a.Cause = false, 0, string(llm.TimedOut), "acme/gpt-6-luna: timed_out: attempt took too long"
	_, end := tel.Attempt(t.Context(), a.Provider, a.Model, a.Purpose)
	end(a)
	for _, want := range []string{`"cost_usd":null`, `"level":"WARN"`, `"outcome":"timed_out"`, `"error":"acme/gpt-6-luna: timed_out: attempt took too long"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is missing in %s", want, &log)
		}
	}
}

func TestTheCauseOfAnUnknownFailureIsLoggedWithoutWhatMayBeSomebodys(t *testing.T) {
	var log bytes.Buffer
	tel := newTelemetry(t, &log)
	a := attempt()
	a.Failure, a.Cause = string(llm.Unknown), `read "where is my parcel": ann@mail.example: 订单在哪: broken pipe`
	_, end := tel.Attempt(t.Context(), a.Provider, a.Model, a.Purpose)
	end(a)
	if want := `"error":"read [quoted]: [address]: [text]`; !strings.Contains(log.String(), want) {
		t.Errorf("%s is missing in %s", want, &log)
	}
}

// forgers are characters with which a value could begin a line of its own, hide
// a part of one or command a terminal.
const forgers = "\r\n\x00\x1b\x7f\u0085\u009b\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"

func TestLogLinesCannotBeForged(t *testing.T) {
	evil := "退货 \U0001F600 a\r\nfake \x1b[31mred \u009b31m" + forgers
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, slog.LevelInfo, format)
		log.With("with", evil).WithGroup("g").Info(evil, "value", evil, "error", errors.New(evil), evil, "as a name",
			slog.Group("g", "value", evil), "list", []string{evil}, "object", map[string]any{evil: evil})
		line := strings.TrimSuffix(out.String(), "\n")
		if i := strings.IndexAny(line, forgers); i >= 0 {
			t.Errorf("%s line has a control character at %d: %q", format, i, line)
		}
		if format == "json" && (!json.Valid([]byte(line)) || !strings.Contains(line, "退货 \U0001F600 a")) {
			t.Errorf("line is not JSON, or lost more than it had to: %s", line)
		}
	}
}

func TestDurationsAreLoggedAsPeopleReadThem(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		telemetry.NewLogger(&out, slog.LevelInfo, format).Info("trying again", "in", 5*time.Second/3)
		if !strings.Contains(out.String(), "1.667s") {
			t.Errorf("%s: %s, want 1.667s", format, out.String())
		}
	}
}

func TestDependenciesAreWatchedUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry(t, io.Discard)
		var down atomic.Bool
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- tel.Watch(ctx, 10*time.Second, telemetry.Checks{
				"redis": func(context.Context) error {
					if down.Load() {
						return errors.New("down")
					}
					return nil
				},
				"database":         func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
				"user@example.com": func(context.Context) error { return nil },
			})
		}()
		want := func(redis float64) {
			t.Helper()
			time.Sleep(6 * time.Second) // the hanging check is given up after 5
			synctest.Wait()
			got := scrape(t, tel)
			if v := value(t, got, "kefu_dependency_up", "dependency", "redis"); v != redis {
				t.Errorf("redis up = %v, want %v", v, redis)
			}
			if v := value(t, got, "kefu_dependency_up", "dependency", "database"); v != 0 {
				t.Errorf("hanging database up = %v, want 0", v)
			}
			value(t, got, "kefu_dependency_up", "dependency", "other")
			time.Sleep(3 * time.Second) // before the next round
		}
		want(1)
		down.Store(true)
		want(0)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPoolOfRedisIsCollected(t *testing.T) {
	opts, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(opts)
	defer client.Close()
	tel := newTelemetry(t, io.Discard)
	tel.CollectRedis(client.PoolStats)
	tel.CollectDropped("answers", func() uint64 { return 3 })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	got := scrape(t, tel)
	if v := value(t, got, "kefu_redis_pool_connections", "state", "idle"); v != 1 {
		t.Errorf("idle connections = %v, want 1", v)
	}
	if v := value(t, got, "kefu_redis_pool_requests_total", "result", "miss"); v != 1 {
		t.Errorf("opened connections = %v, want 1", v)
	}
	if v := value(t, got, "kefu_telemetry_dropped_total", "sink", "answers"); v != 3 {
		t.Errorf("dropped answers = %v, want 3", v)
	}
}

func TestMetricsAreServedAsOpenMetrics(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	observeAll(t.Context(), tel)
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, r)
	if ct := w.Header().Get("Content-Type"); !strings.HasPrefix(ct, "application/openmetrics-text") {
		t.Errorf("content type = %q", ct)
	}
	if !regexp.MustCompile(`(?m)^# EOF\n\z`).Match(w.Body.Bytes()) {
		t.Error("the exposition has no end")
	}
}

func BenchmarkObservationsOfOneRequest(b *testing.B) {
	tel := newTelemetry(b, io.Discard)
	a := attempt()
	b.ReportAllocs()
	for b.Loop() {
		tel.InFlight(1)
		_, end := tel.Attempt(b.Context(), a.Provider, a.Model, a.Purpose)
		end(a)
		tel.Routed(desk.Route{Kind: desk.Simple, Confidence: 0.8}, time.Microsecond)
		tel.CacheLookup(desk.TierMemory, "miss", time.Microsecond)
		tel.Answered("default", desk.Answer{Outcome: desk.Answered, Lang: desk.English, Latency: time.Second})
		tel.Request("/query", "POST", 200, time.Second)
		tel.InFlight(-1)
	}
}

func BenchmarkObservationsOfOneHit(b *testing.B) {
	tel := newTelemetry(b, io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		tel.InFlight(1)
		tel.CacheLookup(desk.TierMemory, "hit", time.Microsecond)
		tel.CacheSaved(desk.TierMemory, 410)
		tel.Answered("default", desk.Answer{Outcome: desk.Answered, Lang: desk.English, CacheTier: desk.TierMemory, Latency: time.Microsecond})
		tel.Request("/query", "POST", 200, time.Microsecond)
		tel.InFlight(-1)
	}
}

func BenchmarkNextDelta(b *testing.B) {
	tel := newTelemetry(b, io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		tel.NextDelta("gpt-6-luna", 20*time.Millisecond)
	}
}
