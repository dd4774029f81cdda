package main_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// brokenOff fails the test unless a stream told a part of the answer and then
// that this is not all.
func brokenOff(t *testing.T, what string, told e2e.Told, err error) {
	t.Helper()
	switch {
	case err != nil || told.Done != nil || told.Failed == nil || told.Types[len(told.Types)-1] != "error":
		t.Errorf("%s: %+v %v, want an error event at the end", what, told, err)
	case told.Text == "" || !strings.HasPrefix(thirtyDays, told.Text):
		t.Errorf("%s: told %q, want the beginning of %q", what, told.Text, thirtyDays)
	case told.Failed.Code == "" || told.Failed.Detail == "":
		t.Errorf("%s: failed with %+v, want a code and words", what, told.Failed)
	}
}

// aborted fails the test unless so many streams are counted as ended early, all
// for one reason.
func (s *faultyShop) aborted(reason string, want float64) {
	s.t.Helper()
	for _, r := range []string{"client_gone", "slow_reader", "provider", "timed_out", "budget", "internal", "other"} {
		n := s.metric(fmt.Sprintf("http_stream_aborted_total{reason=%q}", r))
		if r == reason && n != want || r != reason && n != 0 {
			s.t.Errorf("%v streams are counted as ended by %s, want %v by %s alone", n, r, want, reason)
		}
	}
}

// composedAnew fails the test unless a question whose stream broke off is now
// answered whole, and not from the cache.
func (s *faultyShop) composedAnew(question string) {
	s.t.Helper()
	told, err := s.Stream(s.t.Context(), question, nil)
	if err != nil || told.Done == nil || told.Done.CacheHit || told.Text != thirtyDays {
		s.t.Errorf("asked again: %+v %v, want a whole answer that was not cached", told, err)
	}
}

func silentStream(t *testing.T) {
	s := newFaultyShop(t, "KEFU_MODELS_IDLE="+idleLimit.String())
	for name, fall := range map[string]func(*e2e.Told){
		"but for keep-alives": nil,
		"altogether":          func(*e2e.Told) { s.network.Hang() },
	} {
		question := s.question()
		script(t, s.first, llmsim.Step{Fault: "stall", CutAfter: 3})
		var began atomic.Int64
		told, err := s.Stream(t.Context(), question, func(e e2e.Event) {
			if e.Type == "delta" && began.Swap(time.Now().UnixNano()) == 0 && fall != nil {
				fall(nil)
			}
		})
		brokenOff(t, name, told, err)
		if silence := time.Since(time.Unix(0, began.Load())); s.site.Late(silence, idleLimit+time.Second+busy) {
			t.Errorf("%s: silent for %v, want at most %v", name, silence, idleLimit+time.Second)
		}
		s.givenUp()
		s.network.Link()
		s.composedAnew(question)
	}
	s.recovers()
}

func drippingStream(t *testing.T) {
	const deadline = 2 * time.Second * e2e.Slowdown
	s := newFaultyShop(t, "KEFU_ANSWER_DEADLINE="+deadline.String(), "KEFU_MODELS_TIMEOUT="+(deadline/2).String(), "KEFU_MODELS_IDLE="+deadline.String())
	long := llmsim.Config{Length: 400}
	if err := long.TokenInterval.UnmarshalText([]byte("fixed:5ms")); err != nil {
		t.Fatal(err)
	}
	s.first.Behave(long)
	dripping := false
	told, err := s.Stream(t.Context(), s.question(), func(e e2e.Event) {
		if e.Type == "delta" && !dripping {
			dripping = true
			s.network.Drip(20, 20*time.Millisecond*e2e.Slowdown)
		}
	})
	if err != nil || told.Failed == nil || told.Done != nil || !strings.HasPrefix(told.Text, thirtyDays[:10]) {
		t.Errorf("%+v %v, want an error event after some words", told, err)
	}
	if told.Took < deadline-busy || s.site.Late(told.Took, deadline+time.Second+busy) {
		t.Errorf("ended after %v, want %v", told.Took, deadline)
	}
	began := time.Now()
	a := s.Ask(s.question()) // the whole reply comes too slowly
	if took := time.Since(began); a.Provider != "second" || s.site.Late(took, deadline+time.Second+busy) {
		t.Errorf("in one piece: %+v after %v, want an answer of the second provider", a, took)
	}
	s.first.Behave(llmsim.Config{})
	s.network.Link()
	s.aborted("timed_out", 1)
	s.recovers()
}

func truncatedReply(t *testing.T) {
	s := newFaultyShop(t)
	whole := 0
	for cut := 1; cut <= 10; cut++ {
		question := s.question()
		script(t, s.first, llmsim.Step{Fault: "truncate", CutAfter: cut})
		told, err := s.Stream(t.Context(), question, nil)
		brokenOff(t, fmt.Sprintf("after %d tokens", cut), told, err)
		s.composedAnew(question)
		s.askMany(1, 1) // less than half of the calls fail: the breaker stays closed
		whole += 2
	}
	for _, fault := range []llmsim.Step{{Fault: "truncate", CutAfter: -1}, {Fault: "truncate"}} {
		script(t, s.first, fault)
		if a := s.Ask(s.question()); !strings.Contains(a.Answer, "30 days of delivery") || a.Degraded {
			t.Errorf("half a reply: %+v, want a whole answer", a)
		}
		whole++
	}
	script(t, s.first, llmsim.Step{Fault: "truncate", CutAfter: -1})
	if told, err := s.Stream(t.Context(), s.question(), nil); err != nil || told.Done == nil || told.Text != thirtyDays {
		t.Errorf("cut before the first words: %+v %v, want a whole answer", told, err)
	}
	whole++
	s.aborted("provider", 10)
	s.recovers()
	db := s.site.DB()
	defer db.Close()
	stored := rows(t, db, `SELECT count(*) FROM answers`)
	if other := rows(t, db, `SELECT count(*) FROM answers WHERE answer NOT LIKE '%30 days of delivery%[1]%'`); stored < whole || other > 0 {
		t.Errorf("%d answers are stored, %d of them not whole; want at least %d and none", stored, other, whole)
	}
}

func rows(t *testing.T, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Half a stream and another one behind it would be neither a beginning of the
// answer nor the answer.
func resetConnection(t *testing.T) {
	const streams = 1000
	// The breaker would keep most streams from the provider that resets them.
	s := newFaultyShop(t, "KEFU_MODELS_BREAKER_COOL_DOWN=100ms", "KEFU_MODELS_BREAKER_FAULTS=100")
	var steps []llmsim.Step
	for i := range 2 * streams {
		steps = append(steps, llmsim.Step{Fault: "disconnect", CutAfter: []int{-1, 1, 2, 5, 9}[i%5]}, llmsim.Step{}, llmsim.Step{})
	}
	script(t, s.first, steps...)
	var whole, broken, mixed atomic.Int64
	s.each(streams, 4, func(int) {
		told, err := s.Stream(t.Context(), s.question(), nil)
		switch {
		case err != nil || told.Done == nil && told.Failed == nil:
			t.Errorf("%+v %v, want an answer or an error event", told, err)
		case told.Done != nil && told.Text == thirtyDays && told.Done.Answer == thirtyDays:
			whole.Add(1)
		case told.Failed != nil && told.Text != "" && strings.HasPrefix(thirtyDays, told.Text):
			broken.Add(1)
		default:
			mixed.Add(1)
			t.Errorf("a mixed answer: %+v", told)
		}
	})
	t.Logf("%d whole answers, %d broken off, %d mixed; the breaker opened %d times", whole.Load(), broken.Load(), mixed.Load(), s.opened())
	if broken.Load() < streams/10 || whole.Load() < streams/10 {
		t.Errorf("%d streams broke off and %d did not: too few to tell", broken.Load(), whole.Load())
	}
	script(t, s.first)

	s.network.Cut() // before the first words
	if told, err := s.Stream(t.Context(), s.question(), nil); err != nil || told.Text != thirtyDays {
		t.Errorf("reset by the network: %+v %v, want a whole answer", told, err)
	}
	s.network.Link()
	s.recovers()
}

func leavingCallers(t *testing.T) {
	const callers = 20
	s := newFaultyShop(t, "KEFU_MODELS_IDLE=30s")
	s.askMany(callers, callers) // connections, pools
	s.Client.CloseIdleConnections()
	before := s.goroutines()
	made := calls(s.first)

	steps := slices.Repeat([]llmsim.Step{{Fault: "hang"}, {Fault: "stall", CutAfter: 3}}, callers/2)
	script(t, s.first, steps...)
	ctx, leave := context.WithCancel(t.Context())
	var asked sync.WaitGroup
	for i := range callers {
		asked.Go(func() {
			question := s.question()
			if i%4 == 0 {
				_, _ = s.TryAsk(ctx, question)
				return
			}
			_, _ = s.Stream(ctx, question, nil)
		})
	}
	e2e.Eventually(t, "every question is at the provider", func() bool { return s.first.Stats().InFlight == callers })
	leave()
	asked.Wait()
	took := s.givenUp()
	if n := calls(s.first) - made; n != callers || calls(s.second) > 0 {
		t.Errorf("%d calls for %d questions, %d of the second provider", n, callers, calls(s.second))
	}
	e2e.Eventually(t, "no goroutine is left", func() bool {
		s.Client.CloseIdleConnections()
		return s.goroutines() <= before+5
	})
	db := s.site.DB()
	defer db.Close()
	e2e.Eventually(t, "the calls are settled", func() bool {
		return rows(t, db, `SELECT count(*) FROM attempts WHERE state = 'ended' AND failure = 'cancelled' AND estimated`) == callers &&
			rows(t, db, `SELECT count(*) FROM attempts WHERE state <> 'ended' OR cost > worst`) == 0
	})
	t.Logf("%d calls ended within %v", callers, took)
	s.recovers()
}

func (s *faultyShop) goroutines() int {
	s.t.Helper()
	_, metrics := s.Get("/metrics")
	return int(sample(metrics, "go_goroutines"))
}

func deafCaller(t *testing.T) {
	const cutOff, mayWait = 15 * time.Second, 256 << 10
	s := newFaultyShop(t, "KEFU_MODELS_MAX_TOKENS=6000", "KEFU_MODELS_IDLE=2m", "KEFU_MODELS_TIMEOUT=2m", "KEFU_ANSWER_DEADLINE=2m", "KEFU_HTTP_WRITE_TIMEOUT=3m")
	s.first.Behave(llmsim.Config{Length: 6000}) // as events more than 400 KB
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"question":%q,"stream":true}`, complexEN)
	fmt.Fprintf(conn, "POST /query HTTP/1.1\r\nHost: kefu\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	e2e.Eventually(t, "the provider has answered", func() bool { return calls(s.first) == 1 })
	s.first.Behave(llmsim.Config{})
	s.askMany(20, 4) // nobody else waits for it
	e2e.Eventually(t, "the caller is cut off", func() bool { return s.inFlight() == 0 })
	var request struct {
		ID        string `json:"request_id"`
		Timestamp time.Time
		Level     string
		Bytes     int
	}
	if err := json.Unmarshal([]byte(s.Log.Await(t, "write event")), &request); err != nil {
		t.Fatal(err)
	}
	if request.Bytes > mayWait || request.Bytes < 4<<10 || request.Level == "ERROR" {
		t.Errorf("%+v, want a caller for whom at most %d bytes waited, and no error", request, mayWait)
	}
	for _, e := range s.Log.Events(t) {
		if e["event"] != "llm_call" || e["request_id"] != request.ID {
			continue
		}
		composed, err := time.Parse(time.RFC3339Nano, fmt.Sprint(e["timestamp"])) // nothing was written since
		if took := request.Timestamp.Sub(composed); err != nil || s.site.Late(took, cutOff+busy) {
			t.Errorf("cut off after %v (%v), want %v", took, err, cutOff)
		}
	}
	t.Logf("%d bytes waited for it", request.Bytes)
	s.aborted("slow_reader", 1)
	s.unseen()
}

// inFlight counts the requests under way, but for the one that asks.
func (s *faultyShop) inFlight() int {
	s.t.Helper()
	_, metrics := s.Get("/metrics")
	return int(sample(metrics, "http_requests_in_flight")) - 1
}
