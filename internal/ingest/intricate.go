package ingest

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Bounds of markup. The parsers of Markdown and HTML cannot be stopped, and
// take time that grows with the square of some of these, or memory that is a
// hundred times the file; what people write is far below.
const (
	maxMarkup      = 5 << 20 // bytes
	maxLines       = 100_000
	maxDepth       = 100     // quotes and lists inside each other
	maxIndent      = 128     // columns; a longer one is cut to it
	maxColumns     = 200     // of a table
	maxBlockMarks  = 5_000   // marks inside one paragraph or cell
	maxMarks       = 200_000 // marks inside all of them
	maxScan        = 1 << 30 // bytes that may be looked at again for marks
	maxTags        = 200_000
	maxSpan        = 20  // rows or columns that a cell is repeated over
	maxSpannedText = 200 // bytes of a cell that is repeated
)

func intricate(format string, args ...any) *FileError {
	return reject(CodeIntricate, 0, format, args...)
}

// checkMarkdown refuses Markdown beyond the bounds that its lines tell, and
// returns the source with indents cut.
func checkMarkdown(source []byte) ([]byte, error) {
	if len(source) > maxMarkup {
		return nil, intricate("more than %d MB of Markdown; split it", maxMarkup>>20)
	}
	if bytes.Count(source, []byte("\n")) > maxLines {
		return nil, intricate("more than %d lines; split it", maxLines)
	}
	for line := range bytes.Lines(source) {
		if nesting(line) > maxDepth {
			return nil, intricate("quotes or lists more than %d deep", maxDepth)
		}
		if bytes.Count(line, []byte("|")) > maxColumns && len(bytes.Trim(line, "|:- \t\n")) == 0 {
			return nil, intricate("a table of more than %d columns", maxColumns)
		}
	}
	return longIndent.ReplaceAll(source, []byte("$1")), nil
}

var longIndent = regexp.MustCompile(fmt.Sprintf(`(?m)^([ \t]{%d})[ \t]+`, maxIndent))

// nesting counts the quotes and lists that a line opens.
func nesting(line []byte) int {
	n := 0
	for i, b := range line {
		switch {
		case b == '>':
			n++
		case b == '-' || b == '+' || b == '*' || b == '.' || b == ')':
			if i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t') {
				n++
			}
		case b != ' ' && b != '\t' && (b < '0' || b > '9'):
			return n
		}
	}
	return n
}

// markCounter is an inline parser that parses nothing: it counts the marks that
// the others are asked about and panics with a *FileError beyond the bounds,
// since a parser has no other way to stop.
type markCounter struct {
	block         ast.Node
	size          int // bytes of the block, which a mark may be matched against
	in, all, scan int
}

// Trigger implements parser.InlineParser.
func (*markCounter) Trigger() []byte { return []byte("*_~[]!<`&:") }

// Parse implements parser.InlineParser.
func (c *markCounter) Parse(parent ast.Node, _ text.Reader, _ parser.Context) ast.Node {
	if parent != c.block {
		c.block, c.in, c.size = parent, 0, 0
		for _, line := range parent.Lines().Sliced(0, parent.Lines().Len()) {
			c.size += line.Len()
		}
	}
	c.in++
	c.all++
	c.scan += c.size
	if c.in > maxBlockMarks || c.all > maxMarks || c.scan > maxScan {
		panic(intricate("more than %d marks in a paragraph or %d in all", maxBlockMarks, maxMarks))
	}
	return nil
}

// checkHTML refuses HTML with more tags than a page has.
func checkHTML(data []byte) error {
	if len(data) > maxMarkup || bytes.Count(data, []byte("<")) > maxTags {
		return intricate("more than %d MB of HTML or %d tags", maxMarkup>>20, maxTags)
	}
	return nil
}

// isWideSpan tells whether repeating a cell of this span would make much of it.
func isWideSpan(span, cell string) bool {
	n, err := strconv.Atoi(strings.TrimSpace(span))
	return err != nil || n > maxSpan || n > 1 && len(cell) > maxSpannedText
}
