package ingest

import (
	"sync"
	"time"
)

// run counts the steps of a load or a re-embedding and tells progress.
type run struct {
	started time.Time
	total   int
	tell    func(Progress)

	mu     sync.Mutex
	done   int
	chunks int
}

func newRun(total int, progress func(Progress)) *run {
	if progress == nil {
		progress = func(Progress) {}
	}
	return &run{started: time.Now(), total: total, tell: progress}
}

func (r *run) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// step counts steps as done, with the chunks they made, after note, and tells
// progress. Steps are told one at a time.
func (r *run) step(path string, outcome Outcome, steps, chunks int, note func()) {
	r.locked(func() {
		note()
		r.done += steps
		r.chunks += chunks
		r.tell(Progress{
			Done: r.done, Total: r.total, Path: path, Outcome: outcome,
			Chunks: r.chunks, Elapsed: time.Since(r.started),
		})
	})
}
