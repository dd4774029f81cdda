package eval

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"kefu/internal/eval/page"
)

// Table writes the report for people. "plain" is textbook BM25, "lexical" the
// index without vectors, "hybrid" what answers customers.
func (r Report) Table(w io.Writer) error {
	first := true
	for _, part := range sections() {
		var b bytes.Buffer
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		part.table(r, t)
		if err := t.Flush(); err != nil {
			return err
		}
		if b.Len() == 0 {
			continue
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		if _, err := b.WriteTo(w); err != nil {
			return err
		}
	}
	return nil
}

// Page shows the same as HTML, with search quality as a chart.
func (r Report) Page() page.Page {
	p := page.Page{Title: "Kefu measured on labelled data"}
	if len(r.Retrieval) > 0 {
		p.Sections = append(p.Sections, page.Section{Name: "search quality", Bars: []page.Bars{r.searchBars()}})
	}
	for _, part := range sections() {
		var b strings.Builder
		part.table(r, &b)
		if b.Len() == 0 {
			continue
		}
		t := page.Read(b.String())
		s := page.Section{Name: t.Header[0], Tables: []page.Table{t}}
		t.Header[0] = ""
		p.Sections = append(p.Sections, s)
	}
	return p
}
