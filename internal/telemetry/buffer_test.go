package telemetry_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/telemetry"
)

// writes keeps what came in one piece each.
type writes struct {
	mu     sync.Mutex
	pieces []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pieces = append(w.pieces, string(p))
	return len(p), nil
}

// lines are the lines of each piece.
func (w *writes) lines() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var n []int
	for _, p := range w.pieces {
		n = append(n, strings.Count(p, "\n"))
	}
	return n
}

func TestBufferedLinesAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out writes
		buffer := telemetry.NewBuffer(&out)
		log := telemetry.NewLogger(buffer, slog.LevelInfo, "json")
		want := func(when string, lines ...int) {
			t.Helper()
			synctest.Wait()
			got := out.lines()
			if len(got) != len(lines) || len(got) > 0 && got[len(got)-1] != lines[len(lines)-1] {
				t.Fatalf("%s: lines of each write = %v, want %v", when, got, lines)
			}
		}
		log.Info("one")
		time.Sleep(99 * time.Millisecond)
		log.Info("two")
		want("before 100 ms")
		time.Sleep(time.Millisecond)
		want("100 ms after the first", 2)
		log.Info("three")
		log.With("a", 1).WithGroup("g").Warn("four")
		want("at once from warnings on", 2, 2)
		time.Sleep(time.Second)
		want("nothing twice", 2, 2)
		log.Info(strings.Repeat("long ", 10_000))
		want("when there is much", 2, 2, 1)
		log.Info("five")
		if err := buffer.Close(); err != nil {
			t.Error(err)
		}
		want("when closed", 2, 2, 1, 1)
		log.Info("six")
		want("after the end", 2, 2, 1, 1, 1)
	})
}
