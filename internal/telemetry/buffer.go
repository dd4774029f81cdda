package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	bufferSize  = 32 << 10               // bytes that are written at once
	bufferDelay = 100 * time.Millisecond // longest wait of a line for others
)

// Buffer gathers log lines, since one write for each costs a busy server more
// than making them. A line is written within 100 ms, and a Logger made with a
// Buffer writes from warnings on at once. Close must be called; lines that come
// later are not gathered. It is safe for concurrent use.
type Buffer struct {
	w io.Writer

	mu     sync.Mutex
	lines  []byte
	due    *time.Timer // runs while there are lines
	closed bool
}

// NewBuffer returns a Buffer in front of w.
func NewBuffer(w io.Writer) *Buffer { return &Buffer{w: w} }

// Write takes one line. The error is that of an earlier line's writing too.
func (b *Buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := len(b.lines) == 0
	b.lines = append(b.lines, line...)
	switch {
	case b.closed || len(b.lines) >= bufferSize:
		return len(line), b.flush()
	case first:
		b.due = time.AfterFunc(bufferDelay, func() { _ = b.Flush() }) // a log cannot complain of itself
	}
	return len(line), nil
}

// Flush writes what has been gathered.
func (b *Buffer) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flush()
}

// flush needs b.mu.
func (b *Buffer) flush() error {
	if b.due != nil {
		b.due.Stop()
		b.due = nil
	}
	if len(b.lines) == 0 {
		return nil
	}
	_, err := b.w.Write(b.lines)
	b.lines = b.lines[:0]
	return err
}

// Close writes what has been gathered and gathers no more.
func (b *Buffer) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.flush()
}

// urgent writes from warnings on at once, with everything before them.
type urgent struct {
	slog.Handler
	buffer *Buffer
}

func (h urgent) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		err = errors.Join(err, h.buffer.Flush())
	}
	return err
}

func (h urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{h.Handler.WithAttrs(attrs), h.buffer}
}

func (h urgent) WithGroup(name string) slog.Handler {
	return urgent{h.Handler.WithGroup(name), h.buffer}
}
