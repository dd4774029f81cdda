package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/llmtest"
	"kefu/internal/llm/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event is one server-sent event of the endpoint.
func event(kind, data string) string { return "event: " + kind + "\ndata: " + data }

func delta(text string) string {
	return event("content_block_delta", fmt.Sprintf(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%q}}`, text))
}

func stopped(reason string) string {
	return event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"`+reason+`","stop_sequence":null},"usage":{"output_tokens":7,"output_tokens_details":{"thinking_tokens":5}}}`)
}

const wholeBody = `{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"x"},
	{"type":"text","text":"Hel"},{"type":"text","text":"lo!"}],"stop_reason":"end_turn",
	"usage":{"input_tokens":10,"cache_read_input_tokens":40,"cache_creation_input_tokens":3,"output_tokens":7,"output_tokens_details":{"thinking_tokens":5}}}`

var (
	start = event("message_start", `{"type":"message_start","message":{"type":"message","role":"assistant","content":[],"stop_reason":null,
data: "usage":{"input_tokens":10,"cache_read_input_tokens":40,"cache_creation_input_tokens":3,"output_tokens":1}}}`)
	block    = event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	blockEnd = event("content_block_stop", `{"type":"content_block_stop","index":0}`)
	ping     = event("ping", `{"type":"ping"}`)
	end      = event("message_stop", `{"type":"message_stop"}`)
	thought  = event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}`)

	spent = desk.Usage{Prompt: 53, Completion: 7, Cached: 40, CacheWrite: 3, Reasoning: 5}
	begun = desk.Usage{Prompt: 53, Completion: 1, Cached: 40, CacheWrite: 3}
)

func apiError(kind, message string) string {
	return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":"%s %s"},"request_id":"req_1"}`, kind, message, llmtest.SecretBody)
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
		{"complete", []string{start, block, ping, delta("Hel"), ping, delta("lo!"), blockEnd, stopped("end_turn"), end}, "Hello!", "", spent},
		{"thoughts are not said", []string{start, thought, block, delta("Hi"), thought, stopped("end_turn"), end}, "Hi", "", spent},
		{"comments are passed over", []string{": wait", start, ": wait", delta("Hi"), ": wait", stopped("end_turn"), end}, "Hi", "", spent},
		{"a bound on the tokens", []string{start, delta("Hi"), stopped("max_tokens"), end}, "Hi", "", spent},
		{"the end mark is lost", []string{start, delta("Hi"), stopped("end_turn")}, "Hi", "", spent},
		{"a vendor that counts at the end", []string{event("message_start", `{"type":"message_start","message":{"usage":{"input_tokens":0,"output_tokens":0}}}`), delta("Hi"), event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":9,"output_tokens":2}}`)}, "Hi", "", desk.Usage{Prompt: 9, Completion: 2}},
		{"a stream that merely ends", []string{start, delta("Hel")}, "Hel", llm.Cut, begun},
		{"an end mark without a reason", []string{start, delta("Hel"), blockEnd, end}, "Hel", llm.Cut, begun},
		{"overloaded in the middle", []string{start, delta("Hel"), event("error", apiError("overloaded_error", ""))}, "Hel", llm.Unavailable, begun},
		{"an internal error in the middle", []string{start, delta("Hel"), event("error", apiError("api_error", ""))}, "Hel", llm.Unavailable, begun},
		{"an error that is no JSON", []string{start, delta("Hel"), event("error", llmtest.SecretBody)}, "Hel", llm.InvalidReply, begun},
		{"a refusal after the first delta", []string{start, delta("Hel"), stopped("refusal"), end}, "Hel", llm.Refused, spent},
		{"broken JSON", []string{start, delta("Hel"), event("content_block_delta", "{"+llmtest.SecretBody)}, "Hel", llm.InvalidReply, begun},
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

func TestAnErrorMeansThatNothingWasSeen(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		kind    llm.FailureKind
		cause   error
	}{
		{"a beginning is no delta", llmtest.Events(start, block, ping), llm.Cut, llm.ErrCut},
		{"an end without text", llmtest.Events(start, block, blockEnd, stopped("end_turn"), end), llm.InvalidReply, wire.ErrEmpty},
		{"all tokens went into thoughts", llmtest.Events(start, thought, stopped("max_tokens"), end), llm.InvalidReply, errSpent},
		{"no room for a word", llmtest.Events(start, stopped("model_context_window_exceeded"), end), llm.InvalidReply, errNoRoom},
		{"a refusal", llmtest.Events(start, stopped("refusal"), end), llm.Refused, wire.ErrDeclined},
		{"rate limited as the first event", llmtest.Events(event("error", apiError("rate_limit_error", ""))), llm.RateLimited, nil},
		{"too long as the first event", llmtest.Events(event("error", apiError("invalid_request_error", "prompt is too long"))), llm.ContextTooLong, nil},
		{"HTML with status 200", llmtest.Reply(200, "<html>"+llmtest.SecretBody, "Content-Type", "text/html"), llm.InvalidReply, wire.ErrNotJSON},
		{"an error with status 200", llmtest.Reply(200, apiError("api_error", "")), llm.InvalidReply, wire.ErrNotJSON},
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
	message := func(stop string) string {
		return `{"type":"message","content":[],"stop_reason":"` + stop + `","usage":{}}`
	}
	tests := []struct {
		name   string
		status int
		body   string
		kind   llm.FailureKind
	}{
		{"key refused", 401, apiError("authentication_error", "invalid x-api-key "+llmtest.SecretKey), llm.Unauthorised},
		{"not permitted", 403, apiError("permission_error", ""), llm.Unauthorised},
		{"billing", 402, apiError("billing_error", ""), llm.QuotaExhausted},
		{"an empty account", 400, apiError("invalid_request_error", "Your credit balance is too low to access the API."), llm.QuotaExhausted},
		{"no such model", 404, apiError("not_found_error", "model: x"), llm.ModelGone},
		{"wrong path", 404, "<html>not found", llm.ModelGone},
		{"too long by message", 400, apiError("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), llm.ContextTooLong},
		{"input and bound beyond the window", 400, apiError("invalid_request_error", "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"), llm.ContextTooLong},
		{"body too large", 413, apiError("request_too_large", ""), llm.ContextTooLong},
		{"body too large for a proxy", 413, "", llm.ContextTooLong},
		{"malformed call", 400, apiError("invalid_request_error", "temperature is deprecated for this model"), llm.BadRequest},
		{"rate limit", 429, apiError("rate_limit_error", ""), llm.RateLimited},
		{"rate limit without JSON", 429, llmtest.SecretBody, llm.RateLimited},
		{"internal error", 500, apiError("api_error", ""), llm.Unavailable},
		{"timed out there", 504, apiError("timeout_error", ""), llm.Unavailable},
		{"overloaded", 529, apiError("overloaded_error", ""), llm.Unavailable},
		{"bad gateway with HTML", 502, "<html>" + llmtest.SecretBody, llm.Unavailable},
		{"an error that is only a text", 503, `{"error":"` + llmtest.SecretBody + `"}`, llm.Unavailable},
		{"an unknown type", 400, apiError("a type with "+llmtest.SecretBody, ""), llm.BadRequest},
		{"200 with an error", 200, apiError("api_error", ""), llm.InvalidReply},
		{"200 with nothing in it", 200, `{}`, llm.InvalidReply},
		{"200 with half a reply", 200, wholeBody[:90], llm.Cut},
		{"200 without text", 200, message("end_turn"), llm.InvalidReply},
		{"200 spent on thoughts", 200, message("max_tokens"), llm.InvalidReply},
		{"200 refused", 200, message("refusal"), llm.Refused},
		{"a redirect is not followed", 302, "", llm.InvalidReply},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler := llmtest.Reply(tt.status, tt.body, "Location", "/elsewhere", "Retry-After", "7")
			_, err := llmtest.Serve(t, dial, handler).Start(t.Context(), llmtest.Call(false))
			f, ok := errors.AsType[*llm.Failure](err)
			if !ok || f.Kind != tt.kind {
				t.Fatalf("Start = %v, want kind %s", err, tt.kind)
			}
			if tt.status != 200 && f.Status != tt.status || f.RetryAfter != 7*time.Second {
				t.Errorf("failure = %+v, want status %d and to wait 7 s", f, tt.status)
			}
			llmtest.Private(t, err)
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	t.Setenv("ANTHROPIC_API_KEY", "of-the-environment")
	t.Setenv("ANTHROPIC_BASE_URL", "http://of.the.environment.invalid")
	t.Setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Api-Key: of-the-environment")
	tests := []struct {
		model, temperature, thinking, effort string // JSON, "" when absent
	}{
		{"claude-haiku-4-5", "0.5", "", ""},
		{"claude-sonnet-4-6", "0.5", "", ""},
		{"claude-3-5-haiku-latest", "0.5", "", ""},
		{"claude-opus-4-7", "", "", ""},
		{"claude-opus-4-8", "", "", ""},
		{"claude-sonnet-5", "", `{"type":"disabled"}`, ""},
		{"claude-sonnet-5-5", "", `{"type":"between_tools"}`, ""},
		{"claude-haiku-5-5", "", `{"type":"disabled"}`, ""},
		{"claude-opus-5", "", `{"type":"disabled"}`, ""},
		{"claude-opus-5-5", "", "", `{"effort":"low"}`},
		{"claude-fable-5-1", "", "", `{"effort":"low"}`},
		{"claude-of-tomorrow", "", "", ""},
		{"another-vendors-model", "0.5", "", ""},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %t", tt.model, stream), func(t *testing.T) {
				var got map[string]json.RawMessage
				var header http.Header
				p := llmtest.Serve(t, dial, func(w http.ResponseWriter, r *http.Request) {
					header = r.Header
					if r.URL.Path != "/v1/messages" {
						t.Errorf("path = %s", r.URL.Path)
					}
					if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
						t.Error(err)
					}
					if stream {
						llmtest.Events(start, delta("Hi"), stopped("end_turn"), end)(w, r)
						return
					}
					llmtest.Reply(200, wholeBody)(w, r)
				})
				c := llmtest.Call(stream)
				c.Model, c.Temperature, c.MaxTokens = tt.model, 0.5, 64_000 // more than the SDK sends for a whole reply
				r, err := p.Start(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
				for field, want := range map[string]string{
					"model": `"` + tt.model + `"`, "temperature": tt.temperature, "thinking": tt.thinking, "output_config": tt.effort,
					"max_tokens": "64000", "system": `[{"text":"Answer.","type":"text"}]`, "stream": map[bool]string{true: "true"}[stream],
				} {
					if string(got[field]) != want {
						t.Errorf("%s = %s, want %s", field, got[field], want)
					}
				}
				if header.Get("X-Api-Key") != llmtest.SecretKey || header.Get("Anthropic-Version") == "" || len(header.Values("X-Api-Key")) != 1 {
					t.Errorf("header = %v", header)
				}
			})
		}
	}
}

func TestACallWithoutABoundIsBounded(t *testing.T) {
	c := llmtest.Call(false)
	c.MaxTokens = 0
	if p := params(c); p.MaxTokens != defaultMaxTokens {
		t.Errorf("max tokens = %d, want %d", p.MaxTokens, defaultMaxTokens)
	}
	c.Prompt.System = ""
	if p := params(c); p.System != nil {
		t.Errorf("system = %+v, want none", p.System)
	}
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
		if _, err := r.Next(); err != nil && !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		r.Close()
	}
}
