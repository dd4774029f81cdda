package e2e

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log is what a process has written so far. It is safe for concurrent use.
type Log struct {
	mu     sync.Mutex
	text   strings.Builder
	grown  chan struct{} // closed and replaced at each write
	closed bool
}

func newLog() *Log { return &Log{grown: make(chan struct{})} }

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.grown)
	l.grown = make(chan struct{})
	return l.text.Write(p)
}

func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	close(l.grown)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Await returns the first line that contains part, when it has been written.
// The test fails when the process ends without it, or is slow.
func (l *Log) Await(t testing.TB, part string) string {
	t.Helper()
	overdue := time.After(startWithin)
	for {
		l.mu.Lock()
		text, grown, closed := l.text.String(), l.grown, l.closed
		l.mu.Unlock()
		if at := strings.Index(text, part); at >= 0 {
			if line, _, whole := strings.Cut(text[strings.LastIndexByte(text[:at], '\n')+1:], "\n"); whole {
				return line
			}
		}
		if closed {
			t.Fatalf("the process ended without writing %q:\n%s", part, text)
		}
		select {
		case <-grown:
		case <-overdue:
			t.Fatalf("%q was not written within %v:\n%s", part, startWithin, text)
		}
	}
}

// Events are the JSON lines so far.
func (l *Log) Events(t testing.TB) []map[string]any {
	t.Helper()
	var events []map[string]any
	for line := range strings.Lines(l.String()) {
		if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "}\n") {
			continue
		}
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("log line is not JSON: %v\n%s", err, line)
			continue
		}
		events = append(events, e)
	}
	return events
}
