package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestBadInputIsAProblemWithACodeAndAField(t *testing.T) {
	t.Parallel()
	server := newShop(t, "KEFU_HTTP_MAX_BODY_BYTES=32768").Serve()
	question := func(text string) string { return `{"question":"` + text + `"}` }
	const asJSON = "application/json"
	for _, tt := range []struct {
		name, contentType, body string
		status                  int
		code, field             string
	}{
		{"no body", asJSON, "", 400, "invalid_json", ""},
		{"half an object", asJSON, `{"question":"hi"`, 400, "invalid_json", ""},
		{"no JSON", asJSON, `question=hi`, 400, "invalid_json", ""},
		{"two objects", asJSON, question("hi") + question("you"), 400, "trailing_data", ""},
		{"an array", asJSON, `["hi"]`, 400, "wrong_type", ""},
		{"null", asJSON, `null`, 400, "wrong_type", ""},
		{"a number for a question", asJSON, `{"question":5}`, 400, "wrong_type", "question"},
		{"null for a question", asJSON, `{"question":null}`, 400, "question_empty", "question"},
		{"a list for a user", asJSON, `{"question":"hi","user_id":["a"]}`, 400, "wrong_type", "user_id"},
		{"a word for a switch", asJSON, `{"question":"hi","stream":"yes"}`, 400, "wrong_type", "stream"},
		{"an unknown field", asJSON, `{"question":"hi","temperature":2}`, 400, "unknown_field", "temperature"},
		{"a field in capitals", asJSON, `{"Question":"hi"}`, 400, "unknown_field", "Question"},
		{"a field twice", asJSON, `{"question":"hi","question":"you"}`, 400, "duplicate_field", "question"},
		{"no question", asJSON, `{}`, 400, "question_empty", "question"},
		{"an empty question", asJSON, question(""), 400, "question_empty", "question"},
		{"a blank question", asJSON, question(` \n\t　 `), 400, "question_empty", "question"},
		{"a question of what cannot be seen", asJSON, question(`\u200b \u200d\ufeff`), 400, "question_empty", "question"},
		{"4,001 characters", asJSON, question(strings.Repeat("退", 4001)), 400, "question_too_long", "question"},
		{"invalid UTF-8", asJSON, question("caf\xe9"), 400, "invalid_utf8", "question"},
		{"control characters", asJSON, question(`bell \u0007`), 400, "question_control_characters", "question"},
		{"a NUL", asJSON, question(`a\u0000b`), 400, "question_control_characters", "question"},
		{"control characters in a name", asJSON, `{"question":"hi","user_id":"a\u0001"}`, 400, "control_characters", "user_id"},
		{"a long name", asJSON, `{"question":"hi","conversation_id":"` + strings.Repeat("c", 129) + `"}`, 400, "value_too_long", "conversation_id"},
		{"an unknown model", asJSON, `{"question":"` + simpleEN + `","model":"gpt-9"}`, 400, "unknown_model", "model"},
		{"an unknown model for what no model is asked", asJSON, `{"question":"I want to talk to a person","model":"gpt-9"}`, 400, "unknown_model", "model"},
		{"an unknown provider", asJSON, `{"question":"` + simpleEN + `","provider":"acme"}`, 400, "unknown_provider", "provider"},
		{"a form", "application/x-www-form-urlencoded", "question=hi", 415, "unsupported_media_type", ""},
		{"no content type", "", question("hi"), 415, "unsupported_media_type", ""},
		{"a giant body", asJSON, question(strings.Repeat("x", 40_000)), 413, "body_too_large", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, reply, err := server.Post(t.Context(), tt.contentType, []byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			checkProblem(t, status, reply, tt.status, tt.code, tt.field)
		})
	}
	for _, ok := range []string{question(strings.Repeat("退", 4000)), question(`line one\nline two\r\n\tthree`), question("😀🇩🇪 hello"), `{"question":"hi","user_id":""}`} {
		if status, reply, err := server.Post(t.Context(), "application/json; charset=utf-8", []byte(ok)); err != nil || status != 200 {
			t.Errorf("%.60s: status %d %v, want 200\n%s", ok, status, err, reply)
		}
	}
	for path, want := range map[string]int{"/query": http.StatusMethodNotAllowed, "/nothing": http.StatusNotFound, "/query/": http.StatusNotFound} {
		if status, body := server.Get(path); status != want || !strings.Contains(body, `"code":"`) {
			t.Errorf("GET %s: %d %s, want %d", path, status, body, want)
		}
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}

func checkProblem(t *testing.T, status int, reply []byte, wantStatus int, code, field string) {
	t.Helper()
	var p struct {
		Type, Title, Code, Detail, Field string
		Status                           int
		RequestID                        string `json:"request_id"`
		Retryable                        bool
	}
	if err := json.Unmarshal(reply, &p); err != nil {
		t.Fatalf("%v: %s", err, reply)
	}
	if status != wantStatus || p.Status != wantStatus || p.Code != code || p.Field != field {
		t.Errorf("status %d, %+v, want %d %s %q", status, p, wantStatus, code, field)
	}
	if p.Type == "" || p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.RequestID, "req_") || p.Retryable {
		t.Errorf("an incomplete problem: %s", reply)
	}
}

func TestACallerNeedsTheKeyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef0123456789abcdef"
	site := newShop(t, "KEFU_API_KEY="+key)
	server := site.Serve()
	holds(t, "the welcome", server.Log.Await(t, "curl -s"), "$KEFU_API_KEY")
	for _, tt := range []struct {
		header string
		status int
		code   string
	}{
		{"", 401, "key_missing"},
		{"Bearer wrong", 401, "key_invalid"},
		{"Bearer " + key, 200, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/query", strings.NewReader(`{"question":"hello"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if tt.header != "" {
			req.Header.Set("Authorization", tt.header)
		}
		resp, err := server.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(raw), tt.code) {
			t.Errorf("%q: status %d, %s, want %d %s", tt.header, resp.StatusCode, raw, tt.status, tt.code)
		}
	}
	if status, _ := server.Get("/metrics"); status != 401 {
		t.Errorf("/metrics without the key: status %d, want 401", status)
	}
	if status, _ := server.Get("/health"); status != 200 {
		t.Errorf("/health without the key: status %d, want 200", status)
	}
	holds(t, "kefu ask with the key", site.Must("ask", "--server", server.URL, simpleEN), "30 days")
	if r := site.With("KEFU_API_KEY=").Run("ask", "--server", server.URL, simpleEN); r.Code != 5 || !strings.Contains(r.Stderr, "KEFU_API_KEY") {
		t.Errorf("kefu ask without the key: exit status %d, %s, want 5 and the variable", r.Code, r.Stderr)
	}
	if strings.Contains(server.Log.String(), key) {
		t.Error("the log holds the key")
	}
}
