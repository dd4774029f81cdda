package store

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"kefu/internal/desk"
)

const (
	recorderQueue = 4096 // records; a few MB with their traces
	recorderBatch = 100
	recorderDelay = 200 * time.Millisecond // longest wait of a record for others
	recorderRetry = time.Second
	// recorderTries is how often a batch is written before it is given up, so
	// that an outage of half a minute loses nothing.
	recorderTries = 30
)

// Recorder saves answers without delaying them: it queues at most 4,096 and
// counts what it has to drop.
type Recorder struct {
	answers *Answers
	log     *slog.Logger
	observe func(n int)
	queue   chan Record
	dropped atomic.Uint64
}

// NewRecorder returns a recorder whose Run must be started. dropped is told of
// every n records that were lost; it is called from any goroutine and may be
// nil.
func NewRecorder(answers *Answers, log *slog.Logger, dropped func(n int)) *Recorder {
	if dropped == nil {
		dropped = func(int) {}
	}
	return &Recorder{answers: answers, log: log, observe: dropped, queue: make(chan Record, recorderQueue)}
}

// Record queues an answer and returns at once. Neither value may be changed
// afterwards, nor what they point to.
func (r *Recorder) Record(q desk.Question, a desk.Answer) {
	select {
	case r.queue <- Record{q, a}:
	default:
		r.drop(1)
	}
}

// Dropped is the number of answers that were lost since the start.
func (r *Recorder) Dropped() uint64 { return r.dropped.Load() }

func (r *Recorder) drop(n int) {
	r.dropped.Add(uint64(n))
	r.observe(n)
}

// Run writes batches of up to 100 answers, none later than 200 ms after the
// first of it came, until ctx ends; then it saves what is queued within 5 s and
// counts the rest as dropped. A batch that fails is tried again every second,
// half a minute long.
func (r *Recorder) Run(ctx context.Context) error {
	for {
		batch, more := r.gather(ctx)
		if len(batch) > 0 {
			r.write(ctx, batch)
		}
		if !more {
			return r.drain()
		}
	}
}

// gather collects a batch. more is false once ctx has ended.
func (r *Recorder) gather(ctx context.Context) (batch []Record, more bool) {
	var full <-chan time.Time
	for len(batch) < recorderBatch {
		select {
		case rec := <-r.queue:
			if len(batch) == 0 {
				full = time.After(recorderDelay)
			}
			batch = append(batch, rec)
		case <-full:
			return batch, true
		case <-ctx.Done():
			return batch, false
		}
	}
	return batch, true
}

// write saves a batch, however often that takes. Once ctx has ended it tries
// only once more.
func (r *Recorder) write(ctx context.Context, batch []Record) {
	for try := 1; ; try++ {
		err := r.answers.Write(context.WithoutCancel(ctx), batch)
		if err == nil {
			return
		}
		if try == 1 {
			r.log.Error("answers cannot be recorded; trying again", "answers", len(batch), "error", err)
		}
		if try == recorderTries || ctx.Err() != nil {
			r.log.Error("answers dropped", "answers", len(batch), "error", err)
			r.drop(len(batch))
			return
		}
		select {
		case <-time.After(recorderRetry):
		case <-ctx.Done():
		}
	}
}

// drain saves what is queued at shutdown.
func (r *Recorder) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	for {
		var batch []Record
		for len(batch) < recorderBatch && len(r.queue) > 0 {
			batch = append(batch, <-r.queue)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := r.answers.Write(ctx, batch); err != nil {
			lost := len(batch) + len(r.queue)
			r.log.Error("answers dropped at shutdown", "answers", lost, "error", err)
			r.drop(lost)
			return err
		}
	}
}
