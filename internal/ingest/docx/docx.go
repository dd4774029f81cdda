// Package docx reads the text of Word documents: headings, paragraphs, lists
// and tables, in their order. It reads from memory, writes nothing and expands
// no more of an archive than it needs, within bounds.
package docx

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
)

// Bounds of what is read. A document of 500 pages has about 10 MB of XML,
// packed to a tenth or twentieth.
const (
	maxEntries = 10_000   // files in the archive
	maxPart    = 24 << 20 // bytes of one part, unpacked
	maxRatio   = 200      // unpacked to packed, from freeRatio bytes on
	freeRatio  = 1 << 20
	maxRun     = 1 << 20 // bytes between two tags, which are held at once
	maxDepth   = 200     // elements inside each other
	maxText    = 8 << 20 // bytes of text
	maxCells   = 1 << 10 // columns of a table
)

// Causes of an error of Read; errors.Is tells them.
var (
	ErrNotDocument = errors.New("the archive holds no Word document")
	ErrBroken      = errors.New("the document is broken")
	ErrBomb        = errors.New("the document unpacks to more than is allowed")
)

// Document is what a Word document says.
type Document struct {
	Title  string // the first paragraph in the style of a title; may be empty
	Blocks []Block
}

// Block is a heading, a paragraph, a list or a table.
type Block struct {
	Level int        // 1 to 9 of a heading; 0 for the others
	Text  string     // a list has a line for each item, with its mark
	Rows  [][]string // of a table, the first naming the columns; Text is empty then
}

// Read reads the document in data. It ends early when ctx does.
func Read(ctx context.Context, data []byte) (Document, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are looked up, never written to
		return Document{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if len(archive.File) > maxEntries {
		return Document{}, fmt.Errorf("%w: %d files", ErrBomb, len(archive.File))
	}
	p := parts{ctx: ctx, files: map[string]*zip.File{}}
	for _, f := range archive.File {
		p.files[f.Name] = f
	}
	main, err := p.main()
	if err != nil {
		return Document{}, err
	}
	styles, err := p.styles(path.Join(path.Dir(main), "styles.xml"))
	if err != nil {
		return Document{}, err
	}
	lists, err := p.lists(path.Join(path.Dir(main), "numbering.xml"))
	if err != nil {
		return Document{}, err
	}
	links, err := p.relations(relationsOf(main))
	if err != nil {
		return Document{}, err
	}
	b := body{styles: styles, lists: lists, links: links}
	if err := p.read(main, &b.scanner, b.document); err != nil {
		return Document{}, err
	}
	return b.doc, nil
}

// relationsOf is the name of the part that lists the relations of a part.
func relationsOf(part string) string {
	return path.Join(path.Dir(part), "_rels", path.Base(part)+".rels")
}

// main is the name of the part with the text.
func (p parts) main() (string, error) {
	relations, err := p.relations("_rels/.rels")
	if err != nil {
		return "", err
	}
	name := "word/document.xml"
	for _, r := range relations {
		if strings.HasSuffix(r.kind, "/officeDocument") {
			name = strings.TrimPrefix(path.Clean("/"+r.target), "/")
		}
	}
	if p.files[name] == nil || path.Ext(name) != ".xml" || !strings.HasPrefix(name, "word/") {
		return "", ErrNotDocument
	}
	return name, nil
}
