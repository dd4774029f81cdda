package ingest

import (
	"context"
	"errors"
	"io"

	"kefu/internal/desk"
	"kefu/internal/ingest/child"
)

// original is what a document is made of. Its fields, and those of digested, are
// exported because they go from process to process.
type original struct {
	Tenant       desk.TenantID
	Source, Path string
	Full         string          // where it lies on disk; empty: nowhere
	Name         string          // which tells the format
	ID           desk.DocumentID // empty: what the file declares, or its path
	Page         bool            // of the web, at Path
	Data         []byte
}

// digested is what became of an original.
type digested struct {
	Doc     desk.Prepared
	Refused *FileError // nil: it is a document
}

// shortText is up to how many bytes a text is read in this process: it takes
// some milliseconds at its worst, less than to hand it over, and whoever waits
// for it does not wait for a process that yields to all others.
const shortText = 32 << 10

// digest makes a document of an original, in a process of its own where the
// loader has such and it may take longer. The error is a *FileError without a
// path, or that of ctx.
func (l *Loader) digest(ctx context.Context, o original) (desk.Prepared, error) {
	if l.children == nil || len(o.Data) <= l.short && kindOf(o.Name, o.Data) == plainText {
		return l.digestHere(ctx, o)
	}
	var d digested
	err := l.children.Do(ctx, l.cfg.ExtractTimeout, o, &d)
	var crash *child.CrashError
	switch {
	case err == nil && d.Refused != nil:
		return desk.Prepared{}, d.Refused
	case err == nil:
		return d.Doc, nil
	case ctx.Err() != nil:
		return desk.Prepared{}, ctx.Err()
	case errors.Is(err, child.ErrOverdue):
		return desk.Prepared{}, l.extractor.overdue()
	case errors.As(err, &crash):
		return desk.Prepared{}, reject(CodeCrashed, 0, "reading it broke the reader: %v", crash)
	}
	return desk.Prepared{}, reject(CodeNoReader, 0, "the reader of documents does not start: %v", err)
}

// Serve makes documents of what the Pool of a loader with the same settings
// sends, until in or ctx ends: see child.Serve. The loader needs no Documents,
// no embedder and no ledger.
func (l *Loader) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	l.extractor.timeout = 0 // the Pool ends what takes too long
	return child.Serve(ctx, in, out, func(ctx context.Context, o original) digested {
		doc, err := l.digestHere(ctx, o)
		if err != nil {
			return digested{Refused: asFileError("", err)}
		}
		return digested{Doc: doc}
	})
}

// digestHere extracts, cuts and judges an original.
func (l *Loader) digestHere(ctx context.Context, o original) (desk.Prepared, error) {
	x, err := l.extractor.extract(ctx, o.Name, o.Data)
	if err != nil {
		return desk.Prepared{}, err
	}
	if o.Page { // where it was read, whatever it says of itself
		x.meta.url = o.Path
	}
	doc := desk.Document{
		ID: or(o.ID, documentID(o.Tenant, o.Source, or(x.meta.id, o.Path))), Tenant: o.Tenant, Source: o.Source, Path: o.Path,
		Title: x.meta.title, URL: x.meta.url, Lang: x.language(), Kind: desk.Page, Bytes: int64(len(o.Data)),
		TranslationKey: x.meta.translation, LocalOnly: x.meta.local || l.localOnly(o) || l.confidential(x),
	}
	if len(x.pairs) > 0 {
		doc.Kind = desk.FAQ
	}
	chunks := l.chunks(doc, x)
	doc.Chunks, doc.Flag = len(chunks), l.flag(chunks)
	doc.Hash = l.contentHash(doc, x)
	return desk.Prepared{Document: doc, Chunks: chunks}, nil
}
