package telemetry_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/telemetry"
)

// sentryServer receives envelopes as Sentry does.
type sentryServer struct {
	*httptest.Server

	mu    sync.Mutex
	raw   bytes.Buffer // everything that was received
	items []item
}

type item struct {
	kind  string // event or transaction
	event event
}

// event is what the tests read of both kinds.
type event struct {
	Transaction string
	Level       string
	Message     string
	Environment string
	Release     string
	Tags        map[string]string
	Request     json.RawMessage
	Breadcrumbs []struct {
		Category, Message string
		Data              map[string]any
	}
	Exception []struct {
		Type, Value string
		Stacktrace  struct {
			Frames []struct{ Function string }
		}
	}
	Contexts struct {
		Trace struct {
			TraceID      string `json:"trace_id"`
			ParentSpanID string `json:"parent_span_id"`
			Op, Status   string
		}
	}
	Spans []struct {
		Op, Description, Status string
		TraceID                 string `json:"trace_id"`
		Data                    map[string]any
	}
}

func newSentryServer(t *testing.T) *sentryServer {
	s := &sentryServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := s.receive(r); err != nil {
			t.Errorf("envelope: %v", err)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sentryServer) receive(r *http.Request) error {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		body = z
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(&s.raw, r.URL, r.Header)
	in := bufio.NewReader(io.TeeReader(body, &s.raw))
	if _, err := in.ReadBytes('\n'); err != nil { // the envelope's header
		return err
	}
	for {
		header, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(header)) == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			continue
		}
		var head struct {
			Type   string
			Length int
		}
		if err := json.Unmarshal(header, &head); err != nil {
			return err
		}
		payload := make([]byte, head.Length)
		if _, err := io.ReadFull(in, payload); err != nil {
			return err
		}
		if head.Type != "event" && head.Type != "transaction" {
			continue
		}
		var e event
		if err := json.Unmarshal(payload, &e); err != nil {
			return err
		}
		s.items = append(s.items, item{head.Type, e})
	}
}

func (s *sentryServer) dsn() string {
	return strings.Replace(s.URL, "http://", "http://public@", 1) + "/1"
}

// flush makes everything that tel has to say arrive.
func flush(t *testing.T, tel *telemetry.Telemetry) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := tel.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// of returns what arrived of the kind, event or transaction.
func (s *sentryServer) of(kind string) []event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var events []event
	for _, i := range s.items {
		if i.kind == kind {
			events = append(events, i.event)
		}
	}
	return events
}

func withSentry(t *testing.T, s *sentryServer, rate float64) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(telemetry.Config{
		Logger: telemetry.NewLogger(io.Discard, nil, "json"), Models: models,
		Build:     telemetry.Build{Version: "v1", Revision: "abc123"},
		RequestID: func(context.Context) string { return "req_1" },
		Tenant:    func(context.Context) desk.TenantID { return "acme" },
		Sentry:    telemetry.Sentry{DSN: s.dsn(), Environment: "test", TracesSampleRate: rate},
	})
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

// engine is a router like httpapi's: the recovery outermost, then telemetry.
func engine(tel *telemetry.Telemetry) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, err any) {
		c.AbortWithStatus(http.StatusInternalServerError)
	}))
	e.Use(tel.Middleware()...)
	return e
}

const (
	traceID     = "0af7651916cd43dd8448eb211c80319c"
	parentSpan  = "b7ad6b7169203331"
	traceparent = "00-" + traceID + "-" + parentSpan + "-00"
)

func TestTransactionHasOneSpanPerAttemptUnderTheCallersTrace(t *testing.T) {
	server := newSentryServer(t)
	tel := withSentry(t, server, 1)
	e := engine(tel)
	var seen, body string
	e.POST("/query", func(c *gin.Context) {
		seen = telemetry.TraceID(c.Request.Context())
		b, _ := io.ReadAll(c.Request.Body)
		body = string(b)
		for _, failure := range []llm.FailureKind{llm.RateLimited, ""} {
			_, end := tel.Attempt(c.Request.Context(), "openai", "gpt-6-luna", desk.PurposeAnswer)
			a := attempt()
			a.Failure = string(failure)
			end(a)
		}
		c.Status(http.StatusOK)
	})
	r := httptest.NewRequest(http.MethodPost, "/query", strings.NewReader("the question"))
	r.Header.Set("traceparent", traceparent)
	e.ServeHTTP(httptest.NewRecorder(), r)

	flush(t, tel)
	got := server.of("transaction")
	if len(got) != 1 {
		t.Fatalf("transactions = %d, want 1", len(got))
	}
	tx := got[0]
	if seen != traceID || tx.Contexts.Trace.TraceID != traceID || tx.Contexts.Trace.ParentSpanID != parentSpan {
		t.Errorf("trace = %s in the handler, %+v in Sentry, want %s", seen, tx.Contexts.Trace, traceID)
	}
	if body != "the question" {
		t.Errorf("the handler read %q", body)
	}
	if tx.Transaction != "POST /query" || tx.Contexts.Trace.Status != "ok" || tx.Environment != "test" || tx.Release != "kefu@abc123" {
		t.Errorf("transaction = %+v", tx)
	}
	if len(tx.Spans) != 2 {
		t.Fatalf("spans = %d, want 2", len(tx.Spans))
	}
	for i, status := range []string{"resource_exhausted", "ok"} {
		span := tx.Spans[i]
		if span.Op != "llm_call" || span.Description != "gpt-6-luna" || span.Status != status || span.TraceID != traceID {
			t.Errorf("span = %+v, want llm_call with status %s", span, status)
		}
		if span.Data["gen_ai.usage.input_tokens"] != 500.0 || span.Data["gen_ai.request.model"] != "gpt-6-luna" {
			t.Errorf("data of the span = %v", span.Data)
		}
	}
}

func TestTracesAreSampledHereAndNotByTheClient(t *testing.T) {
	const requests = 2000
	server := newSentryServer(t)
	tel := withSentry(t, server, 0.1)
	e := engine(tel)
	for _, route := range []string{"/query", "/health", "/metrics", "/readyz"} {
		e.GET(route, func(*gin.Context) {})
	}
	ask := func(path, header, value string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set(header, value)
		e.ServeHTTP(httptest.NewRecorder(), r)
	}
	sampled := 0
	for range requests {
		ask("/query", "traceparent", "00-"+traceID+"-"+parentSpan+"-01")
	}
	for range 50 {
		ask("/health", "traceparent", traceparent)
		ask("/readyz", "sentry-trace", traceID+"-"+parentSpan+"-1")
		ask("/metrics", "baggage", "sentry-sampled=true")
	}
	flush(t, tel)
	for _, tx := range server.of("transaction") {
		if tx.Transaction != "GET /query" {
			t.Errorf("%s was traced", tx.Transaction)
		}
		sampled++
	}
	if sampled == 0 || sampled > requests/5 {
		t.Errorf("sampled = %d of %d, want about a tenth", sampled, requests)
	}
}

func TestPanicIsReportedOnceAndRecovered(t *testing.T) {
	server := newSentryServer(t)
	tel := withSentry(t, server, 1)
	e := engine(tel)
	e.GET("/boom", func(c *gin.Context) { _ = []int{}[len(c.Params)] })
	e.GET("/abort", func(*gin.Context) { panic(http.ErrAbortHandler) })
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/boom", nil)
	r.Header.Set("traceparent", traceparent)
	e.ServeHTTP(w, r)
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/abort", nil))

	if w.Code != http.StatusInternalServerError {
		t.Errorf("status = %d, want 500", w.Code)
	}
	flush(t, tel)
	got := server.of("event")
	if len(got) != 1 {
		t.Fatalf("events = %d, want 1: an aborted handler is not an error", len(got))
	}
	ev := got[0]
	if len(ev.Exception) != 1 || !strings.Contains(ev.Exception[0].Value, "index out of range") || ev.Level != "fatal" {
		t.Errorf("event = %+v", ev)
	}
	if ev.Contexts.Trace.TraceID != traceID {
		t.Errorf("trace of the event = %s, want %s", ev.Contexts.Trace.TraceID, traceID)
	}
	found := false
	for _, f := range ev.Exception[0].Stacktrace.Frames {
		found = found || strings.Contains(f.Function, "TestPanicIsReportedOnceAndRecovered")
	}
	if !found {
		t.Errorf("the panicking function is not in the stack trace: %+v", ev.Exception[0].Stacktrace)
	}
	for _, tx := range server.of("transaction") {
		if tx.Transaction == "GET /boom" && tx.Contexts.Trace.Status != "internal_error" {
			t.Errorf("status of the transaction = %s, want internal_error", tx.Contexts.Trace.Status)
		}
	}
}

func TestOnlyFaultsOfOursAreReported(t *testing.T) {
	server := newSentryServer(t)
	tel := withSentry(t, server, 0)
	for _, kind := range []desk.Kind{desk.Invalid, desk.NotFound, desk.RateLimited, desk.OverBudget, desk.Cancelled} {
		tel.Error(t.Context(), &desk.Error{Kind: kind, Code: "theirs"})
	}
	tel.Error(t.Context(), nil)
	tel.Error(t.Context(), fmt.Errorf("answer: %w", &desk.Error{Kind: desk.Unavailable, Code: "no_model"}))
	flush(t, tel)
	got := server.of("event")
	if len(got) != 1 {
		t.Fatalf("events = %d, want 1", len(got))
	}
	if tags := got[0].Tags; tags["code"] != "no_model" || tags["request_id"] != "req_1" {
		t.Errorf("tags = %v", tags)
	}
}

func TestAnErrorTellsWhatTheModelsDidBefore(t *testing.T) {
	server := newSentryServer(t)
	tel := withSentry(t, server, 0)
	e := engine(tel)
	e.GET("/ask", func(c *gin.Context) {
		ctx := c.Request.Context()
		sentry.GetHubFromContext(ctx).AddBreadcrumb(&sentry.Breadcrumb{Category: "http", Message: "somebody else's"}, nil)
		failed := attempt()
		failed.Failure = string(llm.Unavailable)
		_, end := tel.Attempt(ctx, "openai", "gpt-6-luna", desk.PurposeAnswer)
		end(failed)
		tel.Decided(ctx, desk.Decision{Step: desk.StepFallback, Provider: "openai", From: "gpt-6-luna", To: "gpt-6.1-terra", Reason: "unavailable"})
		tel.Error(ctx, &desk.Error{Kind: desk.Unavailable, Code: "models_unavailable"})
	})
	for range 2 { // of which the second starts anew
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ask", nil))
	}
	flush(t, tel)
	got := server.of("event")
	if len(got) != 2 {
		t.Fatalf("events = %d, want 2", len(got))
	}
	for _, event := range got {
		if b := event.Breadcrumbs; len(b) != 2 || b[0].Message != "unavailable" || b[0].Data["model"] != "gpt-6-luna" || b[1].Message != "fallback" || b[1].Data["to"] != "gpt-6.1-terra" {
			t.Errorf("breadcrumbs = %+v", event.Breadcrumbs)
		}
	}
}

// What a customer or an operator may have written is sent down every path that
// leads to Sentry.
func TestNothingPrivateReachesSentry(t *testing.T) {
	secrets := []string{
		"sk-abcdefghijklmnopqrstuvwx0123456789", "zhang.wei@example.com", "张伟@例子.公司", "+86 138-0013-8000", "13800138000",
		"我的订单什么时候发货", "where is my parcel", "hunter2hunter2",
	}
	all := strings.Join(secrets, " ")
	quoted := fmt.Sprintf("%q", all)
	server := newSentryServer(t)
	tel := withSentry(t, server, 1)
	e := engine(tel)
	e.POST("/v1/users/:id", func(c *gin.Context) {
		io.Copy(io.Discard, c.Request.Body)
		ctx := c.Request.Context()
		_, end := tel.Attempt(ctx, "openai", "gpt-6-luna", desk.PurposeAnswer)
		end(attempt())
		switch c.Query("how") {
		case "error":
			tel.Error(ctx, fmt.Errorf("decode %s: %w", quoted, &json.SyntaxError{}))
			tel.Error(ctx, errors.New("dial postgres://kefu:hunter2hunter2@10.0.0.1/kefu?password=hunter2hunter2"))
			tel.Error(ctx, errors.New("key sk-abcdefghijklmnopqrstuvwx0123456789 of zhang.wei@example.com, 13800138000, +86 138-0013-8000, 我的订单什么时候发货"))
			tel.Error(ctx, errors.New("Authorization: Bearer hunter2hunter2"))
		case "panic":
			panic(all)
		case "panic with an error":
			panic(errors.New(quoted))
		case "panic with a value":
			panic(struct{ Question string }{all})
		}
		c.Status(http.StatusOK)
	})
	for _, how := range []string{"nothing", "error", "panic", "panic with an error", "panic with a value"} {
		r := httptest.NewRequest(http.MethodPost, "/v1/users/zhang.wei@example.com?how="+strings.ReplaceAll(how, " ", "+")+
			"&q=13800138000+hunter2hunter2", strings.NewReader(all))
		r.Header.Set("Cookie", "session=hunter2hunter2")
		r.Header.Set("Authorization", "Bearer sk-abcdefghijklmnopqrstuvwx0123456789")
		r.Header.Set("X-Question", "where is my parcel")
		r.Header.Set("X-Forwarded-For", "zhang.wei@example.com")
		r.Header.Set("User-Agent", "where is my parcel")
		r.Header.Set("Referer", "http://shop/?q=hunter2hunter2")
		r.Header.Set("Baggage", "sentry-release=hunter2hunter2,sentry-trace_id="+traceID+",user=zhang.wei@example.com")
		r.Header.Set("Sentry-Trace", traceID+"-"+parentSpan+"-1")
		e.ServeHTTP(httptest.NewRecorder(), r)
	}
	unmatched := httptest.NewRequest(http.MethodGet, "/zhang.wei@example.com/13800138000", nil)
	e.ServeHTTP(httptest.NewRecorder(), unmatched)
	e.HandleMethodNotAllowed = true
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/v1/users/hunter2hunter2", nil))

	flush(t, tel)
	if got := server.of("event"); len(got) != 7 {
		t.Errorf("events = %d, want 7", len(got))
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if server.raw.Len() == 0 {
		t.Fatal("nothing was received")
	}
	sent := server.raw.String()
	for _, secret := range secrets {
		escaped, _ := json.Marshal(secret)
		for _, form := range []string{secret, strings.Trim(string(escaped), `"`), strings.ReplaceAll(secret, " ", "+")} {
			if i := strings.Index(sent, form); i >= 0 {
				t.Errorf("%q reached Sentry: …%s…", secret, sent[max(0, i-200):min(len(sent), i+200)])
			}
		}
	}
}

func TestTraceIDWithoutSentry(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	e := engine(tel)
	var seen string
	e.GET("/", func(c *gin.Context) { seen = telemetry.TraceID(c.Request.Context()) })
	tests := []struct {
		name, header string
		honoured     bool
	}{
		{"a valid header is honoured", traceparent, true},
		{"a later version may have more fields", "01-" + traceID + "-" + parentSpan + "-01-more", true},
		{"no header", "", false},
		{"version 00 has no more fields", traceparent + "-more", false},
		{"version ff is invalid", "ff" + traceparent[2:], false},
		{"a trace id of zeros is invalid", "00-" + strings.Repeat("0", 32) + "-" + parentSpan + "-01", false},
		{"a span id of zeros is invalid", "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01", false},
		{"upper case is invalid", strings.ToUpper(traceparent), false},
		{"rubbish", strings.Repeat("'\"<\n", 20), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header["Traceparent"] = []string{tt.header}
			e.ServeHTTP(httptest.NewRecorder(), r)
			if (seen == traceID) != tt.honoured || len(seen) != 32 {
				t.Errorf("trace id = %q, want that of the header: %v", seen, tt.honoured)
			}
		})
	}
}

func TestMalformedDSNIsRefusedWithoutRepeatingIt(t *testing.T) {
	_, err := telemetry.New(telemetry.Config{
		Logger: telemetry.NewLogger(io.Discard, nil, "json"),
		Sentry: telemetry.Sentry{DSN: "https://hunter2@"},
	})
	var e *desk.Error
	if !errors.As(err, &e) || e.Kind != desk.Invalid || e.Field != "sentry.dsn" {
		t.Fatalf("error = %v, want an invalid sentry.dsn", err)
	}
	if strings.Contains(err.Error()+e.Public, "hunter2") {
		t.Errorf("the error repeats the key: %v", err)
	}
}

func TestCloseIsBoundedWhenSentryHangs(t *testing.T) {
	before := goleak.IgnoreCurrent()
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	tel := withSentry(t, &sentryServer{Server: hanging}, 0)
	tel.Error(t.Context(), errors.New("lost"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := tel.Close(ctx)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("Close took %v", took)
	}
	if err == nil {
		t.Error("Close did not say that something was lost")
	}
	close(release)
	hanging.Close()
	goleak.VerifyNone(t, before)
}

func BenchmarkMiddleware(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer sink.Close()
	for _, tt := range []struct{ name, dsn string }{
		{"without Sentry", ""},
		{"a tenth traced", strings.Replace(sink.URL, "http://", "http://public@", 1) + "/1"},
	} {
		b.Run(tt.name, func(b *testing.B) {
			tel, err := telemetry.New(telemetry.Config{
				Logger: telemetry.NewLogger(io.Discard, nil, "json"), Models: models,
				Sentry: telemetry.Sentry{DSN: tt.dsn, TracesSampleRate: 0.1},
			})
			if err != nil {
				b.Fatal(err)
			}
			defer tel.Close(context.Background())
			e := engine(tel)
			e.POST("/query", func(c *gin.Context) {
				_, end := tel.Attempt(c.Request.Context(), "openai", "gpt-6-luna", desk.PurposeAnswer)
				end(attempt())
			})
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/query", http.NoBody)
			b.ReportAllocs()
			for b.Loop() {
				e.ServeHTTP(w, r)
			}
		})
	}
}
