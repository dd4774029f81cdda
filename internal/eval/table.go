package eval

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Table writes the report for people. "plain" is textbook BM25, "lexical" the
// index without vectors, "hybrid" what answers customers.
func (r Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(r.Retrieval) > 0 {
		fmt.Fprintln(t, "retrieval\tqueries\tchunks\tnDCG@10 plain\tlexical\thybrid\tRecall@3 plain\thybrid\tMRR@10 plain\thybrid\tp50 ms\tp99 ms\t")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Retrieval)) {
		s := r.Retrieval[name]
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%.2f\t%.2f\t\n", name, s.Queries, s.Chunks, columns(s.Plain, s.Lexical, s.Scores), s.P50, s.P99)
		if p := s.Specific; p != nil {
			fmt.Fprintf(t, "%s (specific)\t%d\t%d\t%s\t\t\t\n", name, p.Queries, s.Chunks, columns(p.Plain, p.Lexical, p.Hybrid))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Router) > 0 {
		fmt.Fprintln(t, "\nrouter\tquestions\tmacro-F1\taccuracy\t")
	}
	for _, language := range slices.Sorted(maps.Keys(r.Router)) {
		s := r.Router[language]
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t\n", language, s.Questions, s.MacroF1, s.Accuracy)
	}
	return t.Flush()
}

func columns(plain, lexical, hybrid Scores) string {
	return fmt.Sprintf("%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f",
		plain.NDCG10, lexical.NDCG10, hybrid.NDCG10, plain.Recall3, hybrid.Recall3, plain.MRR10, hybrid.MRR10)
}
