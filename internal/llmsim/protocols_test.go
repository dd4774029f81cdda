package llmsim_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kefu/internal/llmsim"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// protocol is how one vendor is asked: whole and streamed, each a path and a
// body.
type protocol struct {
	name            string
	whole, streamed [2]string
	header          [2]string
	keepAlive       string
}

var protocols = []protocol{
	{
		name:      "openai",
		whole:     [2]string{"/v1/chat/completions", `{"model":"m","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hello"}]}`},
		streamed:  [2]string{"/v1/chat/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hello"}]}`},
		keepAlive: ": keep-alive",
	},
	{
		name:      "anthropic",
		whole:     [2]string{"/v1/messages", `{"model":"m","max_tokens":100,"system":[{"type":"text","text":"Be kind."}],"messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}]}`},
		streamed:  [2]string{"/v1/messages", `{"model":"m","max_tokens":100,"stream":true,"system":"Be kind.","messages":[{"role":"user","content":"Hello"}]}`},
		header:    [2]string{"anthropic-version", "2023-06-01"},
		keepAlive: "event: ping",
	},
	{
		name:      "gemini",
		whole:     [2]string{"/v1beta/models/m:generateContent", `{"systemInstruction":{"parts":[{"text":"Be kind."}]},"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}`},
		streamed:  [2]string{"/v1beta/models/m:streamGenerateContent?alt=sse", `{"systemInstruction":{"parts":[{"text":"Be kind."}]},"contents":[{"parts":[{"text":"Hello"}]}]}`},
		keepAlive: ": keep-alive",
	},
}

func (p protocol) call(t *testing.T, ctx context.Context, server *httptest.Server, stream bool) *http.Response {
	t.Helper()
	ask := p.whole
	if stream {
		ask = p.streamed
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+ask[0], strings.NewReader(ask[1]))
	if err != nil {
		t.Fatal(err)
	}
	if p.header[0] != "" {
		req.Header.Set(p.header[0], p.header[1])
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

var varying = regexp.MustCompile(`[0-9A-Z]{8}-\d+|"created":\d+`)

// text reads resp, with ids and times replaced.
func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return varying.ReplaceAllString(strings.ReplaceAll(string(body), "\r\n", "\n"), "VARIES")
}

func TestWhatEachProtocolSends(t *testing.T) {
	for _, p := range protocols {
		sim, server := start(t, llmsim.Config{})
		var got strings.Builder
		for _, tt := range []struct {
			name   string
			step   llmsim.Step
			stream bool
		}{
			{"whole", llmsim.Step{}, false},
			{"streamed", llmsim.Step{}, true},
			{"not allowed", llmsim.Step{Fault: "content_policy_violation"}, false},
			{"not allowed, streamed", llmsim.Step{Fault: "content_policy_violation"}, true},
			{"an error within a stream", llmsim.Step{Fault: "error", CutAfter: 1}, true},
			{"an error instead of a reply", llmsim.Step{Fault: "error"}, false},
			{"rate limited", llmsim.Step{Fault: "429", RetryAfter: 7}, false},
			{"no quota", llmsim.Step{Fault: "insufficient_quota"}, false},
			{"too long", llmsim.Step{Fault: "context_length_exceeded"}, true},
			{"key refused", llmsim.Step{Fault: "401"}, false},
			{"overloaded", llmsim.Step{Fault: "529"}, false},
		} {
			if err := sim.Script(tt.step); err != nil {
				t.Fatal(err)
			}
			resp := p.call(t, t.Context(), server, tt.stream)
			got.WriteString("--- " + tt.name + "\n" + resp.Status + "\n" + resp.Header.Get("Content-Type") + "\n")
			if after := resp.Header.Get("Retry-After"); after != "" {
				got.WriteString("Retry-After: " + after + "\n")
			}
			got.WriteString("\n" + strings.TrimRight(text(t, resp), "\n") + "\n\n")
		}
		golden(t, p.name+".golden", got.String())
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; it would be\n%s", name, got)
	}
}

func TestEveryProtocolRefusesWhatTheVendorRefuses(t *testing.T) {
	tests := []struct {
		name, path, body string
		status           int
	}{
		{"messages without a bound", "/v1/messages", `{"model":"m","messages":[{"role":"user","content":"x"}]}`, 400},
		{"messages without a model", "/v1/messages", `{"max_tokens":9,"messages":[{"role":"user","content":"x"}]}`, 400},
		{"no messages", "/v1/messages", `{"model":"m","max_tokens":9}`, 400},
		{"messages that are no JSON", "/v1/messages", `{`, 400},
		{"no contents", "/v1beta/models/m:generateContent", `{}`, 400},
		{"no model", "/v1beta/models/:generateContent", `{"contents":[{"parts":[{"text":"x"}]}]}`, 400},
		{"a stream that is not SSE", "/v1beta/models/m:streamGenerateContent", `{"contents":[{"parts":[{"text":"x"}]}]}`, 400},
		{"another method", "/v1beta/models/m:countTokens", `{}`, 404},
	}
	_, server := start(t, llmsim.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := protocol{whole: [2]string{tt.path, tt.body}, header: [2]string{"anthropic-version", "2023-06-01"}}
			resp := p.call(t, t.Context(), server, false)
			defer resp.Body.Close()
			var reply struct{ Error struct{ Message string } }
			if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || resp.StatusCode != tt.status || reply.Error.Message == "" {
				t.Errorf("reply = %d %+v, %v, want status %d and a message", resp.StatusCode, reply, err, tt.status)
			}
		})
	}
	t.Run("messages without a version", func(t *testing.T) {
		p := protocols[1]
		p.header = [2]string{}
		resp := p.call(t, t.Context(), server, false)
		if body := text(t, resp); resp.StatusCode != 400 || !strings.Contains(body, "anthropic-version") {
			t.Errorf("reply = %d %s", resp.StatusCode, body)
		}
	})
}
