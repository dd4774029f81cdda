package httpapi_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/limit"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestAnswerHasExactlyTheDescribedShape(t *testing.T) {
	hit := answer()
	hit.CacheTier, hit.Citations, hit.Restored, hit.TraceID, hit.Conversation = desk.TierMemory, nil, "", "", ""
	hit.Grounded, hit.Handoff = false, &desk.Handoff{
		Reason: desk.HandoffNoAnswer, Contact: desk.Contact{Email: "help@example.com", Message: "请联系人工客服"},
		Pages: []desk.HelpPage{{Document: "shipping.md", Title: "运费", URL: "https://shop.example.com/s", Excerpt: "满 199 元包邮。"}},
	}
	for _, tt := range []struct {
		name   string
		answer desk.Answer
		want   string
	}{
		{"composed", answer(), `{"id":"ans_1","answer":"30 days <for> a@example.com & 你. [1]",` +
			`"source_documents":[{"index":1,"document_id":"returns.md","title":"退货 Returns","url":"https://shop.example.com/r","quote":"within 30 days","score":0.83}],` +
			`"tokens_used":523,"cache_hit":false,"cache_tier":null,"route":"complex","route_reason":"two questions","model":"gpt-6.1-terra","provider":"openai",` +
			`"usage":{"prompt_tokens":500,"completion_tokens":23,"cached_tokens":100,"cost_usd":0.00041},` +
			`"grounded":true,"degraded":false,"handoff":null,"conversation_id":"conv_1","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","latency_ms":812}`},
		{"from the cache it cost nothing", hit, `{"id":"ans_1","answer":"30 days for [EMAIL_1]. [1]","source_documents":[],` +
			`"tokens_used":0,"cache_hit":true,"cache_tier":"memory","route":"complex","route_reason":"two questions","model":"gpt-6.1-terra","provider":"openai",` +
			`"usage":{"prompt_tokens":0,"completion_tokens":0,"cached_tokens":0,"cost_usd":0},` +
			`"grounded":false,"degraded":false,"handoff":{"reason":"no_answer","contact":{"email":"help@example.com","message":"请联系人工客服"},` +
			`"pages":[{"document_id":"shipping.md","title":"运费","url":"https://shop.example.com/s","excerpt":"满 199 元包邮。"}]},"conversation_id":"","trace_id":"","latency_ms":812}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := serve(t, httpapi.Config{}, says(tt.answer)).query(t, `{"question":"?"}`)
			if r.StatusCode != http.StatusOK || r.body != tt.want+"\n" {
				t.Errorf("%d %s\nwant %s", r.StatusCode, r.body, tt.want)
			}
		})
	}
}

func TestRequestBecomesAnAsk(t *testing.T) {
	var got desk.Ask
	f := serve(t, httpapi.Config{}, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		got = ask
		return answer(), nil
	}))
	for body, want := range map[string]desk.Ask{
		`{"question":"怎么退货？"}`: {Scope: desk.Scope{Tenant: desk.DefaultTenant, User: desk.Anonymous}, Text: "怎么退货？"},
		` { "provider":"openai", "model":"gpt-6-luna", "stream":false, "conversation_id":"c1", "user_id":"u1", "question":"a\nb" } ` + "\n": {
			Scope: desk.Scope{Tenant: desk.DefaultTenant, User: "u1"}, Text: "a\nb", Conversation: "c1", Model: "gpt-6-luna", Provider: "openai",
		},
	} {
		if r := f.query(t, body); r.StatusCode != http.StatusOK || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d, ask = %+v, want %+v", body, r.StatusCode, got, want)
		}
	}
}

// TestProblems holds every kind of failure against testdata/problems.golden.
func TestProblems(t *testing.T) {
	long := strings.Repeat("x", 129)
	cause := errors.New("dial tcp 10.0.0.7:6379: password hunter2")
	golden := &strings.Builder{}
	for _, tt := range []struct {
		name, method, path, body string
		answerer                 answererFunc
		headers                  []string
	}{
		{name: "no JSON", body: "{\n  \"question\": 你好\n}"},
		{name: "cut JSON", body: `{"question":"hi`},
		{name: "no body", body: " "},
		{name: "a stray comma", body: `{"question":"hi",}`},
		{name: "no object", body: `["question"]`},
		{name: "trailing data", body: `{"question":"hi"} {}`},
		{name: "wrong type", body: `{"question":["hi"]}`},
		{name: "wrong type of a switch", body: `{"question":"hi","stream":"yes"}`},
		{name: "unknown field", body: `{"question":"hi","usr_id":"u"}`},
		{name: "unknown field by case", body: `{"Question":"hi"}`},
		{name: "field given twice", body: `{"question":"hi","question":"ho"}`},
		{name: "invalid UTF-8", body: "{\"question\":\"h\xff\"}"},
		{name: "long name", body: `{"question":"hi","user_id":"` + long + `"}`},
		{name: "control characters in a name", body: `{"question":"hi","model":"a\u0000b"}`},
		{name: "too large", body: `{"question":"` + strings.Repeat("x", 2000) + `"}`},
		{name: "wrong media type", body: `{"question":"hi"}`, headers: []string{"Content-Type", "text/plain"}},
		{name: "compressed", body: `{"question":"hi"}`, headers: []string{"Content-Encoding", "gzip"}},
		{name: "unknown path", method: "GET", path: "/nothing"},
		{name: "wrong method", method: "GET", path: "/query"},
		{name: "refused question", body: `{"question":""}`, answerer: failsWith(&desk.Error{Kind: desk.Invalid, Code: "question_empty", Field: "question", Public: "The question is empty."})},
		{name: "unknown model", body: `{"question":"?"}`, answerer: failsWith(fmt.Errorf("start: %w", &desk.Error{Kind: desk.Invalid, Code: "unknown_model", Field: "model", Public: "There is no such model."}))},
		{name: "rate limited", body: `{"question":"?"}`, answerer: failsWith(&desk.Error{Kind: desk.RateLimited, Code: "rate_limited", RetryAfter: 1500 * time.Millisecond})},
		{name: "over budget", body: `{"question":"?"}`, answerer: failsWith(&desk.Error{Kind: desk.OverBudget, Code: "over_budget"})},
		{name: "unavailable", body: `{"question":"?"}`, answerer: failsWith(&desk.Error{Kind: desk.Unavailable, Code: "models_unavailable", Public: "抱歉，请稍后再试。", Err: cause})},
		{name: "too much to do", body: `{"question":"?"}`, answerer: failsWith(&desk.Error{Kind: desk.Overloaded, Code: "overloaded", RetryAfter: 3 * time.Second})},
		{name: "unknown priority", body: `{"question":"?"}`, headers: []string{"X-Kefu-Priority", "urgent"}},
		{name: "timed out", body: `{"question":"?"}`, answerer: failsWith(&desk.Error{Kind: desk.TimedOut, Code: "answer_timed_out", Err: cause})},
		{name: "a bare deadline", body: `{"question":"?"}`, answerer: failsWith(fmt.Errorf("get: %w", context.DeadlineExceeded))},
		{name: "going down", body: `{"question":"?"}`, answerer: failsWith(context.Canceled)},
		{name: "an error without words", body: `{"question":"?"}`, answerer: failsWith(cause)},
		{name: "a panic", body: `{"question":"?"}`, answerer: func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) { panic("hunter2") }},
	} {
		if tt.answerer == nil {
			tt.answerer = func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) {
				t.Errorf("%s: was asked", tt.name)
				return desk.Answer{}, nil
			}
		}
		f := serve(t, httpapi.Config{MaxBodyBytes: 1024}, tt.answerer)
		method, path := "POST", "/query"
		if tt.path != "" {
			method, path = tt.method, tt.path
		}
		r := f.do(t, method, path, tt.body, append(tt.headers, "X-Request-Id", "req_test")...)
		r.problem(t)
		if strings.Contains(r.body, "hunter2") {
			t.Errorf("%s: the reply shows a cause: %s", tt.name, r.body)
		}
		fmt.Fprintf(golden, "# %s\n%d\n", tt.name, r.StatusCode)
		for _, h := range []string{"Allow", "Retry-After", "Connection"} {
			if v := r.Header.Get(h); v != "" {
				fmt.Fprintf(golden, "%s: %s\n", h, v)
			}
		}
		golden.WriteString(r.body + "\n")
	}
	const file = "testdata/problems.golden"
	if *update {
		if err := os.WriteFile(file, []byte(golden.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != golden.String() {
		t.Errorf("problems differ from %s (%v); got:\n%s", file, err, golden)
	}
}

func TestErrorsAreLoggedOnceWithTheRequestIDAndReported(t *testing.T) {
	cause := errors.New("the cause")
	f := serve(t, httpapi.Config{}, failsWith(&desk.Error{Kind: desk.Unavailable, Code: "models_unavailable", Err: cause}))
	f.query(t, `{"question":"a secret question"}`, "X-Request-Id", "mine-1")
	log := f.log.String()
	for _, want := range []string{`"level":"ERROR"`, `"request_id":"mine-1"`, `"route":"/query"`, `"status":503`, "the cause"} {
		if !strings.Contains(log, want) {
			t.Errorf("log lacks %s: %s", want, log)
		}
	}
	if strings.Count(log, "\n") != 1 || strings.Contains(log, "a secret question") {
		t.Errorf("log = %s, want one line without the question", log)
	}
	if len(f.observer.errors) != 1 || !errors.Is(f.observer.errors[0], cause) {
		t.Errorf("observed errors = %v, want the cause once", f.observer.errors)
	}
}

func TestPanicIsSurvivedCountedOnceAndSeenByMiddleware(t *testing.T) {
	seen := 0
	watch := func(c *gin.Context) {
		defer func() {
			if p := recover(); p != nil {
				seen++
				panic(p)
			}
		}()
		c.Next()
	}
	f := serve(t, httpapi.Config{Middleware: []gin.HandlerFunc{watch}}, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		if ask.Text == "panic" {
			panic("boom")
		}
		return answer(), nil
	}))
	if p := f.query(t, `{"question":"panic"}`).problem(t); p.Status != http.StatusInternalServerError {
		t.Errorf("problem = %+v, want 500", p)
	}
	if r := f.query(t, `{"question":"?"}`); r.StatusCode != http.StatusOK {
		t.Errorf("after the panic = %d, want 200", r.StatusCode)
	}
	if log := f.log.String(); seen != 1 || strings.Count(log, "panic: boom") != 1 || !strings.Contains(log, `"stack":"goroutine`) {
		t.Errorf("middleware saw %d panics; log = %s", seen, log)
	}
	want := []observedRequest{{"/query", "POST", 500}, {"/query", "POST", 200}}
	if got := f.observer.requests; len(got) != 2 || got[0] != want[0] || got[1] != want[1] || f.observer.inFlight != 0 {
		t.Errorf("observed = %v, %d in flight, want %v", got, f.observer.inFlight, want)
	}
}

func TestCallersAreLimitedByKeyOrAddress(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	one := limit.Rates{Requests: 1}
	for _, tt := range []struct {
		whose, key string
		rates      limit.Config
	}{
		{"address", "", limit.Config{Address: one}},
		{"key", key, limit.Config{Key: one}},
		{"user", key, limit.Config{User: one}},
	} {
		t.Run("by "+tt.whose, func(t *testing.T) {
			f := serve(t, httpapi.Config{Keys: keyed(tt.key), Limiter: limiter(t, tt.rates)}, admits(says(answer())))
			const body = `{"question":"?","user_id":"u"}`
			if r := f.query(t, body, "X-API-Key", tt.key); r.StatusCode != http.StatusOK {
				t.Errorf("within the limit = %d, want 200", r.StatusCode)
			}
			r := f.query(t, body, "X-API-Key", tt.key)
			if p := r.problem(t); p.Code != "rate_limited" || !p.Retryable || r.Header.Get("Retry-After") != "60" {
				t.Errorf("beyond it = %+v, Retry-After %s, want rate_limited and 60", p, r.Header.Get("Retry-After"))
			}
			for name, want := range map[string]string{
				"RateLimit-Policy": `"requests";q=1;w=60`, "RateLimit": `"requests";r=0;t=60`,
				"x-ratelimit-limit-requests": "1", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "60s",
			} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if want := []string{tt.whose + " requests"}; !slices.Equal(f.observer.limited, want) {
				t.Errorf("observed %v, want %v", f.observer.limited, want)
			}
			if r := f.do(t, "GET", "/health", ""); r.StatusCode != http.StatusOK {
				t.Errorf("health = %d, want 200", r.StatusCode)
			}
		})
	}
}

// admits lets those be answered who are admitted.
func admits(next answererFunc) answererFunc {
	return func(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
		if _, err := ask.Admit.Enter(ctx, ""); err != nil {
			return desk.Answer{}, err
		}
		return next(ctx, ask, emit)
	}
}

func limiter(t *testing.T, rates limit.Config) *limit.Limiter {
	t.Helper()
	l := limit.New(rates, nil, quietLog)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return l
}

func TestCallersSayWhetherSomebodyWaits(t *testing.T) {
	var batch bool
	f := serve(t, httpapi.Config{}, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		batch = ask.Batch
		return answer(), nil
	}))
	for priority, want := range map[string]bool{"interactive": false, "batch": true} {
		for path, body := range map[string]string{
			"/query": `{"question":"?"}`, "/v1/chat/completions": `{"model":"kefu-auto","messages":[{"role":"user","content":"?"}]}`,
		} {
			batch = !want
			if r := f.do(t, "POST", path, body, "X-Kefu-Priority", priority); r.StatusCode != http.StatusOK || batch != want {
				t.Errorf("%s with %q: %d, batch = %t, want %t", path, priority, r.StatusCode, batch, want)
			}
		}
	}
}

func TestWhatIsRefusedUnderLoadIsNoErrorOfOurs(t *testing.T) {
	f := serve(t, httpapi.Config{}, failsWith(&desk.Error{Kind: desk.Overloaded, Code: "overloaded"}))
	if r := f.query(t, `{"question":"?"}`); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status = %d", r.StatusCode)
	}
	f.Close() // waits for the request
	if s := f.log.String(); !strings.Contains(s, `"level":"INFO"`) || strings.Contains(s, `"level":"ERROR"`) {
		t.Errorf("logged %s, want a line that wakes nobody", s)
	}
}

func TestRequestAndTraceIDs(t *testing.T) {
	var inside string
	f := serve(t, httpapi.Config{TraceID: func(context.Context) string { return "trace-1" }},
		answererFunc(func(ctx context.Context, _ desk.Ask, _ desk.Emit) (desk.Answer, error) {
			inside = httpapi.RequestID(ctx)
			a := answer()
			a.TraceID = ""
			return a, nil
		}))
	for given, kept := range map[string]bool{
		"Abc-123_x.y": true, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "": false, "two words": false, "名": false,
		"a/../b": false, "<b>": false, "a\tb": false, `a"b`: false, "a;b": false, "%0a": false, "$(id)": false,
	} {
		r := f.query(t, `{"question":"?"}`, "X-Request-Id", given)
		id := r.Header.Get("X-Request-Id")
		if (id == given) != kept || id == "" || id != inside {
			t.Errorf("id %q became %q (inside %q), want kept = %v", given, id, inside, kept)
		}
		if r.Header.Get("X-Trace-Id") != "trace-1" || !strings.Contains(r.body, `"trace_id":"trace-1"`) {
			t.Errorf("trace id = %q, body %s, want trace-1", r.Header.Get("X-Trace-Id"), r.body)
		}
	}
	if id := f.do(t, "GET", "/nothing", "").Header.Get("X-Request-Id"); !strings.HasPrefix(id, "req_") {
		t.Errorf("id of an unknown path = %q, want a new one", id)
	}
}

func TestCallerWhoLeavesEndsTheWork(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	f := serve(t, httpapi.Config{}, answererFunc(func(ctx context.Context, _ desk.Ask, _ desk.Emit) (desk.Answer, error) {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return desk.Answer{}, ctx.Err()
	}))
	ctx, leave := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, f.URL+"/query", strings.NewReader(`{"question":"?"}`))
	req.Header.Set("Content-Type", "application/json")
	go func() { <-began; leave() }()
	if _, err := f.client.Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want canceled", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the answerer's context = %v, want canceled", err)
	}
}

// chatPage stands for the page, which package web has.
func chatPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	if r.URL.Path == "/widget.js" {
		w.Header().Set("Content-Type", "text/javascript")
	}
	_, _ = io.WriteString(w, "chat "+r.URL.Path)
}

func TestPagesAreServedFromTheBinary(t *testing.T) {
	f := serve(t, httpapi.Config{Chat: http.HandlerFunc(chatPage)}, says(answer()))
	for path, want := range map[string]string{
		"/": "chat /", "/chat/chat.js": "chat /chat/chat.js", "/docs": "swagger-ui-bundle.js", "/docs/": "swagger-ui", "/docs/swagger-ui.css": ".swagger-ui", "/openapi.json": `"openapi": "3.1.0"`,
	} {
		r := f.do(t, "GET", path, "")
		if r.StatusCode != http.StatusOK || !strings.Contains(r.body, want) || r.Header.Get("X-Request-Id") == "" {
			t.Errorf("GET %s = %d, want 200 with %s", path, r.StatusCode, want)
		}
	}
	if r := f.do(t, "HEAD", "/health", ""); r.StatusCode != http.StatusOK {
		t.Errorf("HEAD /health = %d, want 200", r.StatusCode)
	}
}

func TestTheReferenceIsServedUnderAPolicyThatAllowsNothingInline(t *testing.T) {
	f := serve(t, httpapi.Config{}, says(answer()))
	for _, path := range []string{"/docs", "/docs/", "/docs/docs.js", "/docs/docs.css", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"} {
		r := f.do(t, "GET", path, "")
		policy := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("the policy of %s lacks %s: %q", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || r.StatusCode != http.StatusOK || r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("GET %s = %d %v", path, r.StatusCode, r.Header)
		}
	}
	page := f.do(t, "GET", "/docs", "").body
	if inline := regexp.MustCompile(`<script>|<style>| on\w+=| style=`).FindString(page); inline != "" {
		t.Errorf("the page has %s inline", inline)
	}
}
