package docx

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// cell is one of a table before merged ones are told apart.
type cell struct {
	text    string
	columns int  // that it spans
	merged  bool // with the one above it
}

// rows reads the rows of the open <w:tbl>, each with as many cells as there are
// columns.
func (b *body) rows(rows *[][]string) error {
	return b.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "tr":
			row, err := b.row(*rows)
			if len(row) > 0 {
				*rows = append(*rows, row)
			}
			return err
		case "sdt", "sdtContent", "ins", "customXml":
			return b.rows(rows)
		default:
			return b.skip(e)
		}
	}, nil)
}

// row reads the open <w:tr>. A cell that is merged with the one above says what
// that one says, so that the row makes sense alone.
func (b *body) row(above [][]string) ([]string, error) {
	var row []string
	filled := false
	err := b.each(func(e xml.StartElement) error {
		if e.Name.Local != "tc" {
			return b.skip(e)
		}
		c, err := b.cell()
		if err != nil {
			return err
		}
		if n := len(above); c.merged && n > 0 && len(row) < len(above[n-1]) {
			c.text = above[n-1][len(row)]
			b.size += len(c.text)
		}
		filled = filled || c.text != ""
		row = append(row, c.text)
		for range c.columns - 1 {
			row = append(row, "")
		}
		if len(row) > maxCells || b.size > maxText {
			return fmt.Errorf("%w: a table of more than %d columns or %d MB", ErrBomb, maxCells, maxText>>20)
		}
		return nil
	}, nil)
	if !filled {
		return nil, err
	}
	return row, err
}

// cell reads the open <w:tc>.
func (b *body) cell() (cell, error) {
	c := cell{columns: 1}
	var texts []string
	add := func(p paragraph) {
		if p.text != "" {
			texts = append(texts, strings.ReplaceAll(p.text, "\n", " "))
		}
	}
	inner := func(rows [][]string) {
		for _, row := range rows {
			texts = append(texts, strings.Join(row, " "))
		}
	}
	err := b.each(func(e xml.StartElement) error {
		if e.Name.Local != "tcPr" {
			return b.block(e, sink{add, inner})
		}
		return b.each(func(e xml.StartElement) error {
			switch e.Name.Local {
			case "gridSpan":
				c.columns = max(1, number(e, "val", maxCells))
			case "vMerge":
				c.merged = attribute(e, "val") != "restart"
			}
			return b.skip(e)
		}, nil)
	}, nil)
	c.text = strings.Join(texts, " ")
	return c, err
}
