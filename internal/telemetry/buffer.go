package telemetry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	bufferRecords = 256                    // that are written at once
	bufferDelay   = 100 * time.Millisecond // longest wait of a record for others
)

// Buffer gathers the records of a Logger that was made with it and writes their
// lines in one piece, within 100 ms, from warnings on at once. Between requests
// each line would cost several times what it costs among its like. A value that
// is logged must not change any more. Close must be called; what comes later is
// not gathered. A Buffer is safe for concurrent use.
type Buffer struct {
	w io.Writer

	mu      sync.Mutex
	records []gathered
	lines   bytes.Buffer // written to by the handlers of records, under mu
	due     *time.Timer  // runs while there are records
	closed  bool
}

// gathered is a record that waits for its handler.
type gathered struct {
	slog.Record
	handler slog.Handler
}

// NewBuffer returns a Buffer in front of w.
func NewBuffer(w io.Writer) *Buffer { return &Buffer{w: w} }

// Write writes what has been gathered, then p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.flush(); err != nil {
		return 0, err
	}
	return b.w.Write(p)
}

// Close writes what has been gathered and gathers no more.
func (b *Buffer) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.flush()
}

func (b *Buffer) add(r gathered) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, r)
	if b.closed || r.Level >= slog.LevelWarn || len(b.records) == bufferRecords {
		return b.flush()
	}
	if b.due == nil {
		b.due = time.AfterFunc(bufferDelay, b.overdue)
	}
	return nil
}

func (b *Buffer) overdue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.flush() // a log has nowhere to complain of itself
}

// flush needs b.mu.
func (b *Buffer) flush() error {
	if b.due != nil {
		b.due.Stop()
		b.due = nil
	}
	var errs []error
	for _, r := range b.records {
		errs = append(errs, r.handler.Handle(context.Background(), r.Record))
	}
	clear(b.records)
	b.records = b.records[:0]
	if b.lines.Len() > 0 {
		_, err := b.w.Write(b.lines.Bytes())
		errs = append(errs, err)
		b.lines.Reset()
	}
	return errors.Join(errs...)
}

// gathering leaves the work of a handler to a Buffer.
type gathering struct {
	slog.Handler
	buffer *Buffer
}

func (h gathering) Handle(_ context.Context, r slog.Record) error {
	return h.buffer.add(gathered{r, h.Handler})
}

func (h gathering) WithAttrs(attrs []slog.Attr) slog.Handler {
	return gathering{h.Handler.WithAttrs(attrs), h.buffer}
}

func (h gathering) WithGroup(name string) slog.Handler {
	return gathering{h.Handler.WithGroup(name), h.buffer}
}
