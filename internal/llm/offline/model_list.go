package offline

import (
	"regexp"
	"slices"
	"strings"
)

// list is the best list, when the question asks for a way to do something.
func (c *corpus) list(ranked []candidate) []candidate {
	if !c.steps || c.pinpoints(ranked[0]) {
		return nil
	}
	var best []candidate
	most := listFits * ranked[0].score
	s := ranked[0].source
	_, above := c.held(s, nil)
	for first := 0; first < len(s.units); {
		list := block(s, first)
		first += len(list)
		kind := list[len(list)-1].unit().kind
		if len(list) < 2 || kind != step && kind != bullet || mostlyAsks(list) {
			continue
		}
		own, _ := c.held(s, termsOf(list))
		score := own + above
		if kind == bullet {
			score *= 0.8
		}
		if score > most {
			best, most = list, score
		}
	}
	return bounded(best)
}

// pinpoints tells whether k is the one item of its list, or row of its table,
// that the question is about: it alone holds most of what the heading does not.
func (c *corpus) pinpoints(k candidate) bool {
	if kind := k.unit().kind; kind != bullet && kind != row {
		return false
	}
	own, all := c.apart(k, k.unit().terms), c.apart(k, nil)
	if all == 0 || own < 0.6*all {
		return false
	}
	for _, other := range block(k.source, blockStart(k)) {
		if other.index != k.index && c.apart(k, other.unit().terms) > 0.8*own {
			return false
		}
	}
	return true
}

// apart is the weight of the question's terms that are among terms, nil: of
// all, without those in the heading that k stands under.
func (c *corpus) apart(k candidate, terms map[string]bool) float64 {
	weight := 0.0
	for _, t := range c.terms {
		if !k.source.heading[t] && (terms == nil || terms[t]) {
			weight += c.weight[t]
		}
	}
	return weight
}

// mostlyAsks tells a table of contents: a list of questions.
func mostlyAsks(list []candidate) bool {
	n := 0
	for _, k := range list {
		if k.unit().promises() {
			n++
		}
	}
	return 2*n >= len(list)
}

func termsOf(quotes []candidate) map[string]bool {
	terms := map[string]bool{}
	for _, k := range quotes {
		for t := range k.unit().terms {
			terms[t] = true
		}
	}
	return terms
}

// rows is the rows of a table, or the items of a list, when the best unit is one
// of them and the question asks for all.
func (c *corpus) rows(ranked []candidate) []candidate {
	if c.compares {
		return c.table(ranked[0])
	}
	first := ranked[0]
	all := block(first.source, blockStart(first))
	switch kind := first.unit().kind; {
	case (kind == row || kind == bullet) && c.several && !c.pinpoints(first):
		return bounded(all)
	case kind == row:
		return bounded(c.alike(all, first))
	}
	return nil
}

// alike returns the rows of a table that hold what the best one holds of the
// question, if they are most of it: then it does not tell which of them is
// meant.
func (c *corpus) alike(table []candidate, best candidate) []candidate {
	same := slices.DeleteFunc(slices.Clone(table), func(k candidate) bool {
		return k.unit().kind != row || len(c.facts) > 0 && !c.states(k.unit()) ||
			slices.ContainsFunc(c.terms, func(t string) bool { return best.unit().terms[t] && !k.unit().terms[t] })
	})
	if len(same) < 2 || 2*len(same) <= len(table) {
		return nil
	}
	return same
}

// table is, for a comparison, those rows and items that hold what is compared,
// of the table with the most to say.
func (c *corpus) table(first candidate) []candidate {
	whole := func(s *source, terms map[string]bool) float64 {
		own, above := c.held(s, terms)
		return own + above
	}
	most, _ := c.held(first.source, first.unit().terms)
	var best []candidate
	for j := 0; j < len(first.source.units); {
		table := block(first.source, j)
		j += len(table)
		kept, own := c.matching(table, most/2)
		// What is compared may also stand in a row each.
		if (own >= most || whole(first.source, termsOf(kept)) >= whole(first.source, first.unit().terms)) && len(kept) > len(best) {
			best = kept
		}
	}
	return bounded(best)
}

// sideBySide tells a row with columns named by two things of the question, as
// in "Price | Basic: free | Plus: $4.99".
func (c *corpus) sideBySide(u unit) bool {
	if u.kind != row {
		return false
	}
	named := 0
	for cell := range strings.SplitSeq(u.bare, " | ") {
		if i := strings.IndexAny(cell, ":："); i >= 0 && slices.ContainsFunc(allTerms(cell[:i]), func(t string) bool { return slices.Contains(c.terms, t) }) {
			named++
		}
	}
	return named >= 2
}

// matching returns the rows and items that hold at least so much weight of the
// question, and the most that one of them holds.
func (c *corpus) matching(table []candidate, least float64) (kept []candidate, most float64) {
	for _, k := range table {
		own, _ := c.held(k.source, k.unit().terms)
		if kind := k.unit().kind; own >= least && (kind == row || kind == bullet) {
			kept = append(kept, k)
			most = max(most, own)
		}
	}
	return kept, most
}

// withList is quotes with the list or table that the last of them leads to: a
// sentence before one says little without, unless it states the fact that is
// asked for, or a table follows what says all of the question.
func (c *corpus) withList(quotes []candidate) []candidate {
	last := quotes[len(quotes)-1]
	next := candidate{source: last.source, index: last.index + 1}
	if next.index == len(last.source.units) || next.unit().kind < step || last.unit().kind >= step {
		return quotes
	}
	if last.unit().kind == prose && !c.steps && !c.several && !announces(last.unit().bare) {
		own, _ := c.held(last.source, last.unit().terms)
		if c.states(last.unit()) || next.unit().kind == row && own >= saysAll*c.total {
			return quotes
		}
	}
	return slices.Concat(quotes, bounded(block(next.source, next.index)))
}

// saysAll is the share of the question from which on a sentence needs no table.
const saysAll = 0.8

// announces tells a sentence that says that something follows.
func announces(sentence string) bool { return announcing.MatchString(sentence) }

var announcing = regexp.MustCompile(`(?i)\b(?:as follows|(?:the )?following|these (?:steps|conditions|ways|rules|cases|options|reasons)|in (?:this|the (?:given|right)) order|step by step)\b|[:：]$|如下|以下|下列|按(?:照)?(?:顺序|步骤)|(?:两|三|四|几)(?:种|类|步|条|个)`)

// bounded is a list as it is quoted: of a long one the first items, the last of
// them marked.
func bounded(list []candidate) []candidate {
	kept := within(list, listItems, listWidth)
	if len(kept) < len(list) {
		kept[len(kept)-1].cut = true
	}
	return kept
}
