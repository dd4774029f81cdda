// Package page writes figures as one HTML file: tables and charts that need no
// script, no network and no other file, in light and dark, with Chinese beside
// the English of its terms.
package page

import (
	_ "embed"
	"html/template"
	"io"
	"strconv"
	"strings"
)

// Page is a report.
type Page struct {
	Title    string
	About    string // a sentence on what was measured; may be empty
	Figures  []Figure
	Sections []Section
}

// Figure is one number that matters most.
type Figure struct{ Name, Value string }

// Section is what belongs under one heading, charts first.
type Section struct {
	Name   string
	Bars   []Bars
	Lines  []Lines
	Tables []Table
}

// Table has a header and rows of cells, which may be fewer than the header has.
type Table struct {
	Header []string
	Rows   [][]Cell
	// Long folds the table away until it is wanted.
	Long bool
}

// Cell is text with, for a share, a bar behind it.
type Cell struct {
	Text  string
	Share float64 // in [0,1]; above 0 it is drawn
	Mark  string  // "good", "bad" or empty
}

// Text makes a row of plain cells.
func Text(texts ...string) []Cell {
	row := make([]Cell, len(texts))
	for i, t := range texts {
		row[i].Text = t
	}
	return row
}

// Read makes a table of lines of cells that end with tabs, the first of them
// the header: what is written for a terminal. Cells that show a share, with three
// or more decimals such as 0.873, get a bar.
func Read(lines string) Table {
	var t Table
	for i, line := range strings.Split(strings.TrimRight(lines, "\n"), "\n") {
		cells := strings.Split(strings.TrimSuffix(line, "\t"), "\t")
		if i == 0 {
			t.Header = cells
			continue
		}
		row := Text(cells...)
		for n := range row {
			if text := row[n].Text; len(text) > len("0.12") && (text[:2] == "0." || strings.Trim(text[1:], ".0") == "") {
				row[n].Share, _ = strconv.ParseFloat(text, 64) // no number: no bar
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

//go:embed page.html
var source string

var layout = template.Must(template.New("page").Funcs(template.FuncMap{"zh": chinese, "pct": percent}).Parse(source))

// Write renders the page.
func (p Page) Write(w io.Writer) error { return layout.Execute(w, p) }

func percent(share float64) string {
	return strconv.FormatFloat(100*min(1, max(0, share)), 'f', 1, 64) + "%"
}
