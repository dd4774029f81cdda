package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	measuredStreams = 32   // at a time, for the time to the first delta
	heldStreams     = 1000 // at a time, for memory
)

// measureStreams compares how soon the first words come through Kefu and from
// the simulator directly, and finds the memory that many open streams take.
func measureStreams(ctx context.Context, o options, l *lab) error {
	if err := measureFirstDelta(ctx, o, l); err != nil {
		return err
	}
	return measureHeldStreams(ctx, o, l)
}

func measureFirstDelta(ctx context.Context, o options, l *lab) error {
	sim, err := l.simulator(ctx, o, "--latency", "fixed:50ms", "--token-interval", "fixed:10ms")
	if err != nil {
		return err
	}
	kefu, addr, err := l.server(ctx, o, "OPENAI_API_KEY=load-test", "OPENAI_BASE_URL=http://"+sim+"/v1")
	if err != nil {
		return err
	}
	var questions asked
	if route, err := routeOf(ctx, addr, questions.next()); err != nil || route != "simple" {
		return fmt.Errorf("the load's questions take the %s route, want simple (%v)", route, err)
	}
	direct := stream{addr: sim, path: "/v1/chat/completions", first: "data: ", body: func() string {
		return `{"model":"gpt-6-luna","stream":true,"messages":[{"role":"user","content":"` + questions.next() + `"}]}`
	}}
	through := stream{addr: addr, path: "/query", first: "event: delta", last: "event: done", body: func() string {
		return `{"stream":true,"question":"` + questions.next() + `"}`
	}}
	var directly, added, cpu []float64
	for range o.rounds {
		base, err := direct.load(ctx, measuredStreams, o.each, nil)
		if err != nil {
			return err
		}
		got, err := through.load(ctx, measuredStreams, o.each, kefu)
		if err != nil {
			return err
		}
		directly = append(directly, float64(base.p50))
		added = append(added, float64(got.p50-base.p50))
		cpu = append(cpu, float64(got.cpu))
	}
	slices.Sort(directly)
	slices.Sort(added)
	slices.Sort(cpu)
	middle := o.rounds / 2
	fmt.Printf("\ntime to the first delta, simple route, upstream of 50 ms, %d streams (median of %d rounds)\n", measuredStreams, o.rounds)
	fmt.Printf("  %-42s p50 %s\n", "the simulator called directly", millis(directly[middle]))
	fmt.Printf("  %-42s adds %s (bound ≤ 2 ms)   CPU %s per stream\n", "Kefu", millis(added[middle]), micros(cpu[middle]))
	return nil
}

// measureHeldStreams opens streams that go on for half a minute, each over a
// connection of its own to the simulator.
func measureHeldStreams(ctx context.Context, o options, l *lab) error {
	sim, err := l.simulator(ctx, o, "--token-interval", "fixed:150ms", "--length", "200")
	if err != nil {
		return err
	}
	kefu, addr, err := l.server(ctx, o, "OPENAI_API_KEY=load-test", "OPENAI_BASE_URL=http://"+sim+"/v1",
		"KEFU_DATA_DIR="+l.dir+"/held")
	if err != nil {
		return err
	}
	before := kefu.resident()
	var questions asked
	held := stream{addr: addr, path: "/query", first: "event: delta", last: "event: done", body: func() string {
		return `{"stream":true,"question":"` + questions.next() + `"}`
	}}
	var open, most atomic.Int64
	held.begun = func() {
		n := open.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
	}
	var wg sync.WaitGroup
	failed := make([]error, heldStreams)
	for i := range failed {
		wg.Go(func() {
			_, failed[i] = held.once(ctx)
			open.Add(-1)
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	fmt.Printf("\n%d streams at a time (%d at least had begun and not ended)\n", heldStreams, most.Load())
	fmt.Printf("  resident memory %d MiB at most, %d MiB before (bound < 300 MB)\n", kefu.peak(), before)
	return nil
}

// stream is a request that is answered by server-sent events.
type stream struct {
	addr, path  string
	first, last string // how the lines begin that are the first delta and the end; last may be empty
	body        func() string
	begun       func() // called at the first delta; may be nil
}

// load holds n streams at a time for a while. The times of the sample are those
// to the first delta.
func (s stream) load(ctx context.Context, n int, each time.Duration, server *process) (sample, error) {
	until, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	before := server.cpu()
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for until.Err() == nil {
				took, err := s.once(ctx)
				mu.Lock()
				all = append(all, took)
				failed = errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return sample{}, failed
	}
	slices.Sort(all)
	return sample{p50: all[len(all)/2], p99: all[len(all)*99/100], cpu: (server.cpu() - before) / time.Duration(len(all))}, nil
}

// once reads one stream to its end and tells when its first delta came. It
// speaks raw HTTP/1.1, as load does.
func (s stream) once(ctx context.Context) (time.Duration, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return 0, err
	}
	body := s.body()
	start := time.Now()
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", s.path, s.addr, len(body), body); err != nil {
		return 0, err
	}
	var first time.Duration
	ended := s.last == ""
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		line := lines.Text()
		if first == 0 && strings.HasPrefix(line, s.first) {
			first = time.Since(start)
			if s.begun != nil {
				s.begun()
			}
		}
		ended = ended || strings.HasPrefix(line, s.last)
	}
	if err := lines.Err(); err != nil {
		return first, err
	}
	if first == 0 || !ended {
		return first, fmt.Errorf("a stream of %s%s ended early", s.addr, s.path)
	}
	return first, nil
}
