package telemetry_test

import (
	"bytes"
	"errors"
	"io"
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

func TestABufferChangesNoLine(t *testing.T) {
	var direct bytes.Buffer
	var out writes
	buffer := telemetry.NewBuffer(&out)
	for _, w := range []io.Writer{&direct, buffer} {
		log := telemetry.NewLogger(w, slog.LevelInfo, "json")
		log.With("a", 1).WithGroup("g").Info("grouped", "b", 2, "c", 3.5, "d", "x", "e", nil, "f", errors.New("oops"), "h", true)
		log.Debug("below the level")
	}
	if err := buffer.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := untimed(strings.Join(out.pieces, "")), untimed(direct.String()); got != want || want == "" {
		t.Errorf("got %s, want %s", got, want)
	}
}

// untimed cuts the time off a line.
func untimed(line string) string {
	_, rest, _ := strings.Cut(line, `,"level"`)
	return rest
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
		for range 257 {
			log.Info("many")
		}
		want("when there are many", 2, 2, 256)
		if _, err := buffer.Write([]byte("not by the logger\n")); err != nil {
			t.Error(err)
		}
		want("in order", 2, 2, 256, 1, 1)
		log.Info("five")
		if err := buffer.Close(); err != nil {
			t.Error(err)
		}
		want("when closed", 2, 2, 256, 1, 1, 1)
		log.Info("six")
		want("after the end", 2, 2, 256, 1, 1, 1, 1)
	})
}
