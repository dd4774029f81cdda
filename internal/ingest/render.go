package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"
)

// maxNesting bounds how deep lists and quotes are followed.
const maxNesting = 32

// renderer turns Markdown blocks into the plain text that is searched and
// quoted. Marks of emphasis go; the marks of lists stay; the cells of a table
// are named by their column, so that a row makes sense without its header.
type renderer struct{ source []byte }

// block renders one block. A blank line inside separates blocks of their own.
func (r renderer) block(n ast.Node, depth int) string {
	if depth > maxNesting {
		return ""
	}
	switch n := n.(type) {
	case *ast.Paragraph, *ast.TextBlock, *ast.Heading:
		return strings.TrimSpace(r.inline(n))
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		return strings.Trim(string(r.lines(n)), "\n")
	case *ast.HTMLBlock:
		raw := r.lines(n)
		if n.HasClosure() {
			raw = append(raw, n.ClosureLine.Value(r.source)...)
		}
		return htmlText(raw)
	case *ast.List:
		return r.list(n, depth)
	case *extast.Table:
		return r.table(n)
	default:
		return r.children(n, "\n\n", depth)
	}
}

func (r renderer) children(n ast.Node, sep string, depth int) string {
	var blocks []string
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		blocks = append(blocks, r.block(c, depth+1))
	}
	return joinNonEmpty(sep, blocks...)
}

func (r renderer) lines(n ast.Node) []byte {
	var b []byte
	for _, segment := range n.Lines().Sliced(0, n.Lines().Len()) {
		b = append(b, segment.Value(r.source)...)
	}
	return b
}

func (r renderer) list(n *ast.List, depth int) string {
	var items []string
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "- "
		if n.IsOrdered() {
			mark = fmt.Sprintf("%d. ", number)
			number++
		}
		text := r.children(item, "\n", depth)
		if text == "" {
			continue
		}
		indent := strings.Repeat(" ", len(mark))
		items = append(items, mark+strings.ReplaceAll(text, "\n", "\n"+indent))
	}
	return strings.Join(items, "\n")
}

// table renders "Plan: Plus | Price: $9.99", one line a row.
func (r renderer) table(n *extast.Table) string {
	var columns []string
	var rows [][]string
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, r.inline(cell))
		}
		if row.Kind() == extast.KindTableHeader {
			columns = cells
			continue
		}
		rows = append(rows, cells)
	}
	return tableText(columns, rows)
}

// inline renders the text inside a block. Lines that the source wrapped are
// joined; a hard break stays a line break.
func (r renderer) inline(n ast.Node) string {
	var w inlineWriter
	r.writeInline(&w, n, 0)
	return withoutStrayMarks(w.b.String())
}

func (r renderer) writeInline(w *inlineWriter, parent ast.Node, depth int) {
	if depth > maxNesting {
		return
	}
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			r.writeText(w, n)
		case *ast.String:
			w.write(string(n.Value))
		case *ast.CodeSpan:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if t, ok := c.(*ast.Text); ok {
					w.write(strings.ReplaceAll(string(t.Segment.Value(r.source)), "\n", " "))
				}
			}
		case *ast.AutoLink:
			w.write(string(n.Label(r.source)))
		case *ast.Link:
			before := w.b.Len()
			r.writeInline(w, n, depth+1)
			w.write(linkTarget(w.b.String()[before:], string(n.Destination)))
		case *ast.RawHTML:
			if bytes.HasPrefix(bytes.ToLower(n.Segments.Value(r.source)), []byte("<br")) {
				w.b.WriteByte('\n')
			}
		case *extast.TaskCheckBox: // the box says nothing about the task
		default:
			r.writeInline(w, n, depth+1)
		}
	}
}

func (r renderer) writeText(w *inlineWriter, n *ast.Text) {
	value := n.Segment.Value(r.source)
	if !n.IsRaw() {
		value = util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(value)))
	}
	w.write(string(value))
	switch {
	case n.HardLineBreak():
		w.b.WriteByte('\n')
	case n.SoftLineBreak():
		w.soft = true
	}
}

// linkTarget is the address to show behind a link's text: only what leads
// somewhere outside of the document and is not the text already.
func linkTarget(label, target string) string {
	target = strings.TrimPrefix(strings.TrimPrefix(target, "mailto:"), "tel:")
	external := hasPrefixAny(target, "https://", "http://") ||
		strings.Contains(target, "@") || strings.HasPrefix(target, "+")
	if !external || label == "" || strings.Contains(label, target) {
		return ""
	}
	return " (" + target + ")"
}

// inlineWriter joins the lines of one paragraph.
type inlineWriter struct {
	b    strings.Builder
	soft bool // a line of the source ended here
}

func (w *inlineWriter) write(s string) {
	if s == "" {
		return
	}
	if w.soft {
		w.soft = false
		before, _ := utf8.DecodeLastRuneInString(w.b.String())
		after, _ := utf8.DecodeRuneInString(s)
		if w.b.Len() > 0 && !(isWide(before) && isWide(after)) {
			w.b.WriteByte(' ')
		}
	}
	w.b.WriteString(s)
}

// withoutStrayMarks drops the ** that Markdown leaves standing in Chinese,
// where **注意：**请 is not emphasis to the letter of CommonMark.
func withoutStrayMarks(s string) string {
	if strings.Count(s, "**")%2 != 0 || !strings.Contains(s, "**") || !strings.ContainsFunc(s, isWide) {
		return s
	}
	return strings.ReplaceAll(s, "**", "")
}
