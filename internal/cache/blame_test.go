package cache

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestATimeoutIsRedisFaultOnlyWhileItAnswersNobody(t *testing.T) {
	client, err := Dial("redis://127.0.0.1:1", time.Second) // never called
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	timeout := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, tt := range []struct {
		name     string
		err      error
		answered bool // somebody, while this operation waited
		down     bool
	}{
		{"a read timeout", timeout, false, true},
		{"a read timeout while others were answered", timeout, true, false},
		{"a deadline while others were answered", fmt.Errorf("get: %w", context.DeadlineExceeded), true, false},
		{"no free connection while others were answered", redis.ErrPoolTimeout, true, false},
		{"no free connection", redis.ErrPoolTimeout, false, true},
		{"a refused connection", refused, false, true},
		{"a refused connection just after an answer", refused, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := newRemote(Config{Timeout: time.Second, Logger: slog.New(slog.DiscardHandler)}, client, nil)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if tt.answered {
				r.alive.Store(start.Add(time.Millisecond).UnixNano())
			}
			r.blame(t.Context(), start, tt.err)
			if r.down.Load() != tt.down {
				t.Errorf("down = %v, want %v", r.down.Load(), tt.down)
			}
		})
	}
}

func TestWhatRedisRefusesWithIsToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := &remote{log: slog.New(slog.NewTextHandler(&log, nil))}
		said := func() int {
			r.blame(t.Context(), time.Now(), refusal("WRONGPASS invalid username-password pair"))
			return strings.Count(log.String(), "WRONGPASS")
		}
		first, again := said(), said()
		time.Sleep(tellEvery)
		if later := said(); first != 1 || again != 1 || later != 2 {
			t.Errorf("told %d times, %d after a second refusal and %d after a minute, want 1, 1 and 2", first, again, later)
		}
		if r.down.Load() {
			t.Error("a Redis that answers counts as down")
		}
	})
}

// refusal is an error that Redis replies with.
type refusal string

func (r refusal) Error() string { return string(r) }

func (refusal) RedisError() {}
