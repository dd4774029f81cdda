package eval

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Table writes the report for people: the sections, then what did not end as
// expected.
func (r OwnReport) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range r.sections() {
		for _, row := range s.rows {
			fmt.Fprintf(t, "%s\t%s\t%s\n", s.name, row.name, row.value)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, v := range Verdicts[1:] {
		for _, m := range r.Results {
			if m.Verdict == v {
				fmt.Fprintf(w, "%s: %s\n", v.words(), m.Question)
			}
		}
	}
	return nil
}

func (v Verdict) words() string { return verdictWords[v] }

var verdictWords = map[Verdict]string{
	Right: "right", Refused: "did not know", ShouldRefuse: "should not know", OtherSource: "other documents", OtherAnswer: "other answer", Failed: "failed",
}

// figure is one line of a report: a share, or anything else.
type figure struct{ name, value string }

type figures struct {
	name string
	rows []figure
}

// ownSections are the names of the sections in their order.
var ownSections = []string{"questions", "retrieval", "citations", "abstention", "route", "cache", "latency", "cost"}

// sections lists the figures for people, as text and as HTML show them.
func (r OwnReport) sections() []figures {
	all := []figures{{"questions", []figure{
		{"questions", fmt.Sprint(r.Questions)}, {"right", fraction(r.Right)},
	}}}
	if x := r.Retrieval; x != nil {
		all = append(all, figures{"retrieval", []figure{
			{"hit@1", fraction(x.Hit[0])},
			{"hit@3", fraction(x.Hit[2])},
			{"hit@5", fraction(x.Hit[4])},
			{"hit@10", fraction(x.Hit[9])},
			{"nDCG@10", fraction(x.NDCG10)},
			{"MRR@10", fraction(x.MRR10)},
			{"p50, p95, p99", x.Search.String()},
		}})
	}
	if x := r.Citations; x != nil {
		all = append(all, figures{"citations", []figure{{"precision", fraction(x.Precision)}, {"recall", fraction(x.Recall)}}})
	}
	abstention := figures{name: "abstention"}
	if x := r.Abstention; x.Answered != nil {
		abstention.rows = append(abstention.rows, figure{"answered, of those with an answer", fraction(*x.Answered)})
	}
	if x := r.Abstention; x.Refused != nil {
		abstention.rows = append(abstention.rows, figure{"refused, of those without", fraction(*x.Refused)})
	}
	return append(all, abstention,
		figures{"route", counts(r.Routes)},
		figures{"cache", append(counts(r.Cache.First), figure{"hits when asked again", fraction(r.Cache.HitRate)}, figure{"p50, p95, p99 again", r.Cache.Latency.String()})},
		figures{"latency", []figure{{"p50, p95, p99", r.Latency.String()}}},
		figures{"cost", []figure{
			{"a question", fmt.Sprintf("$%.6f", r.Cost.PerQuestion)}, {"all askings", fmt.Sprintf("$%.6f", r.Cost.Total)}, {"tokens", fmt.Sprint(r.Cost.Tokens)},
		}})
}

func counts(m map[string]int) []figure {
	var list []figure
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, figure{name, fmt.Sprint(m[name])})
	}
	return list
}

func fraction(x float64) string { return fmt.Sprintf("%.3f", x) }

func (s Spread) String() string { return fmt.Sprintf("%.1f, %.1f, %.1f ms", s.P50, s.P95, s.P99) }
