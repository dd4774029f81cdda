package answer

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"kefu/internal/desk"
)

// flights makes questions with the same key share one composition, a flight. A
// flight has a context detached from every caller, and an append-only log of its
// events, which each caller reads from the start and at their own speed. It is
// cancelled when the last caller leaves.
//
// A live flight, whose events are streamed, runs in a goroutine of its own, so
// that its first caller can be slow or leave without holding up the others. Any
// other runs in the goroutine of its first caller, which saves a tenth of the time
// of a composed answer.
//
// flights is safe for concurrent use.
type flights struct {
	mu     sync.Mutex
	open   map[string]*flight
	flying int           // flights under way
	landed chan struct{} // closed when none is under way; nil: nobody waits for that
}

// compose is the work of one flight.
type compose func(ctx context.Context, emit desk.Emit) (desk.Answer, error)

// flight is one composition under way.
type flight struct {
	cancel  context.CancelFunc
	aboard  int // callers; guarded by flights.mu
	mu      sync.Mutex
	log     []desk.Event
	grown   chan struct{} // closed when the log grows or the flight ends; nil: nobody waits
	ended   bool
	outcome desk.Answer
	err     error
}

func newFlights() *flights { return &flights{open: map[string]*flight{}} }

// join joins the open flight of that key, or starts one that may take as long as
// limit, and follows it to its end. If live, events are emitted while they happen,
// else at the end. A caller whose ctx ends returns at once, except the first of a
// flight that is not live, who returns when it has ended.
func (fs *flights) join(ctx context.Context, key string, limit time.Duration, live bool, run compose, emit desk.Emit) (desk.Answer, error) {
	f, detached := fs.board(ctx, key, limit)
	switch {
	case detached == nil: // under way already
	case live:
		go fs.fly(detached, key, f, run) // wait waits for it
	default:
		stay := context.AfterFunc(ctx, func() { fs.leave(key, f) })
		fs.fly(detached, key, f, run)
		if !stay() { // the caller has left meanwhile
			return desk.Answer{}, ctx.Err()
		}
	}
	defer fs.leave(key, f)
	return f.follow(ctx, emit)
}

// board adds a caller to the open flight of that key; detached is then nil. If
// there is none, it opens one, and the caller must call fly with detached.
func (fs *flights) board(ctx context.Context, key string, limit time.Duration) (f *flight, detached context.Context) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f, ok := fs.open[key]; ok {
		f.aboard++
		return f, nil
	}
	f = &flight{aboard: 1}
	detached, f.cancel = context.WithTimeout(context.WithoutCancel(ctx), limit)
	fs.open[key] = f
	fs.flying++
	return f, detached
}

// fly runs a flight to its end. From then on it cannot be joined.
func (fs *flights) fly(ctx context.Context, key string, f *flight, run compose) {
	defer f.cancel()
	a, err := protect(ctx, f.append, run)
	fs.close(key, f)
	f.end(a, err)
	fs.land()
}

// land counts a flight that has ended, and wakes wait after the last one.
func (fs *flights) land() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.flying--; fs.flying == 0 && fs.landed != nil {
		close(fs.landed)
		fs.landed = nil
	}
}

// leave takes one caller off. A flight without callers is cancelled and cannot be
// joined any more.
func (fs *flights) leave(key string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.aboard--; f.aboard > 0 {
		return
	}
	f.cancel()
	fs.remove(key, f)
}

func (fs *flights) close(key string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.remove(key, f)
}

func (fs *flights) remove(key string, f *flight) {
	if fs.open[key] == f {
		delete(fs.open, key)
	}
}

// wait returns when no flight is under way. Flights may begin while it waits, by
// callers that the server has cut off: a WaitGroup does not allow that.
func (fs *flights) wait() {
	fs.mu.Lock()
	if fs.flying == 0 {
		fs.mu.Unlock()
		return
	}
	if fs.landed == nil {
		fs.landed = make(chan struct{})
	}
	landed := fs.landed
	fs.mu.Unlock()
	<-landed
}

// protect turns a panic of the composition into the error of one question.
func protect(ctx context.Context, emit desk.Emit, run compose) (a desk.Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &desk.Error{
				Kind: desk.Internal, Code: "internal", Public: "Something went wrong on our side.",
				Err: fmt.Errorf("panic while composing: %v\n%s", p, debug.Stack()),
			}
		}
	}()
	return run(ctx, emit)
}

// append is the Emit of the composition: it never fails, since a flight
// without listeners is cancelled through its context.
func (f *flight) append(e desk.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, e)
	f.wake()
	return nil
}

func (f *flight) end(a desk.Answer, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended, f.outcome, f.err = true, a, err
	f.wake()
}

// wake wakes those who wait in follow; f.mu is held.
func (f *flight) wake() {
	if f.grown != nil {
		close(f.grown)
		f.grown = nil
	}
}

// follow hands every event to emit and returns the outcome.
func (f *flight) follow(ctx context.Context, emit desk.Emit) (desk.Answer, error) {
	for next := 0; ; {
		fresh, grown := f.since(next)
		for _, e := range fresh {
			if err := emit(e); err != nil {
				return desk.Answer{}, fmt.Errorf("emit %s: %w", e.Type, err)
			}
		}
		next += len(fresh)
		if grown != nil {
			select {
			case <-grown:
			case <-ctx.Done():
				return desk.Answer{}, ctx.Err()
			}
		} else if len(fresh) == 0 {
			return f.outcome, f.err
		}
	}
}

// since returns the events from next on. If there are none, grown is closed as
// soon as there are, or nil because the flight has ended.
func (f *flight) since(next int) (fresh []desk.Event, grown <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh = f.log[next:]
	if len(fresh) > 0 || f.ended {
		return fresh, nil
	}
	if f.grown == nil {
		f.grown = make(chan struct{})
	}
	return nil, f.grown
}
