package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sample is what one measurement found.
type sample struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server, per request; 0 without a process
	failed    int
}

// load sends requests on n connections for the given time. It writes raw
// HTTP/1.1, so that little of the two cores goes to the generator. body makes
// the i-th request's body of the given connection.
func load(ctx context.Context, addr, path string, n int, each time.Duration, server *process, body func(conn, i int) string) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	before := server.cpu()
	start := time.Now()
	var mu sync.Mutex
	var all []time.Duration
	var failed int
	var firstErr error
	var wg sync.WaitGroup
	for c := range n {
		wg.Go(func() {
			times, bad, err := drive(ctx, addr, path, func(i int) string { return body(c, i) })
			mu.Lock()
			defer mu.Unlock()
			all = append(all, times...)
			failed += bad
			if err != nil && firstErr == nil {
				firstErr = err
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	if firstErr != nil {
		return sample{}, firstErr
	}
	if len(all) == 0 {
		return sample{}, fmt.Errorf("no request to %s%s ended", addr, path)
	}
	slices.Sort(all)
	return sample{
		perSecond: float64(len(all)) / took.Seconds(),
		p50:       all[len(all)/2], p99: all[len(all)*99/100],
		cpu: (server.cpu() - before) / time.Duration(len(all)), failed: failed,
	}, nil
}

// drive is one connection's closed loop.
func drive(ctx context.Context, addr, path string, body func(i int) string) (times []time.Duration, failed int, err error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 16<<10)
	var req []byte
	for i := 0; ctx.Err() == nil; i++ {
		b := body(i)
		req = append(req[:0], "POST "+path+" HTTP/1.1\r\nHost: "+addr+"\r\nContent-Type: application/json\r\nContent-Length: "...)
		req = strconv.AppendInt(req, int64(len(b)), 10)
		req = append(append(req, "\r\n\r\n"...), b...)
		start := time.Now()
		if err := conn.SetDeadline(start.Add(10 * time.Second)); err != nil {
			return times, failed, err
		}
		if _, err := conn.Write(req); err != nil {
			return times, failed, err
		}
		ok, err := skipReply(r)
		if err != nil {
			return times, failed, err
		}
		times = append(times, time.Since(start))
		if !ok {
			failed++
		}
	}
	return times, failed, nil
}

// skipReply reads one reply and reports whether its status was 200.
func skipReply(r *bufio.Reader) (bool, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return false, err
	}
	ok := strings.HasPrefix(string(line), "HTTP/1.1 200")
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		if len(line) <= 2 {
			break
		}
		if key, value, found := strings.Cut(string(line), ":"); found && textproto.CanonicalMIMEHeaderKey(key) == "Content-Length" {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return false, err
			}
		}
	}
	if length < 0 {
		return false, fmt.Errorf("reply without a Content-Length")
	}
	_, err = r.Discard(length)
	return ok, err
}

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func perSecond(s sample) float64 { return s.perSecond }
func p50(s sample) float64       { return float64(s.p50) }
func p99(s sample) float64       { return float64(s.p99) }
func cpuPer(s sample) float64    { return float64(s.cpu) }
func micros(ns float64) string   { return fmt.Sprintf("%.0f µs", ns/1e3) }
func millis(ns float64) string   { return fmt.Sprintf("%.2f ms", ns/1e6) }
