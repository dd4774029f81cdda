package answer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
)

const limit = time.Minute

// eachWay tests flights that are followed live and flights that are read at
// their end.
func eachWay(t *testing.T, test func(t *testing.T, live bool)) {
	for _, way := range []struct {
		name string
		live bool
	}{{"live", true}, {"at the end", false}} {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, way.live) })
		})
	}
}

func TestIdenticalQuestionsAreComposedOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, live bool) {
		fs := newFlights()
		var runs atomic.Int32
		run := func(ctx context.Context, emit desk.Emit) (desk.Answer, error) {
			runs.Add(1)
			_ = emit(desk.Event{Type: desk.EventStatus})
			time.Sleep(time.Second)
			_ = emit(desk.Event{Type: desk.EventDelta, Text: "hello"})
			return desk.Answer{Text: "hello"}, nil
		}
		var heard, answered atomic.Int32
		for i := range 500 {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond) // late callers hear from the start
				a, err := fs.join(t.Context(), "k", limit, live, run, func(desk.Event) error { heard.Add(1); return nil })
				if err == nil && a.Text == "hello" {
					answered.Add(1)
				}
			}()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if runs.Load() != 1 || answered.Load() != 500 || heard.Load() != 1000 {
			t.Errorf("runs = %d, answered = %d, events = %d, want 1, 500, 1000", runs.Load(), answered.Load(), heard.Load())
		}
		if len(fs.open) != 0 {
			t.Error("an ended flight stayed open")
		}
	})
}

func TestACallerWhoLeavesDoesNotFailTheOthers(t *testing.T) {
	eachWay(t, func(t *testing.T, live bool) {
		fs := newFlights()
		run := func(ctx context.Context, _ desk.Emit) (desk.Answer, error) {
			select {
			case <-time.After(time.Second):
				return desk.Answer{Text: "there"}, nil
			case <-ctx.Done():
				return desk.Answer{}, ctx.Err()
			}
		}
		leader, leave := context.WithCancel(t.Context())
		var left error
		go func() { _, left = fs.join(leader, "k", limit, live, run, desk.Discard) }()
		synctest.Wait()
		var a desk.Answer
		var err error
		go func() { a, err = fs.join(t.Context(), "k", limit, live, run, desk.Discard) }()
		synctest.Wait()
		leave()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !errors.Is(left, context.Canceled) {
			t.Errorf("the leaver's error = %v, want context.Canceled", left)
		}
		if err != nil || a.Text != "there" {
			t.Errorf("follower got %q, %v", a.Text, err)
		}
	})
}

func TestTheLastToLeaveCancels(t *testing.T) {
	eachWay(t, func(t *testing.T, live bool) {
		fs := newFlights()
		var cancelled atomic.Bool
		run := func(ctx context.Context, _ desk.Emit) (desk.Answer, error) {
			<-ctx.Done()
			cancelled.Store(true)
			return desk.Answer{}, ctx.Err()
		}
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = fs.join(ctx, "k", limit, live, run, desk.Discard) }()
		synctest.Wait()
		leave()
		fs.wait()
		if !cancelled.Load() {
			t.Error("the composition went on for nobody")
		}
	})
}

func TestAFlightEndsAtItsLimit(t *testing.T) {
	eachWay(t, func(t *testing.T, live bool) {
		run := func(ctx context.Context, _ desk.Emit) (desk.Answer, error) {
			<-ctx.Done()
			return desk.Answer{}, ctx.Err()
		}
		start := time.Now()
		_, err := newFlights().join(t.Context(), "k", limit, live, run, desk.Discard)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != limit {
			t.Errorf("ended after %v with %v", time.Since(start), err)
		}
	})
}

func TestAPanicFailsOneQuestion(t *testing.T) {
	eachWay(t, func(t *testing.T, live bool) {
		fs := newFlights()
		_, err := fs.join(t.Context(), "k", limit, live, func(context.Context, desk.Emit) (desk.Answer, error) { panic("boom") }, desk.Discard)
		var e *desk.Error
		if !errors.As(err, &e) || e.Kind != desk.Internal {
			t.Errorf("error = %v, want an internal one", err)
		}
		if len(fs.open) != 0 {
			t.Error("the flight stayed open")
		}
	})
}

func TestAListenerWhoCannotListenLeaves(t *testing.T) {
	eachWay(t, func(t *testing.T, live bool) {
		gone := errors.New("connection closed")
		run := func(ctx context.Context, emit desk.Emit) (desk.Answer, error) {
			_ = emit(desk.Event{Type: desk.EventDelta})
			return desk.Answer{}, nil
		}
		_, err := newFlights().join(t.Context(), "k", limit, live, run, func(desk.Event) error { return gone })
		if !errors.Is(err, gone) {
			t.Errorf("error = %v, want %v", err, gone)
		}
	})
}
