package answer

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"kefu/internal/desk"
)

// flights lets identical questions at one revision be composed once. A flight
// owns a context detached from every caller; it keeps what happened in an
// append-only log, which each caller reads from the start at their own speed.
// The last caller to leave cancels it.
//
// A flight whose log is read while it grows has a goroutine of its own, so that
// its first caller can be slow or leave without holding up the others. One that
// is read at its end borrows the goroutine of that caller instead: handing over
// and back cost a tenth of a composed answer.
type flights struct {
	mu     sync.Mutex
	open   map[string]*flight
	flying int           // flights under way
	landed chan struct{} // closed when none is; nil: nobody waits
}

type compose func(ctx context.Context, emit desk.Emit) (desk.Answer, error)

type flight struct {
	cancel  context.CancelFunc
	aboard  int // guarded by flights.mu
	mu      sync.Mutex
	log     []desk.Event
	grown   chan struct{} // closed when the log grows or the flight ends; nil: nobody waits
	ended   bool
	outcome desk.Answer
	err     error
}

func newFlights() *flights { return &flights{open: map[string]*flight{}} }

// join boards the flight of that key, or starts one under the limit, and
// follows it to its end. With live, events are emitted while they happen, else
// at the end; a caller who leaves returns at once from a live flight, and from
// one that they lend their goroutine when it ends.
func (fs *flights) join(ctx context.Context, key string, limit time.Duration, live bool, run compose, emit desk.Emit) (desk.Answer, error) {
	f, detached := fs.board(ctx, key, limit)
	switch {
	case detached == nil: // under way already
	case live:
		go fs.fly(detached, key, f, run) // wait waits for it
	default:
		stay := context.AfterFunc(ctx, func() { fs.leave(key, f) })
		fs.fly(detached, key, f, run)
		if !stay() { // has left meanwhile
			return desk.Answer{}, ctx.Err()
		}
	}
	defer fs.leave(key, f)
	return f.follow(ctx, emit)
}

// board takes a caller on the open flight of that key. Where there is none it
// opens one and returns the context in which the caller must let it fly.
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

func (fs *flights) fly(ctx context.Context, key string, f *flight, run compose) {
	defer f.cancel()
	a, err := protect(ctx, f.append, run)
	fs.close(key, f)
	f.end(a, err)
	fs.land()
}

func (fs *flights) land() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.flying--; fs.flying == 0 && fs.landed != nil {
		close(fs.landed)
		fs.landed = nil
	}
}

// leave takes one caller off; a flight without any is cancelled and can no
// longer be boarded.
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

// wait returns when no flight is under way. A caller whom the server's end cut
// off may still begin one meanwhile, for which a WaitGroup is not made.
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

// wake tells those who wait; f.mu is held.
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

// since returns the events from next on; where there are none, what is closed
// once there are, or nil for a flight that has ended.
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
