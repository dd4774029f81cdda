package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

func TestAStreamThatEndsEarlyIsCountedByWhy(t *testing.T) {
	fails := func(kind desk.Kind) answererFunc {
		return composes(answer(), &desk.Error{Kind: kind, Code: "code", Err: errors.New("hunter2")})
	}
	begins := func(then func(ctx context.Context, leave func()) error) func(leave func()) answererFunc {
		return func(leave func()) answererFunc {
			return func(ctx context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
				_ = emit(desk.Event{Type: desk.EventDelta, Text: "30 days"})
				return answer(), then(ctx, leave)
			}
		}
	}
	always := func(f answererFunc) func(func()) answererFunc { return func(func()) answererFunc { return f } }
	for _, tt := range []struct {
		name     string
		answerer func(leave func()) answererFunc
		want     string // empty: not counted
	}{
		{"whole", always(composes(answer(), nil)), ""},
		{"a failure before the first event", always(failsWith(errors.New("hunter2"))), ""},
		{"the provider fails", always(fails(desk.Unavailable)), "provider"},
		{"the provider refuses", always(fails(desk.Invalid)), "provider"},
		{"out of time", always(fails(desk.TimedOut)), "timed_out"},
		{"out of money", always(fails(desk.OverBudget)), "budget"},
		{"our mistake", always(composes(answer(), errors.New("hunter2"))), "internal"},
		{"a panic", begins(func(context.Context, func()) error { panic("boom") }), "internal"},
		{"the client leaves", begins(func(ctx context.Context, leave func()) error {
			leave()
			<-ctx.Done()
			return ctx.Err()
		}), "client_gone"},
		{"the client leaves before the last event", begins(func(ctx context.Context, leave func()) error {
			leave()
			<-ctx.Done()
			return nil
		}), "client_gone"},
	} {
		for path, body := range map[string]string{
			"/query":               streamed,
			"/v1/chat/completions": `{"stream":true,"messages":[{"role":"user","content":"?"}]}`,
		} {
			t.Run(tt.name+" "+path, func(t *testing.T) {
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				f := serve(t, httpapi.Config{}, tt.answerer(leave))
				req, _ := http.NewRequestWithContext(ctx, http.MethodPost, f.URL+path, strings.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				if resp, err := f.client.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body) // its end is another test's
					resp.Body.Close()
				}
				f.Close() // waits for the handler
				var want []string
				if tt.want != "" {
					want = []string{tt.want}
				}
				if !slices.Equal(f.observer.aborted, want) {
					t.Errorf("observed %v, want %v", f.observer.aborted, want)
				}
			})
		}
	}
}
