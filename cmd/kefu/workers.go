package main

import (
	"context"
	"log/slog"
	"sync"
)

// workers are the goroutines that live as long as the app: each blocks in Run
// and ends with the context.
type workers struct {
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
	log  *slog.Logger
}

// newWorkers detaches from ctx's end: workers outlive the signal that ends the
// server, since they save what the last requests left.
func newWorkers(ctx context.Context, log *slog.Logger) *workers {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	return &workers{ctx: ctx, stop: stop, log: log}
}

func (w *workers) start(name string, run func(context.Context) error) {
	w.wg.Go(func() {
		if err := run(w.ctx); err != nil && w.ctx.Err() == nil {
			w.log.Error("worker ended", "worker", name, "error", err)
		}
	})
}

// close stops the workers and waits until they have saved what they hold.
func (w *workers) close() {
	w.stop()
	w.wg.Wait()
}
