package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kefu/internal/access"
	"kefu/internal/httpapi"
)

func TestWithoutKeysNoNameOfTheInternetIsAnswered(t *testing.T) {
	keyless := access.New(nil, "", quietLog)
	if err := keyless.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	api := httpapi.New(httpapi.Config{Keys: keyless, Metrics: metrics, Logger: quietLog}, says(answer()), &observed{})
	for host, want := range map[string]int{
		"127.0.0.1:8000": 200, "localhost:8000": 200, "LOCALHOST": 200, "localhost.": 200, "[::1]:8000": 200, "127.8.9.1": 200, "kefu.localhost:8000": 200, "": 200, "kefu:8000": 200, "192.168.1.2:8000": 200,
		"evil.example": 403, "evil.example:8000": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example:8000": 403, "evil.example.": 403, "EVIL.EXAMPLE": 403,
	} {
		for _, path := range []string{"/query", "/v1/models", "/metrics"} {
			r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
			if path == "/query" {
				r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"question":"hi"}`))
				r.Header.Set("Content-Type", "application/json")
			}
			r.Host = host
			w := httptest.NewRecorder()
			api.Handler().ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s of %q = %d %s, want %d", path, host, w.Code, w.Body, want)
			}
			if want == http.StatusForbidden && !strings.Contains(w.Body.String(), "host_foreign") {
				t.Errorf("%s of %q says %s", path, host, w.Body)
			}
		}
	}
}

func TestWithAKeyTheNameOfTheServerIsItsOwn(t *testing.T) {
	o := newOffice(t, says(answer()))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.URL+"/v1/models", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "help.example.com"
	r.Header.Set("X-Api-Key", o.keys["ask"])
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		t.Errorf("status = %d, want 200", reply.StatusCode)
	}
}
