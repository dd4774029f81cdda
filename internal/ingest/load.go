package ingest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"kefu/internal/desk"
)

// Load loads files, folders and pages, or makes a source equal to a folder or
// a sitemap: see Request. Changed documents are staged, each as a whole and together with its
// vectors, and become visible at the end, all at once, as one release; an
// unchanged one is skipped by its content hash, an unchanged chunk keeps its
// vector. What cannot be loaded is named in the report, what was published of
// it before stays, and the rest is loaded.
//
// progress, which may be nil, is called once for each file, never twice at a
// time. When ctx ends, nothing has changed; loading again goes on with what
// was staged. When the embedder cannot be reached, documents are published
// without vectors and the error is a *desk.Error with code
// embedder_unavailable; the report is complete nevertheless. One load at a time
// goes into a source: while another does, the error is a *desk.Error with code
// sync_running, and with code sync_lost where this one was silent for too long.
func (l *Loader) Load(ctx context.Context, tenant desk.TenantID, req Request, progress func(Progress)) (Report, error) {
	req.Source = or(req.Source, DefaultSource)
	req.Root = or(req.Root, ".")
	if !req.DryRun {
		held, lease, free, err := l.occupy(ctx, tenant, req.Source, req.Author)
		if err != nil {
			return Report{}, err
		}
		defer free()
		ctx, req.lease = held, lease
	}
	files, failed, err := l.list(ctx, tenant, req)
	if err != nil {
		return Report{}, fmt.Errorf("list: %w", err)
	}
	kind := desk.ReleaseLoad
	if req.Exact {
		kind = desk.ReleaseSync
	}
	report, err := l.bring(ctx, tenant, req, kind, files, failed, progress)
	if err == nil && req.Exact && !req.DryRun && len(report.Failed) == 0 {
		err = l.docs.Synced(ctx, tenant, req.Source, kindOfSource(req.Paths), req.Again)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // the source may be lost
	}
	return report, err
}

func kindOfSource(paths []string) desk.SourceKind {
	if slices.ContainsFunc(paths, IsAddress) {
		return desk.FromWeb
	}
	return desk.FromFiles
}

// bring takes files into the knowledge base, as one release.
func (l *Loader) bring(ctx context.Context, tenant desk.TenantID, req Request, kind desk.ReleaseKind, files []file, failed []candidate, progress func(Progress)) (Report, error) {
	docs, err := l.docs.List(ctx, tenant)
	if err != nil {
		return Report{}, fmt.Errorf("list what is known: %w", err)
	}
	load := &load{
		Loader: l, run: newRun(len(files), progress), tenant: tenant, req: req, kind: kind,
		known: make(map[desk.DocumentID]desk.Document, len(docs)), free: make(slots, l.cfg.Concurrency), seen: map[desk.DocumentID]string{},
	}
	for _, d := range docs {
		load.known[d.ID] = d
	}
	for _, c := range failed {
		load.report.Failed = append(load.report.Failed, *asFileError(c.file.shown, c.err))
	}
	err = load.all(ctx, files, failed)
	report := load.finish()
	if !req.DryRun {
		l.ingested(Unchanged, report.Unchanged)
		l.ingested(Failed, len(report.Failed))
	}
	return report, err
}

// load is one call of Load.
type load struct {
	*Loader
	*run
	tenant desk.TenantID
	req    Request
	kind   desk.ReleaseKind
	known  map[desk.DocumentID]desk.Document
	free   slots
	seen   map[desk.DocumentID]string // path by document, within this load

	// Guarded by run.mu.
	report Report
	staged []desk.Version
	broken []string // paths of the files that failed
	down   error    // why the embedder is no longer asked
}

// candidate is a file on its way to be published.
type candidate struct {
	file file
	doc  desk.Prepared
	err  error // why the file cannot be loaded
}

// all stages the changed files and publishes them.
func (l *load) all(ctx context.Context, files []file, failed []candidate) error {
	if err := l.expect(ctx, files, failed); err != nil {
		return err
	}
	if err := l.stageAll(ctx, files); err != nil {
		return err
	}
	gone, err := l.gone()
	if err != nil {
		return err
	}
	if l.req.DryRun {
		l.report.Removed = len(gone)
		for _, id := range gone {
			l.preview(desk.Prepared{Document: l.known[id]}, Removed)
		}
		return nil
	}
	if err := l.publish(ctx, gone); err != nil {
		return err
	}
	return embedderError(l.down)
}

// stageAll prepares the files and stages the changed ones, in groups that fill
// an embedding batch. While groups are embedded, the next files are prepared.
func (l *load) stageAll(ctx context.Context, files []file) error {
	stagers, stageCtx := errgroup.WithContext(ctx)
	stagers.SetLimit(l.cfg.Concurrency)
	var group []candidate
	chunks := 0
	flush := func() {
		if full := group; len(full) > 0 {
			stagers.Go(func() error { return l.stage(stageCtx, full) })
		}
		group, chunks = nil, 0
	}
	for window := range slices.Chunk(files, 8*runtime.GOMAXPROCS(0)) {
		changed, err := l.prepareAll(stageCtx, window)
		if err != nil {
			stagers.Go(func() error { return err })
			break
		}
		for _, c := range changed {
			group = append(group, c)
			if chunks += len(c.doc.Chunks); chunks >= l.cfg.BatchChunks {
				flush()
			}
		}
		if stageCtx.Err() != nil {
			break
		}
	}
	flush()
	if err := stagers.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// prepareAll reads, extracts and cuts files on all processors and returns those
// that are to be published. It stops early when ctx ends.
func (l *load) prepareAll(ctx context.Context, files []file) ([]candidate, error) {
	done := candidates(files)
	if err := l.note(ctx, desk.Extracting, done); err != nil {
		return nil, err
	}
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	if slices.ContainsFunc(files, func(f file) bool { return f.address != nil }) {
		workers = max(workers, fetchers) // pages are waited for
	}
	g.SetLimit(workers)
	for i, f := range files {
		if ctx.Err() != nil {
			done = done[:i]
			break
		}
		if f.address != nil && !l.req.DryRun { // which shows what is in it
			f.served = l.known[f.id]
		}
		g.Go(func() error {
			done[i].doc, done[i].err = l.prepare(ctx, l.tenant, l.req.Source, f)
			return nil
		})
	}
	g.Wait()                          // the goroutines keep their errors
	if err := ctx.Err(); err != nil { // what was interrupted is no fault of its file
		return nil, err
	}
	var changed []candidate
	for i := range done {
		if l.changed(&done[i]) {
			changed = append(changed, done[i])
		}
	}
	return changed, l.note(ctx, desk.Embedding, done)
}

// changed tells whether c is to be published, and reports it if not.
func (l *load) changed(c *candidate) bool {
	id := c.doc.Document.ID
	if other, twice := l.seen[id]; c.err == nil && twice {
		c.err = reject(CodeDuplicate, 0, "has the same id as %s", other)
	}
	if c.err != nil {
		l.fail(c.file, c.err)
		return false
	}
	l.seen[id] = c.file.shown
	if l.known[id].Hash == c.doc.Document.Hash {
		l.step(c.file.shown, Unchanged, 1, 0, func() { l.report.Unchanged++ })
		l.preview(c.doc, Unchanged)
		return false
	}
	if l.req.DryRun {
		l.preview(c.doc, l.done(*c))
		return false
	}
	return true
}

// preview shows a document of a dry run.
func (l *load) preview(doc desk.Prepared, outcome Outcome) {
	if l.req.DryRun && l.req.Preview != nil {
		l.req.Preview(doc, outcome)
	}
}

// stage embeds and stages a group of documents.
func (l *load) stage(ctx context.Context, group []candidate) error {
	missing, err := l.vectors(ctx, group)
	switch {
	case err != nil && refused(err) && len(group) > 1:
		for i := range group { // find the document that is at fault
			if err := l.stage(ctx, group[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	case err != nil && refused(err):
		group[0].err = reject(CodeEmbedding, 0, "the embedding model refuses its text")
		l.fail(group[0].file, group[0].err)
		return l.note(ctx, desk.Failed, group)
	case err != nil:
		return err
	}
	put := make([]desk.Prepared, len(group))
	for i, c := range group {
		put[i] = c.doc
	}
	begun := time.Now()
	if err := l.docs.Stage(ctx, l.tenant, put); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	l.took(stageStore, begun)
	for _, c := range group {
		l.done(c)
	}
	l.locked(func() { l.report.Unembedded += missing })
	return l.note(ctx, desk.Ready, group)
}

// vectors embeds those chunks of a group that say something new, and counts
// the chunks that stay without a vector: all of them once the embedder has
// failed in a way that is not the texts' fault, since knowledge without
// vectors is better than none.
func (l *load) vectors(ctx context.Context, group []candidate) (missing int, err error) {
	var chunks []desk.Chunk
	for _, c := range group {
		chunks = append(chunks, c.doc.Chunks...)
	}
	embedded, err := l.docs.Embedded(ctx, l.tenant, l.embedder.Model(), chunks)
	if err != nil {
		return 0, fmt.Errorf("find known vectors: %w", err)
	}
	var fresh []desk.Chunk
	for i, c := range chunks {
		if embedded[i] = embedded[i] || l.withheld(c); !embedded[i] {
			fresh = append(fresh, c)
		}
	}
	if l.givenUp() != nil {
		return len(fresh), nil
	}
	vectors, err := l.embed(ctx, fresh)
	switch {
	case err != nil && refused(err):
		return 0, err
	case err != nil && ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil: // it was given up
		return len(fresh), nil
	}
	l.locked(func() { l.report.Embedded += len(fresh) })
	for i := range group {
		doc := &group[i].doc
		doc.Model, doc.Vectors = l.embedder.Model(), make([][]float32, len(doc.Chunks))
		for n := range doc.Chunks {
			if !embedded[0] {
				doc.Vectors[n], vectors = vectors[0], vectors[1:]
			}
			embedded = embedded[1:]
		}
	}
	return 0, nil
}

func (l *load) fail(f file, err error) {
	l.step(f.shown, Failed, 1, 0, func() {
		l.report.Failed = append(l.report.Failed, *asFileError(f.shown, err))
		l.broken = append(l.broken, f.path)
	})
}

// done reports a changed document that is staged, or would be.
func (l *load) done(c candidate) Outcome {
	doc := c.doc.Document
	outcome, count := Added, &l.report.Added
	if _, known := l.known[doc.ID]; known {
		outcome, count = Updated, &l.report.Updated
	}
	l.step(c.file.shown, outcome, 1, len(c.doc.Chunks), func() {
		*count++
		l.report.Chunks += len(c.doc.Chunks)
		if doc.Flag != "" {
			l.report.Flagged = append(l.report.Flagged, flaggedFile(c))
		}
		l.staged = append(l.staged, desk.Version{Document: doc.ID, Hash: doc.Hash})
	})
	return outcome
}

func flaggedFile(c candidate) FlaggedFile {
	f := FlaggedFile{Path: c.file.shown, Rule: c.doc.Document.Flag}
	for _, chunk := range c.doc.Chunks {
		if chunk.Flag != "" {
			f.Chunks++
		}
	}
	return f
}

func (l *load) finish() Report {
	l.report.Elapsed = time.Since(l.started)
	slices.SortStableFunc(l.report.Failed, func(a, b FileError) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(l.report.Flagged, func(a, b FlaggedFile) int { return strings.Compare(a.Path, b.Path) })
	return l.report
}
