package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/llmtest"
	"kefu/internal/llm/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event is one event with a text, and what follows its content.
func event(text, rest string) string {
	return fmt.Sprintf(`data: {"candidates":[{"content":{"role":"model","parts":[{"text":%q}]}%s}]}`, text, rest)
}

const (
	wholeBody = `{"candidates":[{"content":{"role":"model","parts":[{"text":"Hm.","thought":true},{"text":"Hel"},{"text":"lo!"}]},"finishReason":"STOP"}],
		"usageMetadata":{"promptTokenCount":50,"cachedContentTokenCount":40,"candidatesTokenCount":2,"thoughtsTokenCount":5,"totalTokenCount":57}}`
	usage   = `data: {"usageMetadata":{"promptTokenCount":50,"cachedContentTokenCount":40,"candidatesTokenCount":2,"thoughtsTokenCount":5}}`
	thought = `data: {"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true}]}}]}`
	finish  = `data: {"candidates":[{"finishReason":"STOP"}]}`
	blocked = `data: {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`
)

var spent = desk.Usage{Prompt: 50, Completion: 7, Cached: 40, Reasoning: 5}

// apiError is Google's form of an error; details are objects.
func apiError(code int, status, message string, details ...string) string {
	return fmt.Sprintf(`{"error":{"code":%d,"message":"%s %s","status":%q,"details":[%s]}}`,
		code, message, llmtest.SecretBody, status, strings.Join(details, ","))
}

func TestAWholeReply(t *testing.T) {
	r, err := llmtest.Serve(t, dial, llmtest.Reply(200, wholeBody)).Start(t.Context(), llmtest.Call(false))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := r.Text(); text != "Hello!" || err != nil {
		t.Errorf("Text = %q, %v", text, err)
	}
	if r.Usage() != spent {
		t.Errorf("usage = %+v, want %+v", r.Usage(), spent)
	}
}

func TestAStream(t *testing.T) {
	tests := []struct {
		name   string
		events []string
		text   string
		kind   llm.FailureKind // "" for a complete reply
		usage  desk.Usage
	}{
		{"complete", []string{event("Hel", ""), event("lo!", ""), usage, finish}, "Hello!", "", spent},
		{"the reason beside the last text", []string{event("Hel", ""), event("lo!", `,"finishReason":"STOP"`), usage}, "Hello!", "", spent},
		{"thoughts are not said", []string{thought, event("Hi", ""), thought, finish}, "Hi", "", desk.Usage{}},
		{"comments are passed over", []string{": wait", event("Hi", ""), ": wait", finish}, "Hi", "", desk.Usage{}},
		{"lines end in CR LF", []string{event("Hi", "") + "\r\n\r", finish + "\r\n\r"}, "Hi", "", desk.Usage{}},
		{"no space after the colon", []string{strings.Replace(event("Hi", ""), "data: ", "data:", 1), finish}, "Hi", "", desk.Usage{}},
		{"an event of two lines", []string{strings.Replace(event("Hi", ""), `,"parts"`, ",\ndata: \"parts\"", 1), finish}, "Hi", "", desk.Usage{}},
		{"a bound on the tokens", []string{event("Hi", `,"finishReason":"MAX_TOKENS"`)}, "Hi", "", desk.Usage{}},
		{"a stream that merely ends", []string{event("Hel", ""), usage}, "Hel", llm.Cut, spent},
		{"an event that breaks off", []string{event("Hel", ""), "data: {\"candidates\":[{\n: " + llmtest.SecretBody}, "Hel", llm.InvalidReply, desk.Usage{}},
		{"an error in the middle", []string{event("Hel", ""), "data: " + apiError(503, "UNAVAILABLE", "")}, "Hel", llm.Unavailable, desk.Usage{}},
		{"safety in the middle", []string{event("Hel", ""), event("lo", `,"finishReason":"SAFETY"`)}, "Hel", llm.Refused, desk.Usage{}},
		{"an unknown reason", []string{event("Hel", ""), event("lo", `,"finishReason":"OTHER"`)}, "Hel", llm.InvalidReply, desk.Usage{}},
		{"broken JSON", []string{event("Hel", ""), "data: {" + llmtest.SecretBody}, "Hel", llm.InvalidReply, desk.Usage{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := llmtest.Serve(t, dial, llmtest.Events(tt.events...)).Start(t.Context(), llmtest.Call(true))
			if err != nil {
				t.Fatal(err)
			}
			text, err := r.Text()
			if text != tt.text || llm.KindOf(err) != tt.kind {
				t.Errorf("Text = %q, %v, want %q and kind %q", text, err, tt.text, tt.kind)
			}
			if r.Usage() != tt.usage {
				t.Errorf("usage = %+v, want %+v", r.Usage(), tt.usage)
			}
			llmtest.Private(t, err)
		})
	}
}

func TestAConnectionLostWithinAnEventIsACut(t *testing.T) {
	p := llmtest.Serve(t, dial, func(w http.ResponseWriter, r *http.Request) {
		llmtest.Events(event("Hel", ""))(w, r)
		fmt.Fprint(w, event("lo", "")[:30])
	})
	r, err := p.Start(t.Context(), llmtest.Call(true))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := r.Text(); text != "Hel" || llm.KindOf(err) != llm.Cut {
		t.Errorf("Text = %q, %v, want a cut", text, err)
	}
}

func TestAnErrorMeansThatNothingWasSeen(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		kind    llm.FailureKind
		cause   error
	}{
		{"usage is no delta", llmtest.Events(usage), llm.Cut, llm.ErrCut},
		{"an end without text", llmtest.Events(usage, finish), llm.InvalidReply, wire.ErrEmpty},
		{"all tokens went into thoughts", llmtest.Events(thought, `data: {"candidates":[{"finishReason":"MAX_TOKENS"}]}`), llm.InvalidReply, errSpent},
		{"a prompt that is blocked", llmtest.Events(blocked), llm.Refused, wire.ErrFiltered},
		{"rate limited as the first event", llmtest.Events("data: " + apiError(429, "RESOURCE_EXHAUSTED", "")), llm.RateLimited, nil},
		{"HTML with status 200", llmtest.Reply(200, "<html>"+llmtest.SecretBody, "Content-Type", "text/html"), llm.InvalidReply, wire.ErrNotJSON},
		{"an error with status 200", llmtest.Reply(200, apiError(500, "INTERNAL", "")), llm.InvalidReply, wire.ErrNotJSON},
		{"nothing at all", llmtest.Reply(200, ""), llm.InvalidReply, wire.ErrNotJSON},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := llmtest.Serve(t, dial, tt.handler).Start(t.Context(), llmtest.Call(true))
			if llm.KindOf(err) != tt.kind || tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("Start = %v, want kind %s by %v", err, tt.kind, tt.cause)
			}
			llmtest.Private(t, err)
		})
	}
}

func TestFailureKinds(t *testing.T) {
	const (
		keyInvalid = `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}`
		perDay     = `{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProject"},{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}`
		perMinute  = `{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateContentInputTokensPerModelPerMinute"}]}`
		soon       = `{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"31.5s"}`
	)
	stopped := func(reason string) string {
		return `{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"` + reason + `"}]}`
	}
	tests := []struct {
		name   string
		status int
		body   string
		kind   llm.FailureKind
		wait   time.Duration
	}{
		{"key refused", 400, apiError(400, "INVALID_ARGUMENT", "API key not valid "+llmtest.SecretKey, keyInvalid), llm.Unauthorised, 0},
		{"not permitted", 403, apiError(403, "PERMISSION_DENIED", ""), llm.Unauthorised, 0},
		{"not authenticated", 401, apiError(401, "UNAUTHENTICATED", ""), llm.Unauthorised, 0},
		{"not in this country without billing", 400, apiError(400, "FAILED_PRECONDITION", ""), llm.Unauthorised, 0},
		{"no such model", 404, apiError(404, "NOT_FOUND", ""), llm.ModelGone, 0},
		{"wrong path", 404, "<html>not found", llm.ModelGone, 0},
		{"too long", 400, apiError(400, "INVALID_ARGUMENT", "The input token count exceeds the maximum number of tokens allowed (1048576)."), llm.ContextTooLong, 0},
		{"body too large", 413, "", llm.ContextTooLong, 0},
		{"a model without tools", 400, apiError(400, "INVALID_ARGUMENT", "Function calling is not enabled for models/gemma-3-27b-it"), llm.ModelGone, 0},
		{"malformed call", 400, apiError(400, "INVALID_ARGUMENT", "Unknown name"), llm.BadRequest, 0},
		{"rate limit", 429, apiError(429, "RESOURCE_EXHAUSTED", "", perMinute, soon), llm.RateLimited, 31500 * time.Millisecond},
		{"nothing left today", 429, apiError(429, "RESOURCE_EXHAUSTED", "", soon, perDay), llm.QuotaExhausted, 31500 * time.Millisecond},
		{"rate limit within a list", 429, "[" + apiError(429, "RESOURCE_EXHAUSTED", "", soon) + "]", llm.RateLimited, 31500 * time.Millisecond},
		{"rate limit without JSON", 429, llmtest.SecretBody, llm.RateLimited, 0},
		{"a wait that is none", 429, apiError(429, "RESOURCE_EXHAUSTED", "", strings.Replace(soon, "31.5s", "soon", 1)), llm.RateLimited, 0},
		{"a wait of a year", 429, apiError(429, "RESOURCE_EXHAUSTED", "", strings.Replace(soon, "31.5s", "31536000s", 1)), llm.RateLimited, 24 * time.Hour},
		{"internal error", 500, apiError(500, "INTERNAL", ""), llm.Unavailable, 0},
		{"overloaded", 503, apiError(503, "UNAVAILABLE", ""), llm.Unavailable, 0},
		{"timed out there", 504, apiError(504, "DEADLINE_EXCEEDED", ""), llm.Unavailable, 0},
		{"bad gateway with HTML", 502, "<html>" + llmtest.SecretBody, llm.Unavailable, 0},
		{"an unknown status", 400, apiError(400, llmtest.SecretBody, ""), llm.BadRequest, 0},
		{"200 with an error", 200, apiError(500, "INTERNAL", ""), llm.InvalidReply, 0},
		{"200 with nothing in it", 200, `{}`, llm.InvalidReply, 0},
		{"200 with half a reply", 200, wholeBody[:90], llm.Cut, 0},
		{"200 with a list", 200, `[]`, llm.InvalidReply, 0},
		{"200 without text", 200, `{"candidates":[{"finishReason":"STOP"}]}`, llm.InvalidReply, 0},
		{"200 spent on thoughts", 200, `{"candidates":[{"finishReason":"MAX_TOKENS"}]}`, llm.InvalidReply, 0},
		{"200 without a reason", 200, `{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}`, llm.InvalidReply, 0},
		{"200 blocked", 200, `{"promptFeedback":{"blockReason":"SAFETY"}}`, llm.Refused, 0},
		{"200 unsafe", 200, stopped("SAFETY"), llm.Refused, 0},
		{"200 recited", 200, stopped("RECITATION"), llm.Refused, 0},
		{"200 prohibited", 200, stopped("PROHIBITED_CONTENT"), llm.Refused, 0},
		{"200 with personal data", 200, stopped("SPII"), llm.Refused, 0},
		{"200 with a malformed call", 200, stopped("MALFORMED_FUNCTION_CALL"), llm.InvalidReply, 0},
		{"a redirect is not followed", 302, "", llm.InvalidReply, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler := llmtest.Reply(tt.status, tt.body, "Location", "/elsewhere")
			_, err := llmtest.Serve(t, dial, handler).Start(t.Context(), llmtest.Call(false))
			f, ok := errors.AsType[*llm.Failure](err)
			if !ok || f.Kind != tt.kind || f.RetryAfter != tt.wait {
				t.Fatalf("Start = %+v, want kind %s, to wait %s", err, tt.kind, tt.wait)
			}
			if tt.status != 200 && f.Status != tt.status {
				t.Errorf("failure = %+v, want status %d", f, tt.status)
			}
			llmtest.Private(t, err)
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	tests := []struct{ model, config string }{
		{"gemini-2.5-flash-lite", `{"temperature":0,"maxOutputTokens":100,"thinkingConfig":{"thinkingBudget":0}}`},
		{"gemini-2.5-flash", `{"temperature":0,"maxOutputTokens":100,"thinkingConfig":{"thinkingBudget":0}}`},
		{"gemini-2.5-pro", `{"temperature":0,"maxOutputTokens":100,"thinkingConfig":{"thinkingBudget":128}}`},
		{"gemini-2.0-flash", `{"temperature":0,"maxOutputTokens":100}`},
		{"gemini-3.1-flash-lite", `{"maxOutputTokens":100}`},
		{"gemini-3.8-flash", `{"maxOutputTokens":100,"thinkingConfig":{"thinkingLevel":"low"}}`},
		{"gemini-3.1-pro-preview", `{"maxOutputTokens":100,"thinkingConfig":{"thinkingLevel":"low"}}`},
		{"gemini-of-tomorrow", `{"maxOutputTokens":100}`},
		{"gemma-4", `{"temperature":0,"maxOutputTokens":100}`},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %t", tt.model, stream), func(t *testing.T) {
				var sent struct {
					System     json.RawMessage `json:"systemInstruction"`
					Contents   []content       `json:"contents"`
					Generation json.RawMessage `json:"generationConfig"`
				}
				p := llmtest.Serve(t, dial, func(w http.ResponseWriter, r *http.Request) {
					want := "/v1beta/models/" + tt.model + map[bool]string{false: ":generateContent", true: ":streamGenerateContent?alt=sse"}[stream]
					if r.URL.String() != want || r.Header.Get("X-Goog-Api-Key") != llmtest.SecretKey {
						t.Errorf("request = %s with %v, want %s and the key in its header", r.URL, r.Header, want)
					}
					if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
						t.Error(err)
					}
					if stream {
						llmtest.Events(event("Hi", ""), finish)(w, r)
						return
					}
					llmtest.Reply(200, wholeBody)(w, r)
				})
				c := llmtest.Call(stream)
				c.Model = tt.model
				r, err := p.Start(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
				if string(sent.Generation) != tt.config {
					t.Errorf("generationConfig = %s, want %s", sent.Generation, tt.config)
				}
				if string(sent.System) != `{"parts":[{"text":"Answer."}]}` || len(sent.Contents) != 1 || sent.Contents[0].Role != "user" {
					t.Errorf("system = %s, contents = %+v", sent.System, sent.Contents)
				}
			})
		}
	}
}

func TestAModelsNameStaysWithinThePath(t *testing.T) {
	p := llmtest.Serve(t, dial, func(w http.ResponseWriter, r *http.Request) {
		if want := "/v1beta/models/..%2F..%2Fkeys%3Fx=:generateContent"; r.URL.EscapedPath() != want {
			t.Errorf("path = %s, want %s", r.URL.EscapedPath(), want)
		}
		llmtest.Reply(200, wholeBody)(w, r)
	})
	c := llmtest.Call(false)
	c.Model = "../../keys?x="
	if _, err := p.Start(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestAnAddressThatIsNoneIsRefusedBeforeAnythingIsSent(t *testing.T) {
	_, err := New(Config{BaseURL: "http://[" + llmtest.SecretBody}).Start(t.Context(), llmtest.Call(false))
	if llm.KindOf(err) != llm.BadRequest {
		t.Errorf("Start = %v, want a bad request", err)
	}
	llmtest.Private(t, err)
}

// FuzzStream: whatever comes, reading ends, with text before an error that is
// a Failure, and never with a panic.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		event("Hi", "") + "\n\n" + finish + "\n\n", usage + "\r\n\r\n", blocked + "\n\n", "data:\n\n", "data: null\n\n", ": c\n\n",
		"data: " + apiError(429, "RESOURCE_EXHAUSTED", "") + "\n\n", `data: {"candidates":[{"content":{"parts":[{"functionCall":{}}]},"finishReason":"STOP"}]}` + "\n\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x := &wire.Exchange{Status: http.StatusOK}
		fault := x.Fault(t.Context(), llmtest.Name, llmtest.Model, judge(x))
		r, err := stream(io.NopCloser(strings.NewReader(text)), fault)
		if err == nil {
			_, err = r.Whole()
		}
		if _, ok := errors.AsType[*llm.Failure](err); err != nil && !ok {
			t.Errorf("error %v is no failure", err)
		}
	})
}

func BenchmarkStart(b *testing.B) {
	server := httptest.NewServer(llmtest.Reply(200, wholeBody))
	client := wire.NewHTTPClient(0)
	defer server.Close()
	defer client.CloseIdleConnections()
	p := dial(server.URL, client)
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.Start(b.Context(), llmtest.Call(false))
		if err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
