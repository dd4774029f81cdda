package eval

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Comparison sets two measurements of the same questions side by side.
type Comparison struct {
	A OwnReport `json:"a"`
	B OwnReport `json:"b"`
	// Differences are the questions that were not treated alike, what became worse
	// first.
	Differences []Difference `json:"differences"`
	OnlyA       []string     `json:"only_a"` // questions of one set alone
	OnlyB       []string     `json:"only_b"`
}

// Difference is what became of one question in either.
type Difference struct {
	Question string `json:"question"`
	Change   Change `json:"change"`
	A        Mark   `json:"a"`
	B        Mark   `json:"b"`
}

// Change says what B made of a question, a closed set.
type Change string

const (
	Worse   Change = "worse"
	Better  Change = "better"
	Changed Change = "changed" // says or does something else, no worse and no better
)

// Changes lists the set in the order in which it is shown.
var Changes = [...]Change{Worse, Better, Changed}

// Compare pairs the questions of two reports by their text; of one that was
// asked several times, in order.
func Compare(a, b OwnReport) Comparison {
	c := Comparison{A: a, B: b, Differences: []Difference{}, OnlyA: []string{}, OnlyB: []string{}}
	others := map[string][]Mark{}
	for _, m := range b.Results {
		others[m.Question] = append(others[m.Question], m)
	}
	for _, m := range a.Results {
		same := others[m.Question]
		if len(same) == 0 {
			c.OnlyA = append(c.OnlyA, m.Question)
			continue
		}
		others[m.Question] = same[1:]
		if change := changed(m, same[0]); change != "" {
			c.Differences = append(c.Differences, Difference{m.Question, change, m, same[0]})
		}
	}
	for _, m := range b.Results {
		if left := others[m.Question]; len(left) > 0 {
			others[m.Question] = left[1:]
			c.OnlyB = append(c.OnlyB, m.Question)
		}
	}
	slices.SortStableFunc(c.Differences, func(x, y Difference) int {
		return slices.Index(Changes[:], x.Change) - slices.Index(Changes[:], y.Change)
	})
	return c
}

// changed compares first whether the questions ended right, then where the
// search found what was expected.
func changed(a, b Mark) Change {
	switch {
	case a.Verdict != Right && b.Verdict == Right:
		return Better
	case a.Verdict == Right && b.Verdict != Right:
		return Worse
	case b.place() < a.place():
		return Better
	case b.place() > a.place():
		return Worse
	case a.Answer != b.Answer || a.Route != b.Route || a.Verdict != b.Verdict || !slices.Equal(a.Cited, b.Cited):
		return Changed
	}
	return ""
}

// place is the rank, behind all where nothing expected was found.
func (m Mark) place() int {
	switch {
	case m.Rank == nil:
		return 0
	case *m.Rank == 0:
		return depth + 1
	}
	return *m.Rank
}

// Table writes the comparison for people.
func (c Comparison) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\t\t%s\t%s\n", c.A.Name, c.B.Name)
	for _, row := range sideBySide(c.A, c.B) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", row[0], row[1], row[2], row[3])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, d := range c.Differences {
		fmt.Fprintf(w, "%s: %s\n  %s: %s\n  %s: %s\n", d.Change, d.Question, c.A.Name, d.A.summary(), c.B.Name, d.B.summary())
	}
	for _, only := range []struct {
		name string
		list []string
	}{{c.A.Name, c.OnlyA}, {c.B.Name, c.OnlyB}} {
		for _, q := range only.list {
			fmt.Fprintf(w, "only in %s: %s\n", only.name, q)
		}
	}
	return nil
}

// summary says in a line what became of the question.
func (m Mark) summary() string {
	s := m.Verdict.words()
	if m.Rank != nil {
		s += fmt.Sprintf(", found at %d", *m.Rank)
	}
	return s + fmt.Sprintf(", %s, %.1f ms, $%.6f", m.Route, m.LatencyMS, m.CostUSD)
}

// sideBySide lists the figures of reports: section, name, then a value of each.
// What one of them lacks is empty there.
func sideBySide(reports ...OwnReport) [][]string {
	type key struct{ section, name string }
	var order []key
	values := map[key][]string{}
	for i, r := range reports {
		for _, s := range r.sections() {
			for _, row := range s.rows {
				k := key{s.name, row.name}
				if values[k] == nil {
					values[k] = make([]string, len(reports))
					order = append(order, k)
				}
				values[k][i] = row.value
			}
		}
	}
	slices.SortStableFunc(order, func(x, y key) int { return slices.Index(ownSections, x.section) - slices.Index(ownSections, y.section) })
	rows := make([][]string, len(order))
	for i, k := range order {
		rows[i] = append([]string{k.section, k.name}, values[k]...)
	}
	return rows
}
