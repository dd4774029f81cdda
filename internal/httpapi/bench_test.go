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
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

// quiet observes nothing.
type quiet struct{}

func (quiet) InFlight(int)                               {}
func (quiet) RateLimited(string, string)                 {}
func (quiet) StreamAborted(string)                       {}
func (quiet) Request(string, string, int, time.Duration) {}
func (quiet) Error(context.Context, error)               {}

// sink is a reply that nobody reads.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// BenchmarkQueryHit is the edge's own cost of an answer from the cache: decode,
// encode, one log line; no network.
func BenchmarkQueryHit(b *testing.B) {
	hit := answer()
	hit.CacheTier = desk.TierMemory
	api := httpapi.New(httpapi.Config{Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}, says(hit), quiet{})
	const body = `{"question":"How long do I have to return an order?","user_id":"u_42"}`
	w := &sink{header: http.Header{}}
	req := httptest.NewRequest(http.MethodPost, "/query", http.NoBody)
	req.Header.Set("Content-Type", "application/json")
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		api.Handler().ServeHTTP(w, req)
	}
	if w.status != http.StatusOK {
		b.Fatalf("status = %d", w.status)
	}
}

// FuzzQueryBody holds that no body is our fault, that what is refused is
// refused in full, and that what is accepted means what encoding/json says.
func FuzzQueryBody(f *testing.F) {
	for _, seed := range []string{
		`{"question":"怎么退货？","user_id":null,"stream":false}`, `{"question":"hi","stream":true}`, `{"question":1e999}`, `{"question":"\ud800"}`,
		`{"a":{"b":[{}]}}`, `[]`, `{}`, ``, "null", `{"question":"hi"}}`, "{\"\xff\":1}", `{"question":"hi" "model":"x"}`, `{"question":{"question":"hi"}}`,
		strings.Repeat(`{"question":`, 2000), `{"question":"` + "\u202e" + `"}`,
	} {
		f.Add([]byte(seed))
	}
	var asked desk.Ask
	api := httpapi.New(httpapi.Config{Logger: quietLog}, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		asked = ask
		return answer(), nil
	}), quiet{})
	f.Fuzz(func(t *testing.T, body []byte) {
		req := httptest.NewRequest(http.MethodPost, "/query", bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := patientWriter{httptest.NewRecorder()}
		api.Handler().ServeHTTP(w, req)
		switch {
		case w.Code == http.StatusOK:
			var want struct{ Question string }
			if err := json.Unmarshal(body, &want); err != nil || asked.Text != want.Question {
				t.Errorf("accepted %q as %q, want %q (%v)", body, asked.Text, want.Question, err)
			}
		case w.Code >= http.StatusInternalServerError:
			t.Errorf("%q = %d %s", body, w.Code, w.Body)
		default:
			var p problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code == "" || p.Detail == "" || p.Status != w.Code {
				t.Errorf("%q = %d %s (%v), want a problem", body, w.Code, w.Body, err)
			}
		}
	})
}
