package eval

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
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
