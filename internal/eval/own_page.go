package eval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kefu/internal/eval/page"
)

// Page shows the report as HTML, every question included.
func (r OwnReport) Page() page.Page {
	p := page.Page{Title: "Kefu on your own questions", About: r.Name, Sections: charts(r)}
	p.Figures = []page.Figure{{Name: "questions", Value: strconv.Itoa(r.Questions)}, {Name: "right", Value: percent(r.Right)}}
	if x := r.Retrieval; x != nil {
		p.Figures = append(p.Figures, page.Figure{Name: "hit@5", Value: percent(x.Hit[4])}, page.Figure{Name: "nDCG@10", Value: fraction(x.NDCG10)})
	}
	p.Figures = append(p.Figures, page.Figure{Name: "cost a question", Value: fmt.Sprintf("$%.6f", r.Cost.PerQuestion)})
	t := page.Table{Header: []string{"verdict", "question", "expected", "rank", "cited", "route", "cache", "latency ms", "cost $", "answer"}, Long: true}
	for _, v := range slices.Backward(Verdicts[:]) { // what needs a look first
		for _, m := range r.Results {
			if m.Verdict == v {
				t.Rows = append(t.Rows, append([]page.Cell{{Text: v.words(), Mark: v.mark()}}, m.cells()...))
			}
		}
	}
	p.Sections = append(p.Sections, page.Section{Name: "every question", Tables: []page.Table{t}})
	return p
}

// Page shows the comparison as HTML.
func (c Comparison) Page() page.Page {
	a, b := c.A, c.B
	t := page.Table{Header: []string{"", "", "verdict", "question", "expected", "rank", "cited", "route", "cache", "latency ms", "cost $", "answer"}}
	for _, d := range c.Differences {
		mark := map[Change]string{Better: "good", Worse: "bad"}[d.Change]
		for i, m := range []Mark{d.A, d.B} {
			first := []page.Cell{{Text: string(d.Change), Mark: mark}, {Text: a.Name}, {Text: m.Verdict.words(), Mark: m.Verdict.mark()}}
			if i == 1 {
				first[0], first[1] = page.Cell{}, page.Cell{Text: b.Name}
			}
			t.Rows = append(t.Rows, append(first, m.cells()...))
		}
	}
	for _, q := range c.OnlyA {
		t.Rows = append(t.Rows, page.Text("", a.Name, "", q))
	}
	for _, q := range c.OnlyB {
		t.Rows = append(t.Rows, page.Text("", b.Name, "", q))
	}
	return page.Page{
		Title: "Two configurations side by side", About: a.Name + " · " + b.Name,
		Sections: append(charts(a, b), page.Section{Name: "what differs", Tables: []page.Table{t}}),
	}
}

func (v Verdict) mark() string {
	if v == Right {
		return "good"
	}
	return "bad"
}

func (m Mark) cells() []page.Cell {
	rank := ""
	if m.Rank != nil {
		rank = strconv.Itoa(*m.Rank)
	}
	cache := m.Cache
	if m.Again != "" {
		cache = strings.TrimPrefix(cache+", "+m.Again, ", ")
	}
	return page.Text(m.Question, strings.Join(m.Expected, ", "), rank, strings.Join(m.Cited, ", "), string(m.Route), cache,
		fmt.Sprintf("%.1f", m.LatencyMS), fmt.Sprintf("%.6f", m.CostUSD), firstOf(m.Answer, m.Error))
}

// charts shows reports, one series each.
func charts(reports ...OwnReport) []page.Section {
	header := []string{"", ""}
	hit := page.Lines{Name: "hit@k", Max: 1}
	ended := page.Bars{Name: "verdicts"}
	again := page.Bars{Name: "hit rate", Max: 1, Rows: []page.Row{{Label: "asked again"}}}
	took, cost := page.Lines{Name: "time to answer by percentile", Unit: " ms"}, page.Lines{Name: "cost of a thousand such questions", Unit: " $"}
	for k := range depth {
		hit.X = append(hit.X, strconv.Itoa(k+1))
	}
	for p := 0; p <= 100; p += 10 {
		took.X = append(took.X, fmt.Sprintf("p%d", p))
	}
	cost.X = took.X
	for _, v := range Verdicts {
		ended.Rows = append(ended.Rows, page.Row{Label: v.words()})
	}
	for _, r := range reports {
		header = append(header, r.Name)
		ended.Series, again.Series = append(ended.Series, r.Name), append(again.Series, r.Name)
		for i, v := range Verdicts {
			ended.Rows[i].Values = append(ended.Rows[i].Values, float64(r.Verdicts[v]))
		}
		again.Rows[0].Values = append(again.Rows[0].Values, r.Cache.HitRate)
		if r.Retrieval != nil {
			hit.Series = append(hit.Series, page.Line{Name: r.Name, Values: r.Retrieval.Hit[:]})
		}
		var ms, usd []float64
		for _, m := range r.Results {
			if m.Verdict != Failed {
				ms, usd = append(ms, m.LatencyMS), append(usd, 1000*m.CostUSD)
			}
		}
		took.Series = append(took.Series, page.Line{Name: r.Name, Values: percentiles(ms)})
		cost.Series = append(cost.Series, page.Line{Name: r.Name, Values: percentiles(usd)})
	}
	table := page.Table{Header: header}
	for _, row := range sideBySide(reports...) {
		table.Rows = append(table.Rows, page.Text(row...))
	}
	sections := []page.Section{{Name: "questions", Bars: []page.Bars{ended}, Tables: []page.Table{table}}}
	if len(hit.Series) > 0 {
		sections = append(sections, page.Section{Name: "retrieval", Lines: []page.Lines{hit}})
	}
	return append(sections, page.Section{Name: "cache", Bars: []page.Bars{again}},
		page.Section{Name: "latency", Lines: []page.Lines{took}}, page.Section{Name: "cost", Lines: []page.Lines{cost}})
}

// percentiles are the values at every tenth, the least and the largest
// included.
func percentiles(values []float64) []float64 {
	var all []float64
	for p := 0; p <= 100; p += 10 {
		all = append(all, percentile(values, float64(p)/100))
	}
	return all
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }
