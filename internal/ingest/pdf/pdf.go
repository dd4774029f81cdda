// Package pdf reads the text of PDF files, by PDFium inside a WebAssembly
// sandbox: it sees no file and no network of the machine, its memory is bounded
// and it can be stopped at any time.
package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

// Bounds of what is read.
const (
	maxPages = 2000
	maxText  = 8 << 20 // characters
)

// Causes of an error of Read; errors.Is tells them.
var (
	ErrBroken    = errors.New("the PDF is broken")
	ErrEncrypted = errors.New("the PDF needs a password")
	ErrTooLarge  = errors.New("the PDF is too large")
	// ErrEngine means that PDFium could not be started, whatever the file.
	ErrEngine = errors.New("the PDF engine does not start")
)

// Document is what a PDF says.
type Document struct {
	Title string // as its properties say; may be empty
	// Pages are the texts of all pages. A blank line separates blocks, a line
	// break the lines of a list or table. A page of images has none.
	Pages []string
}

// Read reads the document in data. It ends soon after ctx does, with an error
// that wraps that of ctx.
func (r *Reader) Read(ctx context.Context, data []byte) (Document, error) {
	e, err := r.take(ctx)
	if err != nil {
		return Document{}, err
	}
	release := context.AfterFunc(ctx, e.stop)
	doc, err := e.read(ctx, data)
	r.put(e, release())
	if ctx.Err() != nil {
		return Document{}, fmt.Errorf("read a PDF: %w", context.Cause(ctx))
	}
	return doc, err
}

func (e *engine) read(ctx context.Context, data []byte) (Document, error) {
	in, err := e.pool.GetInstanceWithContext(ctx)
	if err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrEngine, err)
	}
	defer in.Close()
	// Read by pieces as they are needed: a copy would take from the sandbox's memory.
	opened, err := in.OpenDocument(&requests.OpenDocument{FileReader: bytes.NewReader(data), FileReaderSize: int64(len(data))})
	switch {
	case errors.Is(err, pdfiumerrors.ErrPassword), errors.Is(err, pdfiumerrors.ErrSecurity):
		return Document{}, ErrEncrypted
	case errors.Is(err, pdfiumerrors.ErrFormat): // which says no more
		return Document{}, ErrBroken
	case err != nil:
		return Document{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	count, err := in.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	switch {
	case err != nil || count.PageCount == 0:
		return Document{}, fmt.Errorf("%w: no pages", ErrBroken)
	case count.PageCount > maxPages:
		return Document{}, fmt.Errorf("%w: %d pages, the most are %d", ErrTooLarge, count.PageCount, maxPages)
	}
	pages := make([]string, count.PageCount)
	room := maxText
	for i := range pages {
		if pages[i], err = pageText(in, opened.Document, i, &room); err != nil {
			return Document{}, err
		}
	}
	return Document{Title: title(in, opened.Document), Pages: layout(pages)}, nil
}

// pageText returns the characters of one page as PDFium orders them, and takes
// them from room.
func pageText(in pdfium.Pdfium, doc references.FPDF_DOCUMENT, i int, room *int) (string, error) {
	page, err := in.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: doc, Index: i})
	if err != nil {
		return "", fmt.Errorf("%w: page %d: %w", ErrBroken, i+1, err)
	}
	defer in.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: page.Page})
	text, err := in.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: requests.Page{ByReference: &page.Page}})
	if err != nil {
		return "", fmt.Errorf("%w: page %d: %w", ErrBroken, i+1, err)
	}
	defer in.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.TextPage})
	count, err := in.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text.TextPage})
	if err != nil {
		return "", fmt.Errorf("%w: page %d: %w", ErrBroken, i+1, err)
	}
	if count.Count <= 0 {
		return "", nil
	}
	if *room -= count.Count; *room < 0 {
		return "", fmt.Errorf("%w: more than %d characters", ErrTooLarge, maxText)
	}
	got, err := in.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: text.TextPage, Count: count.Count})
	if err != nil {
		return "", fmt.Errorf("%w: page %d: %w", ErrBroken, i+1, err)
	}
	return got.Text, nil
}

// title is the title that the document's properties give, unless it is the name
// of the file that it was made from.
func title(in pdfium.Pdfium, doc references.FPDF_DOCUMENT) string {
	got, err := in.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: doc, Tag: "Title"})
	if err != nil {
		return ""
	}
	title := strings.Join(strings.Fields(strings.ToValidUTF8(got.Value, "")), " ")
	lower := strings.ToLower(title)
	for _, sign := range []string{"microsoft word", "untitled", ".doc", ".pdf", ".indd", ".ppt", ".xls", "://"} {
		if strings.Contains(lower, sign) {
			return ""
		}
	}
	return title
}
