package ingest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"kefu/internal/desk"
)

// Load loads files and folders. Each changed document is published as a whole,
// together with its vectors; an unchanged one is skipped by its content hash.
// What cannot be loaded is named in the report and the rest is loaded.
//
// progress, which may be nil, is called once for each file, never twice at a
// time. When ctx ends, what was published stays published and nothing is half
// done; the report then tells what was. When the embedder cannot be reached,
// documents are published without vectors and the error is a *desk.Error with
// code embedder_unavailable; the report is complete nevertheless.
func (l *Loader) Load(ctx context.Context, tenant desk.TenantID, req Request, progress func(Progress)) (Report, error) {
	req.Source = or(req.Source, DefaultSource)
	req.Root = or(req.Root, ".")
	files, failed, err := scan(req)
	if err != nil {
		return Report{}, fmt.Errorf("scan: %w", err)
	}
	known, err := l.docs.Hashes(ctx, tenant)
	if err != nil {
		return Report{}, fmt.Errorf("read known hashes: %w", err)
	}
	load := &load{
		Loader: l, run: newRun(len(files), progress), tenant: tenant, req: req,
		known: known, free: make(slots, l.cfg.Concurrency), seen: map[desk.DocumentID]string{},
	}
	load.report.Failed = failed
	err = load.all(ctx, files)
	return load.finish(), err
}

// load is one call of Load.
type load struct {
	*Loader
	*run
	tenant desk.TenantID
	req    Request
	known  map[desk.DocumentID]string // content hash by document
	free   slots
	seen   map[desk.DocumentID]string // path by document, within this load

	// Guarded by run.mu.
	report Report
	down   error // why the embedder is no longer asked
}

// candidate is a file on its way to be published.
type candidate struct {
	file file
	doc  desk.Prepared
	err  error // why the file cannot be loaded
}

// all prepares the files and publishes the changed ones, in groups that fill an
// embedding batch. While groups are embedded, the next files are prepared.
func (l *load) all(ctx context.Context, files []file) error {
	publishers, pubCtx := errgroup.WithContext(ctx)
	publishers.SetLimit(l.cfg.Concurrency)
	var group []candidate
	chunks := 0
	flush := func() {
		if full := group; len(full) > 0 {
			publishers.Go(func() error { return l.publish(pubCtx, full) })
		}
		group, chunks = nil, 0
	}
	for window := range slices.Chunk(files, 8*runtime.GOMAXPROCS(0)) {
		for _, c := range l.prepareAll(pubCtx, window) {
			if !l.changed(c) {
				continue
			}
			group = append(group, c)
			if chunks += len(c.doc.Chunks); chunks >= l.cfg.BatchChunks {
				flush()
			}
		}
		if pubCtx.Err() != nil {
			break
		}
	}
	flush()
	if err := publishers.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return embedderError(l.down)
}

// prepareAll reads, extracts and cuts files on all processors. It stops early
// when ctx ends.
func (l *load) prepareAll(ctx context.Context, files []file) []candidate {
	done := make([]candidate, len(files))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		if ctx.Err() != nil {
			done = done[:i]
			break
		}
		g.Go(func() error {
			doc, err := l.prepare(ctx, l.tenant, l.req.Source, f)
			done[i] = candidate{file: f, doc: doc, err: err}
			return nil
		})
	}
	g.Wait()              // the goroutines keep their errors
	if ctx.Err() != nil { // what was interrupted is no fault of the file
		done = slices.DeleteFunc(done, func(c candidate) bool { return errors.Is(c.err, ctx.Err()) })
	}
	return done
}

// changed tells whether c is to be published, and reports it if not.
func (l *load) changed(c candidate) bool {
	if c.err != nil {
		l.fail(c.file, c.err)
		return false
	}
	id := c.doc.Document.ID
	if other, twice := l.seen[id]; twice {
		l.fail(c.file, reject(CodeDuplicate, 0, "has the same id as %s", other))
		return false
	}
	l.seen[id] = c.file.shown
	hash, known := l.known[id]
	if known && hash == c.doc.Document.Hash {
		l.step(c.file.shown, Unchanged, 1, 0, func() { l.report.Unchanged++ })
		return false
	}
	if l.req.DryRun {
		l.published(c, 0)
		return false
	}
	return true
}

// publish embeds and publishes a group of documents in one transaction.
func (l *load) publish(ctx context.Context, group []candidate) error {
	vectors, err := l.vectors(ctx, group)
	switch {
	case err != nil && refused(err) && len(group) > 1:
		for i := range group { // find the document that is at fault
			if err := l.publish(ctx, group[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	case err != nil && refused(err):
		l.fail(group[0].file, reject(CodeEmbedding, 0, "the embedding model refuses its text"))
		return nil
	case err != nil:
		return err
	}
	put := make([]desk.Prepared, len(group))
	for i, c := range group {
		put[i] = c.doc
		if vectors != nil {
			put[i].Model = l.embedder.Model()
			put[i].Vectors, vectors = vectors[:len(c.doc.Chunks)], vectors[len(c.doc.Chunks):]
		}
	}
	rev, err := l.docs.Publish(ctx, l.tenant, put, nil)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	for i, c := range group {
		l.published(c, rev)
		if put[i].Model == "" {
			l.locked(func() { l.report.Unembedded += len(c.doc.Chunks) })
		}
	}
	return nil
}

// vectors embeds the chunks of a group. It returns nil without an error once
// the embedder has failed in a way that is not the texts' fault: knowledge
// without vectors is better than none.
func (l *load) vectors(ctx context.Context, group []candidate) ([][]float32, error) {
	var chunks []desk.Chunk
	for _, c := range group {
		chunks = append(chunks, c.doc.Chunks...)
	}
	var down error
	if l.locked(func() { down = l.down }); down != nil {
		return nil, nil
	}
	vectors, err := l.embed(ctx, l.free, l.tenant, chunks)
	if err == nil || refused(err) {
		return vectors, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	l.locked(func() { l.down = err })
	return nil, nil
}

func (l *load) fail(f file, err error) {
	l.step(f.shown, Failed, 1, 0, func() { l.report.Failed = append(l.report.Failed, *asFileError(f.shown, err)) })
}

func (l *load) published(c candidate, rev desk.Revision) {
	_, known := l.known[c.doc.Document.ID]
	outcome, count := Added, &l.report.Added
	if known {
		outcome, count = Updated, &l.report.Updated
	}
	l.step(c.file.shown, outcome, 1, len(c.doc.Chunks), func() {
		*count++
		l.report.Chunks += len(c.doc.Chunks)
		l.report.Revision = max(l.report.Revision, rev)
	})
}

func (l *load) finish() Report {
	l.report.Elapsed = time.Since(l.started)
	slices.SortStableFunc(l.report.Failed, func(a, b FileError) int { return strings.Compare(a.Path, b.Path) })
	return l.report
}
