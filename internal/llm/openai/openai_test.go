package openai

import (
	"encoding/json"
	"errors"
	"fmt"
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

const (
	secretKey  = llmtest.SecretKey
	secretBody = llmtest.SecretBody
)

// serve starts a vendor written by hand and returns a provider that calls it.
func serve(t *testing.T, handler http.HandlerFunc) *Provider {
	t.Helper()
	return llmtest.Serve(t, dial, handler).(*Provider)
}

func call(stream bool) llm.Call {
	return llm.Call{
		Model: "gpt-4o-mini", Stream: stream, MaxTokens: 100, Purpose: desk.PurposeAnswer,
		Prompt: llm.Prompt{System: "Answer.", Question: llmtest.SecretPrompt, Lang: desk.English},
	}
}

func delta(text string) string {
	return fmt.Sprintf(`data: {"choices":[{"index":0,"delta":{"content":%q},"finish_reason":null}]}`, text)
}

const (
	wholeBody = `{"choices":[{"message":{"role":"assistant","content":"Hello!"},"finish_reason":"stop"}],
		"usage":{"prompt_tokens":50,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":5}}}`
	role   = `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`
	finish = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	usage  = `data: {"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":7}}`
	done   = `data: [DONE]`
)

func TestAWholeReply(t *testing.T) {
	r, err := serve(t, llmtest.Reply(200, wholeBody)).Start(t.Context(), call(false))
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.Text()
	if text != "Hello!" || err != nil {
		t.Errorf("Text = %q, %v", text, err)
	}
	if want := (desk.Usage{Prompt: 50, Completion: 7, Cached: 40, Reasoning: 5}); r.Usage() != want {
		t.Errorf("usage = %+v, want %+v", r.Usage(), want)
	}
}

func TestThoughtsInTheTextAreNotSaid(t *testing.T) {
	for content, want := range map[string]string{
		"<think>\nLet me see.\n</think>\n\nHello!": "Hello!",
		"\n<think>\n\n</think>\nHello!":            "Hello!", // of one that was told not to think
		"Let me see.\n</think>\n\nHello!":          "Hello!", // the template of the prompt began the thought
		"Hello <think>!":                           "Hello <think>!",
		"A <think> wants its </think>.":            "A <think> wants its </think>.",
		"<think>a</think><think>b</think> Hello!":  "Hello!",
	} {
		body, _ := json.Marshal(content)
		r, err := serve(t, llmtest.Reply(200, `{"choices":[{"message":{"content":`+string(body)+`},"finish_reason":"stop"}]}`)).Start(t.Context(), call(false))
		if err != nil {
			t.Errorf("%q: %v", content, err)
		} else if text, _ := r.Text(); text != want {
			t.Errorf("%q says %q, want %q", content, text, want)
		}
	}
}

func TestAStream(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		text  string
		kind  llm.FailureKind // "" for a complete reply
		usage desk.Usage
	}{
		{"deltas, finish, usage and the end mark", []string{role, delta("Hel"), delta("lo!"), finish, usage, done}, "Hello!", "", desk.Usage{Prompt: 50, Completion: 7}},
		{"keep-alive comments are passed over", []string{": wait", role, ": wait", delta("Hi"), ": wait", finish, done}, "Hi", "", desk.Usage{}},
		{"comments of any length are", []string{":" + strings.Repeat(" data: wait", 1000), delta(strings.Repeat("Hi", 5000)), ":" + strings.Repeat("x", 4095), finish, done}, strings.Repeat("Hi", 5000), "", desk.Usage{}},
		{"a finish reason without the end mark is complete", []string{delta("Hi"), finish}, "Hi", "", desk.Usage{}},
		{"a finish reason beside the last delta", []string{`data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"length"}]}`, done}, "Hi", "", desk.Usage{}},
		{"an end mark without a finish reason is a cut", []string{delta("Hel"), done}, "Hel", llm.Cut, desk.Usage{}},
		{"thoughts written into the text are passed over", []string{delta("\n<thi"), delta("nk>\nLet me see: a </b"), delta("> </thi"), delta("nk>"), delta("\n\n"), delta("Hel"), delta("lo <think>!"), finish, done}, "Hello <think>!", "", desk.Usage{}},
		{"what only begins like a thought", []string{delta("<"), delta("th> is HTML"), finish, done}, "<th> is HTML", "", desk.Usage{}},
		{"a stream that merely ends is a cut", []string{delta("Hel")}, "Hel", llm.Cut, desk.Usage{}},
		{"an error within the stream", []string{delta("Hel"), `data: {"error":{"message":"` + secretBody + `","type":"server_error"}}`}, "Hel", llm.Unavailable, desk.Usage{}},
		{"an error that go-openai swallows is a cut", []string{delta("Hel"), `data: { "error": {"message":"x"}}`}, "Hel", llm.Cut, desk.Usage{}},
		{"a named error event is a cut", []string{delta("Hel"), "event: error\ndata: {\"message\":\"x\"}"}, "Hel", llm.Cut, desk.Usage{}},
		{"a content filter after the first delta", []string{delta("Hel"), `data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}`, done}, "Hel", llm.Refused, desk.Usage{}},
		{"OpenRouter's upstream failed after the first delta", []string{delta("Hel"), `data: {"id":"gen-1","error":{"code":"server_error","message":"` + secretBody + `"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}`, done}, "Hel", llm.Cut, desk.Usage{}},
		{"DeepSeek ran out of machines", []string{delta("Hel"), `data: {"choices":[{"delta":{"content":""},"finish_reason":"insufficient_system_resource"}]}`, usage, done}, "Hel", llm.Cut, desk.Usage{}},
		{"broken JSON", []string{delta("Hel"), "data: {" + secretBody}, "Hel", llm.InvalidReply, desk.Usage{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := serve(t, llmtest.Events(tt.lines...)).Start(t.Context(), call(true))
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
			if _, again := r.Next(); tt.kind != "" && llm.KindOf(again) != tt.kind {
				t.Errorf("Next after a failure = %v, want the failure again", again)
			}
			if r.Close() != nil {
				t.Error("second Close failed")
			}
		})
	}
}

func TestAnErrorMeansThatNothingWasSeen(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		kind    llm.FailureKind
	}{
		{"a role is no delta", llmtest.Events(role), llm.Cut},
		{"a finish without text", llmtest.Events(role, finish, done), llm.InvalidReply},
		{"thoughts without a word after them", llmtest.Events(delta("<think>Let me see"), `data: {"choices":[{"delta":{},"finish_reason":"length"}]}`, done), llm.InvalidReply},
		{"HTML with status 200", llmtest.Reply(200, "<html>"+secretBody+"</html>"), llm.InvalidReply},
		{"a JSON error with status 200", llmtest.Reply(200, `{"error":{"message":"`+secretBody+`"}}`), llm.InvalidReply},
		{"a JSON error as the first event", llmtest.Events(`data: {"error":{"message":"` + secretBody + `","code":"rate_limit_exceeded"}}`), llm.RateLimited},
		{"OpenRouter's first event, with a status for its code", llmtest.Events(`data: {"error":{"message":"` + secretBody + `","code":429}}`), llm.RateLimited},
		{"an error after keep-alive comments", llmtest.Events(": OPENROUTER PROCESSING", ": OPENROUTER PROCESSING", `data: {"error":{"message":"`+secretBody+`","code":429}}`), llm.RateLimited},
		{"an error that is named", llmtest.Events("id: 1\nevent: error\ndata: {\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}}"), llm.RateLimited},
		{"nothing at all", llmtest.Reply(200, ""), llm.InvalidReply},
		{"a refusal", llmtest.Events(`data: {"choices":[{"delta":{"refusal":"No."},"finish_reason":null}]}`), llm.Refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := serve(t, tt.handler).Start(t.Context(), call(true))
			if llm.KindOf(err) != tt.kind {
				t.Errorf("Start = %v, want kind %s", err, tt.kind)
			}
			llmtest.Private(t, err)
		})
	}
}

func TestFailureKinds(t *testing.T) {
	apiError := func(code, kind, message string) string {
		return fmt.Sprintf(`{"error":{"message":"%s %s","type":%q,"code":%q,"param":null}}`, message, secretBody, kind, code)
	}
	tests := []struct {
		name   string
		status int
		body   string
		kind   llm.FailureKind
	}{
		{"key refused", 401, apiError("invalid_api_key", "invalid_request_error", "Incorrect API key: "+secretKey), llm.Unauthorised},
		{"forbidden", 403, apiError("", "", ""), llm.Unauthorised},
		{"no money", 402, apiError("", "", ""), llm.QuotaExhausted},
		{"quota as 429", 429, apiError("insufficient_quota", "insufficient_quota", ""), llm.QuotaExhausted},
		{"quota in the type alone", 429, `{"error":{"message":"m","type":"insufficient_quota"}}`, llm.QuotaExhausted},
		{"rate limit", 429, apiError("rate_limit_exceeded", "requests", ""), llm.RateLimited},
		{"rate limit without JSON", 429, "slow down, " + secretBody, llm.RateLimited},
		{"context too long by code", 400, apiError("context_length_exceeded", "invalid_request_error", ""), llm.ContextTooLong},
		{"context too long by message", 400, apiError("", "BadRequestError", "This model's maximum context length is 8192 tokens"), llm.ContextTooLong},
		{"vLLM's window", 400, apiError("", "BadRequestError", "The decoder prompt (length 9000) is longer than the maximum model length of 8192."), llm.ContextTooLong},
		{"Qwen's window", 400, apiError("invalid_parameter_error", "invalid_request_error", "Range of input length should be [1, 129024]"), llm.ContextTooLong},
		{"llama.cpp's window", 400, apiError("", "exceed_context_size_error", "the request exceeds the available context size"), llm.ContextTooLong},
		{"the window of an older vLLM", 400, `{"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","code":400}`, llm.ContextTooLong},
		{"the window of an error that is only a text", 400, `{"error":"prompt is too long"}`, llm.ContextTooLong},
		{"Gemini's window behind OpenAI's protocol", 400, `[{"error":{"code":400,"message":"The input token count (40000) exceeds the maximum.","status":"INVALID_ARGUMENT"}}]`, llm.ContextTooLong},
		{"body too large", 413, "", llm.ContextTooLong},
		{"content policy", 400, apiError("content_policy_violation", "", ""), llm.Refused},
		{"Azure's filter", 400, apiError("content_filter", "", ""), llm.Refused},
		{"Qwen's filter", 400, apiError("data_inspection_failed", "data_inspection_failed", "Input data may contain inappropriate content."), llm.Refused},
		{"OpenRouter's filter", 403, `{"error":{"code":403,"message":"acme/m requires moderation. Your input was flagged for \"x\". No credits were charged."}}`, llm.Refused},
		{"Qwen's unpaid bill", 400, apiError("Arrearage", "Arrearage", "Access denied, please make sure your account is in good standing."), llm.QuotaExhausted},
		{"no such model", 404, apiError("model_not_found", "invalid_request_error", ""), llm.ModelGone},
		{"no such model as 400", 400, apiError("model_not_found", "", ""), llm.ModelGone},
		{"wrong path", 404, "<html>404 page not found</html>", llm.ModelGone},
		{"Ollama gives a model no tools", 400, apiError("", "api_error", "registry.ollama.ai/library/gemma3:4b does not support tools"), llm.ModelGone},
		{"Ollama gives a model no tools, its error only a text", 400, `{"error":"registry.ollama.ai/library/gemma3:4b does not support tools"}`, llm.ModelGone},
		{"OpenAI gives a model no tools", 400, apiError("", "invalid_request_error", "tools is not supported in this model."), llm.ModelGone},
		{"vLLM was started without tools", 400, apiError("", "BadRequestError", `\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set`), llm.ModelGone},
		{"DeepSeek gives a model no tools", 400, apiError("invalid_request_error", "invalid_request_error", "deepseek-reasoner does not support Function Calling"), llm.ModelGone},
		{"a tool that is malformed", 400, apiError("invalid_function_parameters", "invalid_request_error", "Invalid schema for function 'x': tools[0] is not supported"), llm.BadRequest},
		{"malformed call", 400, apiError("", "invalid_request_error", ""), llm.BadRequest},
		{"unprocessable", 422, `{"detail":[{"msg":"` + secretBody + `"}]}`, llm.BadRequest},
		{"a numeric code", 400, `{"error":{"message":"m","type":"x","code":400}}`, llm.BadRequest},
		{"server error", 500, apiError("", "server_error", ""), llm.Unavailable},
		{"bad gateway with HTML", 502, "<html>" + secretBody, llm.Unavailable},
		{"unavailable with an empty body", 503, "", llm.Unavailable},
		{"an error that is only a text", 503, `{"error":"` + secretBody + `"}`, llm.Unavailable},
		{"overloaded", 529, apiError("", "overloaded_error", ""), llm.Unavailable},
		{"200 without choices", 200, `{}`, llm.InvalidReply},
		{"200 with an error", 200, apiError("", "server_error", ""), llm.InvalidReply},
		{"200 with HTML", 200, "<html>" + secretBody, llm.InvalidReply},
		{"200 with half a reply", 200, wholeBody[:40], llm.Cut},
		{"200 with an empty text", 200, `{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`, llm.InvalidReply},
		{"200 filtered", 200, `{"choices":[{"message":{"content":"x"},"finish_reason":"content_filter"}]}`, llm.Refused},
		{"200 with thoughts alone", 200, `{"choices":[{"message":{"content":"<think>Let me see"},"finish_reason":"length"}]}`, llm.InvalidReply},
		{"200 filtered, as Zhipu says it", 200, `{"choices":[{"message":{"content":"x"},"finish_reason":"sensitive"}]}`, llm.Refused},
		{"200 with what vLLM had written when it stopped", 200, `{"choices":[{"message":{"content":"Hel"},"finish_reason":"abort"}]}`, llm.Cut},
		{"200 declined", 200, `{"choices":[{"message":{"refusal":"No."},"finish_reason":"stop"}]}`, llm.Refused},
		{"a redirect is not followed", 302, "", llm.InvalidReply},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := serve(t, llmtest.Reply(tt.status, tt.body, "Location", "/elsewhere")).Start(t.Context(), call(false))
			var f *llm.Failure
			if !errors.As(err, &f) || f.Kind != tt.kind {
				t.Fatalf("Start = %v, want kind %s", err, tt.kind)
			}
			if tt.status != 200 && f.Status != tt.status || f.Provider != "acme" || f.Model != "gpt-4o-mini" {
				t.Errorf("failure = %+v", f)
			}
			llmtest.Private(t, err)
		})
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	for header, want := range map[[2]string]time.Duration{
		{"Retry-After", "7"}:                             7 * time.Second,
		{"Retry-After", "0.5"}:                           500 * time.Millisecond,
		{"Retry-After-Ms", "250"}:                        250 * time.Millisecond,
		{"Retry-After", "-3"}:                            0,
		{"Retry-After", "NaN"}:                           0,
		{"Retry-After", "soon"}:                          0,
		{"Retry-After", "1e300"}:                         24 * time.Hour,
		{"Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"}: 0,
	} {
		for _, body := range []string{"", `{"error":{"message":"m","code":"rate_limit_exceeded"}}`} {
			_, err := serve(t, llmtest.Reply(429, body, header[0], header[1])).Start(t.Context(), call(false))
			var f *llm.Failure
			if !errors.As(err, &f) || f.RetryAfter != want {
				t.Errorf("%v: failure = %+v, want to wait %s", header, f, want)
			}
		}
	}
}

func TestWhatIsSent(t *testing.T) {
	tests := []struct {
		name        string
		model       string
		temperature float64
		stream      bool
		want        map[string]any // nil: absent
	}{
		{"a temperature of 0 is sent", "gpt-4o-mini", 0, false, map[string]any{"temperature": 0.0, "max_tokens": 100.0, "max_completion_tokens": nil, "stream_options": nil, "stream": false}},
		{"any other too", "gpt-4o-mini", 0.5, false, map[string]any{"temperature": 0.5}},
		{"unknown models get what everyone understands", "qwen-plus", 0, false, map[string]any{"temperature": 0.0, "max_tokens": 100.0, "max_completion_tokens": nil}},
		{"reasoning models take no temperature", "gpt-5.4-mini", 0, false, map[string]any{"temperature": nil, "max_tokens": nil, "max_completion_tokens": 100.0}},
		{"nor does the newest family", "gpt-6-luna", 0.3, false, map[string]any{"temperature": nil, "max_completion_tokens": 100.0}},
		{"streams ask for their usage", "o4-mini", 0, true, map[string]any{"stream": true, "stream_options": map[string]any{"include_usage": true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got map[string]any
			var auth string
			p := serve(t, func(w http.ResponseWriter, r *http.Request) {
				auth = r.Header.Get("Authorization")
				json.NewDecoder(r.Body).Decode(&got)
				if tt.stream {
					llmtest.Events(delta("Hi"), finish, done)(w, r)
				} else {
					llmtest.Reply(200, wholeBody)(w, r)
				}
			})
			c := call(tt.stream)
			c.Model, c.Temperature = tt.model, tt.temperature
			r, err := p.Start(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			if auth != "Bearer "+secretKey {
				t.Errorf("Authorization = %q", auth)
			}
			for field, want := range tt.want {
				if v, ok := got[field]; ok != (want != nil) || fmt.Sprint(v) != fmt.Sprint(want) && want != nil {
					t.Errorf("%s = %v (sent: %t), want %v", field, v, ok, want)
				}
			}
			if m, _ := got["messages"].([]any); len(m) != 2 {
				t.Errorf("messages = %v, want system and user", got["messages"])
			}
		})
	}
}

func BenchmarkStart(b *testing.B) {
	server := httptest.NewServer(llmtest.Reply(200, wholeBody, "Content-Type", "application/json"))
	client := wire.NewHTTPClient(0)
	defer server.Close()
	defer client.CloseIdleConnections()
	p := New(Config{BaseURL: server.URL, HTTP: client})
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.Start(b.Context(), call(false))
		if err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
