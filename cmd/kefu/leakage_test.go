package main_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// unsayable are credentials that a customer or operator may paste, beside what
// personal holds.
var unsayable = map[string]string{
	"a vendor's key":     "sk-proj-Zq8WvT2nLr5KxJ7mHd3FbY9cPs4GtA6e",
	"a cloud's key":      "AKIAQ7WN4ZK2XH5TJM3R",
	"a token":            "ghp_k3JvQ9zXw7LmT2bRn8YcHs5DfGp4aEoU6iVt",
	"a password":         "password is Tr0ub4dor&3!",
	"a private key":      "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----",
	"a signed token":     "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE4MDAwMDAwMDB9.Vn2Xk9QwTz5LrJ8mHd3FbY7cPs4GtA6eZq1WvK0xNuE",
	"an account number":  "DE89 3704 0044 0532 0130 00",
	"a passport":         "护照号E83746152",
	"an address":         "203.0.113.77",
	"a database's login": "postgres://ann:Wq7zLm2Kx9@db.example.org/shop",
}

// betrays are the parts of a value that must be nowhere.
func betrays(value string) []string {
	for _, said := range []string{"password is ", "护照号"} {
		value = strings.TrimPrefix(value, said)
	}
	if _, login, found := strings.Cut(value, "://ann:"); found {
		value, _, _ = strings.Cut(login, "@")
	}
	quoted, _ := json.Marshal(value)
	return []string{value, strings.Trim(string(quoted), `"`), url.QueryEscape(value), url.PathEscape(value), strings.ReplaceAll(value, " ", "")}
}

// sentry keeps what it is sent.
type sentry struct {
	*httptest.Server
	mu  sync.Mutex
	got strings.Builder
}

func newSentry(t *testing.T) *sentry {
	t.Helper()
	s := &sentry{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		raw, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprintln(&s.got, r.URL, r.Header, string(raw))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sentry) received() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

// failing are requests that end in an error, whatever value they hold.
func failing(value string) []func(base string) (*http.Request, error) {
	quoted, _ := json.Marshal(value)
	text := string(quoted)
	post := func(path, contentType, body string) func(string) (*http.Request, error) {
		return func(base string) (*http.Request, error) {
			r, err := http.NewRequest(http.MethodPost, base+path, strings.NewReader(body))
			if err == nil {
				r.Header.Set("Content-Type", contentType)
			}
			return r, err
		}
	}
	get := func(path string, header ...string) func(string) (*http.Request, error) {
		return func(base string) (*http.Request, error) {
			r, err := http.NewRequest(http.MethodGet, base+path, http.NoBody)
			if err == nil && len(header) == 2 {
				r.Header.Set(header[0], strings.ReplaceAll(header[1], "\n", ""))
			}
			return r, err
		}
	}
	const asJSON = "application/json"
	return []func(string) (*http.Request, error){
		post("/query", asJSON, `{"question":`+text), // half an object
		post("/query", asJSON, `{"question":`+text+`,"temperature":`+text+`}`),
		post("/query", asJSON, `{"question":["`+strings.Trim(text, `"`)+`"]}`),
		post("/query", asJSON, `{"question":"\u0007 `+strings.Trim(text, `"`)+`"}`),
		post("/query", asJSON, `{"question":"`+strings.Repeat("x", 4100)+strings.Trim(text, `"`)+`"}`),
		post("/query", asJSON, `{"question":"hi","model":`+text+`}`),
		post("/query", asJSON, `{"question":"hi","conversation_id":`+strings.Repeat(" ", 300_000)+text+`}`),
		post("/query", "text/plain; charset="+url.QueryEscape(value), text),
		post("/v1/chat/completions", asJSON, `{"model":`+text+`,"messages":[{"role":"user","content":`+text+`}]}`),
		post("/v1/chat/completions", asJSON, `{"model":"kefu-auto","messages":[{"role":`+text+`,"content":`+text+`}]}`),
		post("/v1/answers/"+url.PathEscape(value)+"/feedback", asJSON, `{"rating":"down","comment":`+text+`}`),
		post("/v1/documents", asJSON, `{"name":`+text+`,"text":`+text+`}`), // without a key
		get("/" + url.PathEscape(value)),
		get("/v1/users/" + url.PathEscape(value)),
		get("/v1/conversations/" + url.PathEscape(value) + "?user_id=" + url.QueryEscape(value)),
		get("/query?question=" + url.QueryEscape(value)),
		get("/v1/documents", "Authorization", "Bearer "+value),
		get("/v1/documents", "Traceparent", value),
		get("/v1/documents", "Cookie", "session="+url.QueryEscape(value)),
	}
}

// TestLeakageOnEveryFailingPathNothingOfTheAskerIsTold sends personal data and
// credentials down the paths that end in an error: the edge refuses, the
// provider fails in each of its ways, or both.
func TestLeakageOnEveryFailingPathNothingOfTheAskerIsTold(t *testing.T) {
	t.Parallel()
	vendor, errs := e2e.NewVendor(t, llmsim.Config{}), newSentry(t)
	dsn := strings.Replace(errs.URL, "http://", "http://public@", 1) + "/1"
	site := newShop(t, append(vendor.Env(), "SENTRY_DSN="+dsn, "KEFU_SENTRY_TRACES_SAMPLE_RATE=1", "KEFU_LOG_LEVEL=debug",
		"KEFU_LIMIT_REQUESTS_PER_MINUTE=0", "KEFU_LIMIT_ADDRESS_REQUESTS_PER_MINUTE=0", "KEFU_ANSWER_DEADLINE=3s", "KEFU_MODELS_TIMEOUT=300ms", "KEFU_MODELS_BACKOFF=1ms")...)
	site.Write("kefu.yaml", "chains: {simple: [gpt-6-luna], complex: [gpt-6.1-terra]}\nmodels: {gpt-6-luna: {provider: openai}, gpt-6.1-terra: {provider: openai}}\n")
	server := site.Serve()

	values := maps.Clone(personal)
	maps.Copy(values, unsayable)
	told := &strings.Builder{} // whatever a caller is told of a failure
	everything := "Compare the return periods of headphones and of lamps, please. I am "
	for _, value := range values {
		everything += value + " ; "
		for _, make := range failing(value) {
			req, err := make(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := server.Client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode < http.StatusBadRequest {
				t.Errorf("%s %s: %d %s %v, want an error", req.Method, req.URL.Path, resp.StatusCode, raw, err)
			}
			fmt.Fprintln(told, resp.StatusCode, resp.Header, string(raw))
		}
	}
	for _, behaviour := range []llmsim.Config{
		{Failures: llmsim.Failures{"500": 1}},
		{Failures: llmsim.Failures{"invalid_api_key": 1}},
		{Failures: llmsim.Failures{"429": 1}},
		{HTML: 1},
		{Truncate: 1},
		{Disconnect: 1},
		{Hang: 1},
	} {
		vendor.Behave(behaviour)
		for _, stream := range []bool{false, true} {
			body, err := json.Marshal(map[string]any{"question": everything, "stream": stream})
			if err != nil {
				t.Fatal(err)
			}
			status, reply, err := server.Post(t.Context(), "application/json", body)
			if err != nil || status < http.StatusBadRequest && !strings.Contains(string(reply), "event: error") {
				t.Errorf("%+v: %d %s %v, want an error", behaviour, status, reply, err)
			}
			fmt.Fprintln(told, status, string(reply))
		}
	}
	_, metrics := server.Get("/metrics")
	server.Stop()
	places := map[string]string{
		"a reply": told.String(), "the log": server.Log.String(), "the metrics": metrics, "Sentry, traces included": errs.received(), "the provider": vendor.Received(),
	}
	for place, content := range places {
		if content == "" {
			t.Errorf("%s holds nothing at all", place)
		}
		for what, value := range values {
			for _, form := range betrays(value) {
				if at := strings.Index(content, form); at >= 0 {
					t.Errorf("%s holds %s: …%s…", place, what, content[max(0, at-200):min(len(content), at+len(form)+20)])
					break
				}
			}
		}
	}
	for line := range strings.Lines(server.Log.String()) {
		if strings.HasPrefix(line, "{") && !json.Valid([]byte(line)) {
			t.Errorf("no line of JSON: %s", line)
		}
	}
}
