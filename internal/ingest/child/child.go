// Package child does work in processes of their own. Whatever the work does
// there, from a crash to one that never ends, costs one process, which the next
// request replaces; and it yields the processor to whoever else wants it.
package child

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"time"
)

// idleFor is how long a process waits for another request before it is ended:
// it holds memory.
const idleFor = time.Minute

// slowest is how many times longer than its processor time a request may take on
// the clock: on a busy machine a process of low priority waits for most of it, and
// that is none of the request's doing.
const slowest = 10

// ErrOverdue means that a request took longer than it was given.
var ErrOverdue = errors.New("it took too long")

// CrashError means that a request ended its process.
type CrashError struct {
	Said string // the first line of what the process wrote to stderr; may be empty
}

func (e *CrashError) Error() string {
	if e.Said == "" {
		return "the process ended"
	}
	return "the process ended: " + e.Said
}

// Pool holds the processes. Nothing is started before the first request. It is
// safe for concurrent use.
type Pool struct {
	command func() (*exec.Cmd, error)
	places  chan struct{} // one for each process that may run

	mu   sync.Mutex
	idle []*process // the one that was used last comes last
}

// New returns a pool of up to n processes. command makes the command line of
// one, which calls Serve.
func New(n int, command func() (*exec.Cmd, error)) *Pool {
	return &Pool{command: command, places: make(chan struct{}, n)}
}

// Do has a process answer request, and fills in reply, which points to what
// Serve's function returns. A request that ends its process is made once more
// in another. The error is that of ctx; ErrOverdue when the answer takes more
// processor time than limit, or slowest times as long on the clock from when its
// turn has come; a *CrashError; or says why no process starts.
func (p *Pool) Do(ctx context.Context, limit time.Duration, request, reply any) error {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	limited, cancel := context.WithTimeoutCause(ctx, slowest*limit, ErrOverdue)
	defer cancel()
	// A process may also end by what is none of the request's doing: it has
	// waited for long, or the machine had no memory left and chose it.
	running, err := p.take(), error(nil)
	for range 2 {
		if running == nil {
			if running, err = p.start(); err != nil {
				return err
			}
		}
		err = p.ask(limited, limit, running, request, reply)
		if _, crashed := errors.AsType[*CrashError](err); !crashed {
			break
		}
		running = nil
	}
	return err
}

// ask has running answer, and keeps or ends it.
func (p *Pool) ask(ctx context.Context, limit time.Duration, running *process, request, reply any) error {
	ctx, end := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { running.watch(ctx, limit, func() { end(ErrOverdue) }) })
	err := running.do(ctx, request, reply)
	ended := context.Cause(ctx)
	end(nil)
	watching.Wait()
	if err == nil {
		p.put(running)
		return nil
	}
	said := running.end()
	if ended != nil {
		return ended
	}
	return &CrashError{said}
}

func (p *Pool) take() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	last := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	last.leave.Stop()
	return last
}

func (p *Pool) put(ready *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ready.leave = time.AfterFunc(idleFor, func() { p.retire(ready) })
	p.idle = append(p.idle, ready)
}

// retire ends a process unless it was taken meanwhile.
func (p *Pool) retire(idle *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.idle {
		if other == idle {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			idle.end()
			return
		}
	}
}

// Close ends the processes. No Do may be under way or follow.
func (p *Pool) Close() {
	for running := p.take(); running != nil; running = p.take() {
		running.end()
	}
}

func (p *Pool) start() (*process, error) {
	cmd, err := p.command()
	if err != nil {
		return nil, fmt.Errorf("start a process: %w", err)
	}
	running, err := start(cmd)
	if err != nil {
		return nil, fmt.Errorf("start a process: %w", err)
	}
	return running, nil
}
