package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

// ended drops everybody who listens.
type ended struct{}

func (ended) Listen() (<-chan desk.OpsEvent, func(), error) {
	events := make(chan desk.OpsEvent)
	close(events)
	return events, func() {}, nil
}

// happening is told by the test.
type happening struct {
	events  chan desk.OpsEvent
	err     error
	stopped chan struct{}
}

func newHappening() *happening {
	return &happening{events: make(chan desk.OpsEvent), stopped: make(chan struct{})}
}

func (h *happening) Listen() (<-chan desk.OpsEvent, func(), error) {
	return h.events, func() { close(h.stopped) }, h.err
}

// keyring knows one administrator's key until it is revoked.
type keyring struct {
	httpapi.Keys
	revoked chan struct{}
}

func newKeyring() keyring {
	return keyring{access.New(nil, strings.Repeat("k", 32), quietLog), make(chan struct{})}
}

func (k keyring) Key(_ context.Context, secret string) (desk.Key, error) {
	select {
	case <-k.revoked:
	default:
		if secret == "good" {
			return desk.Key{ID: "key_1", Tenant: desk.DefaultTenant, Role: desk.RoleAdmin}, nil
		}
	}
	return desk.Key{}, &desk.Error{Kind: desk.Unauthorised, Code: "key_invalid", Public: "This key is not valid."}
}

// pipe is a response that is read while it is written.
type pipe struct {
	*httptest.ResponseRecorder
	w *io.PipeWriter
}

func (p pipe) Write(b []byte) (int, error)      { return p.w.Write(b) }
func (p pipe) FlushError() error                { return nil }
func (p pipe) SetWriteDeadline(time.Time) error { return nil }

// listenTo asks for the events of h, as they are written.
func listenTo(t *testing.T, ctx context.Context, api *httpapi.API) (lines func() string, done chan struct{}) {
	t.Helper()
	r, w := io.Pipe()
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/ops/events", nil)
	req.Header.Set("Authorization", "Bearer good")
	done = make(chan struct{})
	go func() {
		defer close(done)
		defer w.Close()
		api.Handler().ServeHTTP(pipe{httptest.NewRecorder(), w}, req)
	}()
	in := bufio.NewReader(r)
	return func() string {
		var frame strings.Builder
		for {
			line, err := in.ReadString('\n')
			if err != nil || line == "\n" {
				return frame.String()
			}
			if !strings.HasPrefix(line, "id: ") {
				frame.WriteString(line)
			}
		}
	}, done
}

func TestEventsAreStreamedAsTheyHappenUntilTheEnd(t *testing.T) {
	at := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		end  func(h *happening, keys keyring, api *httpapi.API, leave func())
		want string
	}{
		"of a slow reader": {func(h *happening, _ keyring, _ *httpapi.API, _ func()) { close(h.events) }, "event: end\ndata: {\"reason\":\"slow\"}\n"},
		"of the process":   {func(_ *happening, _ keyring, api *httpapi.API, _ func()) { api.Drain() }, "event: end\ndata: {\"reason\":\"shutdown\"}\n"},
		"of the hour":      {func(*happening, keyring, *httpapi.API, func()) {}, "event: end\ndata: {\"reason\":\"time\"}\n"},
		"of the key":       {func(_ *happening, keys keyring, _ *httpapi.API, _ func()) { close(keys.revoked) }, `"code":"key_invalid"`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, keys := newHappening(), newKeyring()
				api := httpapi.New(httpapi.Config{Keys: keys, Happenings: h, Logger: quietLog}, says(answer()), &observed{})
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				next, done := listenTo(t, ctx, api)
				if got := next(); !strings.HasPrefix(got, "event: begin\ndata: {\"at\":") {
					t.Errorf("first = %q", got)
				}
				h.events <- desk.OpsEvent{Kind: desk.OpsBreaker, At: at, Provider: "openai", State: "open"}
				if got, want := next(), "event: breaker\ndata: {\"at\":\"2026-11-27T10:00:00Z\",\"provider\":\"openai\",\"state\":\"open\"}\n"; got != want {
					t.Errorf("event = %q, want %q", got, want)
				}
				if got := next(); got != ": still here\n" {
					t.Errorf("in silence = %q", got)
				}
				began := time.Now()
				go tt.end(h, keys, api, leave)
				got := next()
				for ; strings.HasPrefix(got, ":"); got = next() {
					continue
				}
				if !strings.Contains(got, tt.want) {
					t.Errorf("last = %q, want %q", got, tt.want)
				}
				if took := time.Since(began); name == "of the key" && took > 5*time.Second {
					t.Errorf("it still listened %s after its key had ended", took)
				}
				<-done
				<-h.stopped
			})
		})
	}
}

func TestAListenerThatLeavesIsForgotten(t *testing.T) {
	h := newHappening()
	api := httpapi.New(httpapi.Config{Keys: newKeyring(), Happenings: h, Logger: quietLog}, says(answer()), &observed{})
	ctx, leave := context.WithCancel(t.Context())
	next, done := listenTo(t, ctx, api)
	next()
	leave()
	next() // what is written to one who left
	<-done
	<-h.stopped
}

func TestWhereTooManyListenItIsAProblem(t *testing.T) {
	h := newHappening()
	h.err = &desk.Error{Kind: desk.Unavailable, Code: "too_many_listeners", RetryAfter: 30 * time.Second, Public: "Too many.", Err: errors.New("17")}
	f := serve(t, httpapi.Config{Keys: newKeyring(), Happenings: h}, says(answer()))
	r := f.do(t, "GET", "/ops/events", "", "Authorization", "Bearer good")
	if p := r.problem(t); p.Code != "too_many_listeners" || p.Status != 503 || r.Header.Get("Retry-After") != "30" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}
