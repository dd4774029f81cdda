package grounding

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kefu/internal/lang"
)

// hasNumbers tells whether the run holds every number of the claim, or 36 where
// the claim says 3 years and the run speaks of months.
func (s *source) hasNumbers(run []piece, cl claim) bool {
	for _, n := range cl.numbers {
		if !s.states(run, cl, n) && !(slices.Contains(cl.years, n) && months.MatchString(s.quote(run)) && s.states(run, cl, inMonths(n))) {
			return false
		}
	}
	return true
}

// states tells whether a sentence of the run holds the number. Of a table it
// must be the row, and the cell of it, that the claim is about: the number of
// another is none of its.
func (s *source) states(run []piece, cl claim, number string) bool {
	return slices.ContainsFunc(run, func(p piece) bool {
		cells := s.cells(p)
		return slices.Contains(p.numbers, number) && (len(cells) == 1 || s.likeliestRow(run, p, cl, number) && likeliestCell(cells, cl, number))
	})
}

// likeliestRow tells whether no row without the number is more like the claim.
func (s *source) likeliestRow(run []piece, row piece, cl claim, number string) bool {
	like := cl.shared(row.terms)
	return !slices.ContainsFunc(run, func(other piece) bool {
		return !slices.Contains(other.numbers, number) && len(s.cells(other)) > 1 && cl.shared(other.terms) > like
	})
}

// likeliestCell tells whether no cell without the number is more like the claim.
// The first cell says what the row is about.
func likeliestCell(cells []string, cl claim, number string) bool {
	if slices.Contains(lang.Numbers(cells[0]), number) {
		return true
	}
	its, others := 0, 0
	for _, cell := range cells[1:] {
		if like := cl.shared(set(lang.Terms(cell))); slices.Contains(lang.Numbers(cell), number) {
			its = max(its, like)
		} else {
			others = max(others, like)
		}
	}
	return its >= others
}

// cells are those of a row of a table, or the whole sentence.
func (s *source) cells(p piece) []string {
	return strings.Split(s.text[p.span.Start:p.span.End], " | ")
}

// shared is how many of the claim's terms are among others, numbers apart.
func (c claim) shared(others map[string]bool) int {
	n := 0
	for _, t := range c.terms {
		if others[t] && !slices.Contains(c.numbers, t) {
			n++
		}
	}
	return n
}

// inMonths is a number of years as a number of months, "" for a fraction.
func inMonths(years string) string {
	n, err := strconv.Atoi(years)
	if err != nil {
		return ""
	}
	return strconv.Itoa(12 * n)
}

var months = regexp.MustCompile(`(?i)\bmonths?\b|个月`)
