package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kefu/internal/desk"
)

// gone lists the documents of an exact load's source whose files are no more,
// in the order of their ids. A document whose file cannot be read today stays.
func (l *load) gone() ([]desk.DocumentID, error) {
	if !l.req.Exact {
		return nil, nil
	}
	var gone []desk.DocumentID
	left := len(l.seen)
	for _, id := range slices.Sorted(maps.Keys(l.known)) {
		doc := l.known[id]
		if _, seen := l.seen[id]; seen || doc.Source != l.req.Source {
			continue
		}
		if slices.ContainsFunc(l.broken, func(path string) bool { return within(doc.Path, path) }) {
			left++
			continue
		}
		gone = append(gone, id)
	}
	if left == 0 && len(gone) > 0 && !l.req.AllowEmpty {
		return nil, &desk.Error{
			Kind: desk.Invalid, Code: "sync_would_empty", Field: "source",
			Public: fmt.Sprintf("there is nothing to load, so that all %d documents of source %q would be removed; --allow-empty does that", len(gone), l.req.Source),
		}
	}
	return gone, nil
}

// within tells whether path is folder, or below it.
func within(path, folder string) bool {
	return path == folder || folder == "." || strings.HasPrefix(path, folder+"/")
}

// publish shows what was staged and takes away what is gone. Until here
// nothing that the load did can be seen.
func (l *load) publish(ctx context.Context, gone []desk.DocumentID) error {
	if len(l.staged)+len(gone) > 0 {
		r, err := l.release(ctx, l.tenant, desk.Change{
			Kind: l.kind, Source: l.req.Source, Author: l.req.Author, Put: l.staged, Remove: gone, Lease: l.req.lease,
		})
		if err != nil {
			return err
		}
		l.report.Added, l.report.Updated, l.report.Removed = r.Added, r.Updated, r.Removed
		l.report.Revision = r.Revision
	}
	if l.kind == desk.ReleaseEdit {
		return l.forget(ctx)
	}
	if err := l.docs.Settle(ctx, l.tenant, l.req.Source); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

// release publishes a change and collects what is too old to be returned to.
func (l *Loader) release(ctx context.Context, tenant desk.TenantID, c desk.Change) (desk.Release, error) {
	begun := time.Now()
	r, err := l.docs.Publish(ctx, tenant, c)
	if err != nil {
		return desk.Release{}, fmt.Errorf("publish: %w", err)
	}
	l.took(stagePublish, begun)
	l.ingested(Added, r.Added)
	l.ingested(Updated, r.Updated)
	l.ingested(Removed, r.Removed)
	if err := l.docs.Collect(ctx, tenant, l.cfg.Releases); err != nil {
		return desk.Release{}, fmt.Errorf("published as revision %d: %w", r.Revision, err)
	}
	return r, nil
}

// Remove takes documents out of the knowledge base, as one release. Unknown
// ids are ignored.
func (l *Loader) Remove(ctx context.Context, tenant desk.TenantID, author string, ids []desk.DocumentID) (desk.Release, error) {
	return l.release(ctx, tenant, desk.Change{Kind: desk.ReleaseEdit, Author: author, Remove: ids})
}

// expect tells what is about to come in, and what cannot.
func (l *load) expect(ctx context.Context, files []file, failed []candidate) error {
	for _, c := range failed {
		if c.file.lists {
			l.broken = append(l.broken, ".") // any document may be of a page that it lists
			continue
		}
		l.broken = append(l.broken, c.file.path)
	}
	switch {
	case l.req.DryRun:
		return nil
	case l.kind == desk.ReleaseEdit: // single files: the rest of their source goes its own way
		return l.note(ctx, desk.Queued, candidates(files))
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.path
	}
	if err := l.docs.Expect(ctx, l.tenant, l.req.Source, paths); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	return l.note(ctx, desk.Failed, failed)
}

func candidates(files []file) []candidate {
	all := make([]candidate, len(files))
	for i, f := range files {
		all[i].file = f
	}
	return all
}

// forget drops the notes of the single files that did not fail.
func (l *load) forget(ctx context.Context) error {
	var done []desk.Intake
	for _, path := range l.seen {
		if slices.Contains(l.broken, path) {
			continue
		}
		done = append(done, desk.Intake{Source: l.req.Source, Path: path})
	}
	if err := l.docs.Forget(ctx, l.tenant, done); err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	return nil
}

// note records how far files have come. Those with an error have failed; those
// that are as they were are ready.
func (l *load) note(ctx context.Context, state desk.IntakeState, group []candidate) error {
	if l.req.DryRun || len(group) == 0 {
		return nil
	}
	notes := make([]desk.Intake, len(group))
	for i, c := range group {
		id := or(c.doc.Document.ID, c.file.id)
		notes[i] = desk.Intake{Source: l.req.Source, Path: c.file.path, Document: id, State: state}
		switch {
		case c.err != nil:
			why := asFileError(c.file.shown, c.err)
			notes[i].State, notes[i].Code, notes[i].Reason = desk.Failed, string(why.Code), why.Reason
		case c.doc.Document.ID != "" && l.known[id].Hash == c.doc.Document.Hash:
			notes[i].State = desk.Ready
		}
	}
	if err := l.docs.Note(ctx, l.tenant, notes); err != nil {
		return fmt.Errorf("note: %w", err)
	}
	return nil
}
