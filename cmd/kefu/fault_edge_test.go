package main_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kefu/internal/e2e"
)

func slowLoris(t *testing.T) {
	const visitors, freedWithin = 200, 6 * time.Second
	s := newFaultyShop(t)
	s.askMany(4, 4) // connections, pools
	s.Client.CloseIdleConnections()
	before := s.goroutines()

	var held sync.WaitGroup
	took := make([]time.Duration, visitors)
	for i := range visitors {
		conn := s.dial()
		held.Go(func() {
			began := time.Now()
			drip(conn, "POST /query HTTP/1.1\r\nHost: kefu\r\nX-Slow: ", "a")
			took[i] = time.Since(began)
		})
	}
	s.askMany(20, 4) // nobody else waits for them
	held.Wait()
	if slow := slices.Max(took); s.site.Late(slow, freedWithin+busy) {
		t.Errorf("a connection whose headers never end was kept for %v, want at most %v", slow, freedWithin)
	}
	for name, head := range map[string]string{
		"announced": "Content-Length: 50000000000\r\n\r\n",
		"chunked":   "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
	} {
		conn := s.dial()
		sent, reply := pour(conn, "POST /query HTTP/1.1\r\nHost: kefu\r\nContent-Type: application/json\r\n"+head)
		if !strings.HasPrefix(reply, "HTTP/1.1 413 ") || sent > mostTaken {
			t.Errorf("a giant body, %s: reply %.40q after %d bytes, want 413 within %d", name, reply, sent, mostTaken)
		}
	}
	e2e.Eventually(t, "no goroutine is left", func() bool {
		s.Client.CloseIdleConnections()
		return s.goroutines() <= before+5
	})
	t.Logf("%d connections were freed within %v", visitors, slices.Max(took).Round(time.Millisecond))
	s.unseen()
}

// mostTaken is how much of a giant body may leave its sender: what the server
// reads before it closes, and what lies in the buffers of both sides.
const mostTaken = 8 << 20

func (s *faultyShop) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// drip sends the beginning of a request, then a piece of it every now and then
// until the server has had enough.
func drip(conn net.Conn, beginning, piece string) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, conn)
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for _, err := io.WriteString(conn, beginning); err == nil; _, err = io.WriteString(conn, piece) {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
	<-ended
}

// pour sends a body without an end for as long as the server takes it, and
// returns how much that was and what it replied.
func pour(conn net.Conn, head string) (sent int, reply string) {
	answered := make(chan string, 1)
	go func() {
		line := make([]byte, 64)
		n, _ := io.ReadAtLeast(conn, line, len("HTTP/1.1 413 "))
		answered <- string(line[:n])
		_, _ = io.Copy(io.Discard, conn)
	}()
	piece := []byte(strings.Repeat("x", 64<<10))
	_, err := io.WriteString(conn, head)
	for err == nil && sent < 4*mostTaken {
		var n int
		n, err = conn.Write(piece)
		sent += n
	}
	conn.Close()
	return sent, <-answered
}
