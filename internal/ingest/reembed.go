package ingest

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"kefu/internal/desk"
)

// Reembed gives every chunk of the tenant that has no vector of the embedder's
// model one, batch by batch: what is done stays done when ctx ends. Progress
// counts chunks instead of files. Chunks that the embedder refuses are left
// out and counted in the error, a *desk.Error with code chunks_refused, after
// the others are done.
func (l *Loader) Reembed(ctx context.Context, tenant desk.TenantID, progress func(Progress)) error {
	stale, err := l.docs.Stale(ctx, tenant, l.embedder.Model())
	if err != nil {
		return fmt.Errorf("find chunks without a vector: %w", err)
	}
	stale = slices.DeleteFunc(stale, l.withheld)
	again := &reembedding{Loader: l, run: newRun(len(stale), progress), tenant: tenant}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(l.cfg.Concurrency)
	for batch := range slices.Chunk(stale, l.cfg.BatchChunks) {
		g.Go(func() error { return again.batch(gctx, batch) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if again.refused > 0 {
		return &desk.Error{
			Kind: desk.Invalid, Code: "chunks_refused",
			Public: fmt.Sprintf("the embedding model refuses %d chunks; they are found by their words only", again.refused),
		}
	}
	return nil
}

// reembedding is one call of Reembed.
type reembedding struct {
	*Loader
	*run
	tenant  desk.TenantID
	refused int // chunks; guarded by run.mu
}

func (r *reembedding) batch(ctx context.Context, chunks []desk.Chunk) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	vectors := make([][]float32, len(chunks))
	err := r.embedBatch(ctx, r.tenant, chunks, vectors)
	switch {
	case err != nil && refused(err) && len(chunks) > 1: // one text must not keep the others without a vector
		for i := range chunks {
			if err := r.batch(ctx, chunks[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	case err != nil && refused(err):
		r.step("", Failed, 1, 0, func() { r.refused++ })
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return embedderError(err)
	}
	if err := r.docs.PutVectors(ctx, r.tenant, r.embedder.Model(), chunks, vectors); err != nil {
		return fmt.Errorf("store vectors: %w", err)
	}
	r.step("", Updated, len(chunks), len(chunks), func() {})
	return nil
}
