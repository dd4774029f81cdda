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
	recorderBatch = 128
	recorderDelay = 200 * time.Millisecond // longest wait of a record for others to be written with
	recorderRetry = time.Second
	// recorderTries is how often a batch is written before it is given up, so
	// that an outage of half a minute loses nothing.
	recorderTries = 30
)

// Recorder saves answers without delaying them: it queues at most 4,096 and
// counts what it has to drop. It is safe for concurrent use.
type Recorder struct {
	answers *Answers
	log     *slog.Logger
	queue   chan *desk.Record // of pointers: a buffer of records would take 3 MB
	dropped atomic.Uint64
}

// NewRecorder returns a recorder whose Run must be started.
func NewRecorder(answers *Answers, log *slog.Logger) *Recorder {
	return &Recorder{answers: answers, log: log, queue: make(chan *desk.Record, recorderQueue)}
}

// Record queues an answer and returns at once. What the two values point to must
// not be changed afterwards.
func (r *Recorder) Record(q desk.Question, a desk.Answer) {
	select {
	case r.queue <- &desk.Record{Question: q, Answer: a}:
	default:
		r.dropped.Add(1)
	}
}

// Dropped is the number of answers that were lost since the start.
func (r *Recorder) Dropped() uint64 { return r.dropped.Load() }

// Run writes batches of up to 128 answers, none later than 200 ms after the
// first of it came, until ctx ends; then it saves what is queued within 5 s and
// counts the rest as dropped. A batch that fails is tried again every second,
// half a minute long. Run returns an error when answers were lost at the end.
func (r *Recorder) Run(ctx context.Context) error {
	for {
		batch, ended := r.gather(ctx)
		if !ended {
			ended = !r.write(ctx, batch)
		}
		if ended {
			return r.drain(batch)
		}
	}
}

// gather collects a batch; ended tells that ctx has ended meanwhile. It takes one
// record, waits, and takes the others at once, so that not each of them wakes it.
func (r *Recorder) gather(ctx context.Context) (batch []desk.Record, ended bool) {
	select {
	case first := <-r.queue:
		batch = append(make([]desk.Record, 0, recorderBatch), *first)
	case <-ctx.Done():
		return nil, true
	}
	if len(r.queue) < recorderBatch-1 {
		select {
		case <-time.After(recorderDelay):
		case <-ctx.Done():
			ended = true
		}
	}
	for len(batch) < recorderBatch && len(r.queue) > 0 { // Run alone takes from the queue
		batch = append(batch, *<-r.queue)
	}
	return batch, ended
}

// write saves a batch, however many tries that takes, or drops it after the
// last. It returns false when ctx ended before either.
func (r *Recorder) write(ctx context.Context, batch []desk.Record) bool {
	for try := 1; ; try++ {
		err := r.answers.Write(context.WithoutCancel(ctx), batch)
		if err == nil {
			return true
		}
		if try == 1 {
			r.log.Error("answers cannot be recorded; trying again", "answers", len(batch), "error", err)
		}
		if try == recorderTries {
			r.lose(batch, err)
			return true
		}
		select {
		case <-time.After(recorderRetry):
		case <-ctx.Done():
			return false
		}
	}
}

// drain saves batch and what is queued at shutdown.
func (r *Recorder) drain(batch []desk.Record) error {
	for len(r.queue) > 0 {
		batch = append(batch, *<-r.queue)
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	for len(batch) > 0 {
		n := min(len(batch), recorderBatch)
		if err := r.answers.Write(ctx, batch[:n]); err != nil {
			r.lose(batch, err)
			return err
		}
		batch = batch[n:]
	}
	return nil
}

func (r *Recorder) lose(batch []desk.Record, err error) {
	r.log.Error("answers dropped", "answers", len(batch), "error", err)
	r.dropped.Add(uint64(len(batch)))
}
