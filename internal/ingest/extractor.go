package ingest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"kefu/internal/desk"
	"kefu/internal/ingest/docx"
	"kefu/internal/ingest/pdf"
	"kefu/internal/lang"
)

// extractor turns files into text. It is safe for concurrent use.
type extractor struct {
	// workers bounds the documents unpacked at the same time in the process:
	// they cost processor and memory that answers need.
	workers chan struct{}
	timeout time.Duration // for one document; 0: without end
	pdf     *pdf.Reader
}

func newExtractor(timeout time.Duration, cacheDir string) *extractor {
	if cacheDir != "" {
		cacheDir = filepath.Join(cacheDir, "pdf-engine")
	}
	return &extractor{workers: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), timeout: timeout, pdf: pdf.New(cacheDir)}
}

// extract turns the bytes of a file into its text. The error is a *FileError
// without a path, or that of ctx.
func (e *extractor) extract(ctx context.Context, name string, data []byte) (x extract, err error) {
	// The parsers are third parties' and the files anybody's: a parser that
	// panics costs one file, not the load.
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *FileError: // a bound was met where a parser cannot return
			x, err = extract{}, r
		default:
			x, err = extract{}, reject(CodeMalformed, 0, "cannot be parsed: %v", r)
		}
	}()
	if len(data) == 0 {
		return extract{}, reject(CodeEmpty, 0, "the file is empty")
	}
	if x, err = e.read(ctx, name, data); err != nil {
		return extract{}, err
	}
	if len(x.sections) == 0 && len(x.pairs) == 0 {
		return extract{}, reject(CodeEmpty, 0, "there is no text in it")
	}
	if x.meta.named = x.meta.title != ""; !x.meta.named {
		x.meta.title = titleFromName(name, x.language())
	}
	return x, nil
}

// read extracts data in the format that its content has, which its name may
// contradict; between the formats of text, the name decides.
func (e *extractor) read(ctx context.Context, name string, data []byte) (extract, error) {
	switch kind := kindOf(name, data); kind {
	case pdfFile:
		return e.bounded(ctx, func(ctx context.Context) (extract, error) { return e.readPDF(ctx, data) })
	case zipArchive:
		return e.bounded(ctx, func(ctx context.Context) (extract, error) { return readWord(ctx, name, data) })
	case plainText:
		return readText(name, data)
	default:
		return extract{}, reject(CodeUnsupported, 0, "it is %s, which is not supported%s", kind, remedy(name, kind))
	}
}

// bounded runs read as one of few and within the time for one document, which
// begins when its turn has come.
func (e *extractor) bounded(ctx context.Context, read func(context.Context) (extract, error)) (extract, error) {
	select {
	case e.workers <- struct{}{}:
		defer func() { <-e.workers }()
	case <-ctx.Done():
		return extract{}, ctx.Err()
	}
	limited := ctx
	if e.timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, e.timeout)
		defer cancel()
	}
	x, err := read(limited)
	if err != nil && limited.Err() != nil {
		if ctx.Err() != nil {
			return extract{}, ctx.Err()
		}
		return extract{}, e.overdue()
	}
	return x, err
}

func (e *extractor) overdue() *FileError {
	return reject(CodeTimedOut, 0, "reading it took longer than %v", e.timeout)
}

// readPDF extracts a PDF: a section for each page, since headings look like any
// other line.
func (e *extractor) readPDF(ctx context.Context, data []byte) (extract, error) {
	doc, err := e.pdf.Read(ctx, data)
	switch {
	case errors.Is(err, pdf.ErrEncrypted):
		return extract{}, reject(CodePDFEncrypted, 0, "it needs a password; save it without one")
	case errors.Is(err, pdf.ErrTooLarge):
		return extract{}, reject(CodePDFTooLarge, 0, "%v", err)
	case errors.Is(err, pdf.ErrEngine):
		return extract{}, reject(CodePDFEngine, 0, "%v", err)
	case err != nil:
		return extract{}, reject(CodePDFBroken, 0, "%v; export or download it again", err)
	}
	x := extract{meta: meta{title: doc.Title}}
	name := "page %d"
	if lang.Of(sampleOf(doc.Pages)) == desk.Chinese {
		name = "第 %d 页"
	}
	for i, text := range turned(doc.Pages) {
		if text != "" {
			x.sections = append(x.sections, section{heading: []string{fmt.Sprintf(name, i+1)}, text: text})
		}
	}
	if len(x.sections) == 0 {
		return extract{}, reject(CodePDFNoText, 0, "its %d pages hold images and no text; have the text recognised (OCR) first", len(doc.Pages))
	}
	return x, nil
}

// readWord extracts a Word document.
func readWord(ctx context.Context, name string, data []byte) (extract, error) {
	doc, err := docx.Read(ctx, data)
	switch {
	case errors.Is(err, docx.ErrNotDocument):
		return extract{}, reject(CodeUnsupported, 0, "it is a ZIP archive and no Word document%s", remedy(name, zipArchive))
	case errors.Is(err, docx.ErrBomb):
		return extract{}, reject(CodeDocxBomb, 0, "%v", err)
	case err != nil:
		return extract{}, reject(CodeDocxBroken, 0, "%v; save or download it again", err)
	}
	var o outliner
	for _, b := range doc.Blocks {
		switch {
		case b.Level > 0:
			o.heading(b.Level, b.Text)
		case len(b.Rows) > 1 && len(b.Rows[0]) > 1:
			o.text(tableText(b.Rows[0], b.Rows[1:]))
		case len(b.Rows) > 0: // a frame around text rather than a table
			o.text(tableText(nil, b.Rows))
		default:
			o.text(b.Text)
		}
	}
	parts := o.finish()
	return extract{meta: meta{title: or(doc.Title, firstTitle(parts))}, sections: sections(parts)}, nil
}
