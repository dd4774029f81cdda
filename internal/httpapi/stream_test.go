package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

const streamed = `{"question":"?","stream":true}`

// composes emits what the pipeline emits, then ends with err.
func composes(a desk.Answer, err error) answererFunc {
	return func(_ context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		a.Handoff = &desk.Handoff{Reason: desk.HandoffRequested, Contact: desk.Contact{URL: "https://shop.example.com/help", Message: "Talk to us."}}
		for _, e := range []desk.Event{
			{Type: desk.EventMeta, Answer: &a},
			{Type: desk.EventGuard, Verdict: &desk.Verdict{Stage: "question", Action: desk.Care, Rule: "override", Enforced: true}},
			{Type: desk.EventStatus, Text: "search"},
			{Type: desk.EventDelta, Text: "30 days\n"},
			{Type: desk.EventDelta, Text: "包邮 <b>"},
			{Type: desk.EventCitation, Citation: &a.Citations[0]},
			{Type: desk.EventHandoff, Handoff: a.Handoff},
			{Type: desk.EventUsage, Answer: &a},
			{Type: desk.EventDone, Answer: &a}, // not sent: the finished answer follows
		} {
			if emitErr := emit(e); emitErr != nil {
				return desk.Answer{}, emitErr
			}
		}
		return a, err
	}
}

// TestStreams holds whole streams against testdata/streams.golden.
func TestStreams(t *testing.T) {
	hit := answer()
	hit.CacheTier = desk.TierRedis
	golden := &strings.Builder{}
	for _, tt := range []struct {
		name     string
		answerer answererFunc
	}{
		{"composed", composes(answer(), nil)},
		{"from the cache", composes(hit, nil)},
		{"a failure after the first event", composes(answer(), &desk.Error{Kind: desk.Unavailable, Code: "models_unavailable", Err: errors.New("hunter2")})},
		{"no event before the answer", says(answer())},
	} {
		r := serve(t, httpapi.Config{}, tt.answerer).query(t, streamed, "X-Request-Id", "req_test")
		if ct := r.Header.Get("Content-Type"); r.StatusCode != http.StatusOK || ct != "text/event-stream" {
			t.Errorf("%s: %d %s, want an event stream", tt.name, r.StatusCode, ct)
		}
		fmt.Fprintf(golden, "# %s\n%s", tt.name, r.body)
	}
	const file = "testdata/streams.golden"
	if *update {
		if err := os.WriteFile(file, []byte(golden.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != golden.String() {
		t.Errorf("streams differ from %s (%v); got:\n%s", file, err, golden)
	}
}

func TestStreamIsAskedForByHeaderToo(t *testing.T) {
	r := serve(t, httpapi.Config{}, says(answer())).query(t, `{"question":"?"}`, "Accept", "text/event-stream, */*")
	if ct := r.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("Content-Type = %q, want an event stream", ct)
	}
}

func TestFailureBeforeTheFirstEventIsAProblem(t *testing.T) {
	f := serve(t, httpapi.Config{}, failsWith(&desk.Error{Kind: desk.Invalid, Code: "question_empty", Field: "question"}))
	if p := f.query(t, streamed).problem(t); p.Status != http.StatusBadRequest || p.Field != "question" {
		t.Errorf("problem = %+v, want 400 on question", p)
	}
}

func TestFailureOfAStreamIsLoggedAsAnError(t *testing.T) {
	f := serve(t, httpapi.Config{}, composes(answer(), errors.New("the cause")))
	f.query(t, streamed)
	if log := f.log.String(); !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "the cause") || len(f.observer.errors) != 1 {
		t.Errorf("log = %s, %d errors observed, want one of each", log, len(f.observer.errors))
	}
}

func TestPanicWithinAStreamCutsTheConnection(t *testing.T) {
	f := serve(t, httpapi.Config{}, answererFunc(func(_ context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		_ = emit(desk.Event{Type: desk.EventDelta, Text: "half"})
		panic("boom")
	}))
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL+"/query", strings.NewReader(streamed))
	req.Header.Set("Content-Type", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v, want a cut stream", b, err)
	}
}

func TestEventsArriveOneByOneAndLeavingEndsTheWork(t *testing.T) {
	next, ended := make(chan struct{}), make(chan error, 1)
	f := serve(t, httpapi.Config{}, answererFunc(func(ctx context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		_ = emit(desk.Event{Type: desk.EventDelta, Text: "one"})
		<-next
		_ = emit(desk.Event{Type: desk.EventDelta, Text: "two"})
		<-ctx.Done()
		ended <- ctx.Err()
		return desk.Answer{}, ctx.Err()
	}))
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, f.URL+"/query", strings.NewReader(streamed))
	req.Header.Set("Content-Type", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	expectLine(t, lines, `data: {"text":"one"}`) // the second is not there yet
	close(next)
	expectLine(t, lines, `data: {"text":"two"}`)
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the answerer's context = %v, want canceled", err)
	}
}

func expectLine(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	for lines.Scan() {
		if lines.Text() == want {
			return
		}
	}
	t.Fatalf("stream ended (%v) before %s", lines.Err(), want)
}

// patientWriter is a connection on which deadlines mean nothing.
type patientWriter struct{ *httptest.ResponseRecorder }

func (patientWriter) SetWriteDeadline(time.Time) error { return nil }

func TestSilentStreamIsKeptAliveByComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := httpapi.New(httpapi.Config{Logger: quietLog}, answererFunc(func(_ context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
			time.Sleep(20 * time.Second) // of the bubble's clock: nothing may be written yet
			_ = emit(desk.Event{Type: desk.EventStatus, Text: "search"})
			time.Sleep(30 * time.Second)
			return answer(), nil
		}), &observed{})
		req := httptest.NewRequest(http.MethodPost, "/query", strings.NewReader(streamed))
		req.Header.Set("Content-Type", "application/json")
		w := patientWriter{httptest.NewRecorder()}
		api.Handler().ServeHTTP(w, req)
		parts := strings.Split(w.Body.String(), "\n\n")
		if len(parts) != 5 || !strings.HasPrefix(parts[0], "id: 1\nevent: status") || parts[1] != ": still here" || parts[2] != ": still here" || !strings.HasPrefix(parts[3], "id: 2\nevent: done") {
			t.Errorf("stream = %q, want status, two comments and done", parts)
		}
	})
}

func TestReaderThatStopsReadingIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, seen := make(chan error, 1), &observed{}
		api := httpapi.New(httpapi.Config{Logger: quietLog}, answererFunc(func(_ context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
			for {
				if err := emit(desk.Event{Type: desk.EventDelta, Text: strings.Repeat("x", 1<<10)}); err != nil {
					gone <- err
					return desk.Answer{}, err
				}
			}
		}), seen)
		ln := &pipeListener{conns: make(chan net.Conn, 1)}
		server, client := net.Pipe()
		ln.conns <- server
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- httpapi.Serve(ctx, ln, api.Handler(), httpapi.ServerConfig{Grace: time.Second}) }()

		began := time.Now()
		fmt.Fprintf(client, "POST /query HTTP/1.1\r\nHost: kefu\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(streamed), streamed)
		if err := <-gone; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("emit = %v, want the deadline", err)
		}
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("cut off after %s, want 15s", took)
		}
		client.Close()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if want := []string{"slow_reader"}; !slices.Equal(seen.aborted, want) {
			t.Errorf("observed %v, want %v", seen.aborted, want)
		}
	})
}
