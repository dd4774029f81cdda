package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/access"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quietLog = slog.New(slog.DiscardHandler)

// answererFunc lets a function answer.
type answererFunc func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error)

func (f answererFunc) Answer(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
	return f(ctx, ask, emit)
}

func says(a desk.Answer) answererFunc {
	return func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) { return a, nil }
}

func failsWith(err error) answererFunc {
	return func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) { return desk.Answer{}, err }
}

// observed remembers what an Observer is told.
type observed struct {
	mu       sync.Mutex
	inFlight int
	requests []observedRequest
	errors   []error
	limited  []string // whose limit, and why
	aborted  []string
}

type observedRequest struct {
	route, method string
	code          int
}

func (o *observed) InFlight(delta int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inFlight += delta
}

func (o *observed) Request(route, method string, code int, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests = append(o.requests, observedRequest{route, method, code})
}

func (o *observed) RateLimited(scope, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limited = append(o.limited, scope+" "+reason)
}

func (o *observed) StreamAborted(reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.aborted = append(o.aborted, reason)
}

func (o *observed) Error(_ context.Context, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.errors = append(o.errors, err)
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fixture is an API served over real HTTP. Every exchange of its client is
// held against openapi.json.
type fixture struct {
	*httptest.Server
	api      *httpapi.API
	client   *http.Client
	observer *observed
	log      *lockedBuffer
}

func serve(t testing.TB, cfg httpapi.Config, answerer httpapi.Answerer) *fixture {
	t.Helper()
	f := &fixture{observer: &observed{}, log: &lockedBuffer{}}
	cfg.Logger = slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f.api = httpapi.New(cfg, answerer, f.observer)
	f.Server = httptest.NewServer(f.api.Handler())
	transport := &http.Transport{}
	f.client = &http.Client{
		Transport:     describedTransport{t, loadSpec(t), transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() { transport.CloseIdleConnections(); f.Close() })
	return f
}

// keyed knows one key, an administrator's; none where secret is empty.
func keyed(secret string) httpapi.Keys { return access.New(nil, secret, quietLog) }

// reply is a response that was read to its end.
type reply struct {
	*http.Response
	body string
}

func (f *fixture) do(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, f.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp, string(b)}
}

func (f *fixture) query(t testing.TB, body string, headers ...string) reply {
	t.Helper()
	return f.do(t, http.MethodPost, "/query", body, headers...)
}

type problem struct {
	Type, Title, Code, Detail, Field string
	Status                           int
	RequestID                        string `json:"request_id"`
	Retryable                        bool
}

func (r reply) problem(t testing.TB) problem {
	t.Helper()
	if ct := r.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("%d with Content-Type %q, want a problem: %s", r.StatusCode, ct, r.body)
	}
	var p problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != r.StatusCode || p.RequestID == "" || p.RequestID != r.Header.Get("X-Request-Id") {
		t.Errorf("problem = %+v, want the reply's status %d and id %s", p, r.StatusCode, r.Header.Get("X-Request-Id"))
	}
	return p
}

// answer is a full answer, as composed.
func answer() desk.Answer {
	return desk.Answer{
		ID: "ans_1", Text: "30 days for [EMAIL_1]. [1]", Restored: "30 days <for> a@example.com & 你. [1]", Lang: desk.English,
		Citations: []desk.Citation{{
			Index: 1, Document: "returns.md", Chunk: "returns.md#0", Title: "退货 Returns", URL: "https://shop.example.com/r", Quote: "within 30 days", Score: 0.83,
		}},
		Route: desk.Route{Kind: desk.Complex, Reason: "two questions", Confidence: 0.9}, Outcome: desk.Answered,
		Model: "gpt-6.1-terra", Provider: "openai", Usage: desk.Usage{Prompt: 500, Completion: 23, Cached: 100}, Cost: 410,
		Grounded: true, Conversation: "conv_1", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", Latency: 812 * time.Millisecond,
	}
}
