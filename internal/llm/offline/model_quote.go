package offline

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// What is quoted at most. Widths are in columns, of which a Han character
// takes two.
const (
	simpleUnits, complexUnits = 2, 4
	proseWidth                = 600
	listItems, listWidth      = 9, 900
	// shortSentence is the width up to which a sentence that states a further
	// fact of the kind asked for goes with the one before.
	shortSentence = 60
)

const (
	// worthAdding is the gain, against the first quote's score, from which
	// another quote is added; it must also reach comparable of that score.
	worthAdding = 0.4
	comparable  = 0.6
	// listFits is the share of the best unit's score that a list must reach to
	// be preferred when the question asks for a way to do something.
	listFits = 0.7
)

// quote answers q from the source that most likely answers it, or from the
// next that is nearly as likely, or returns "" when none does.
func quote(q question, sources []source) string {
	if len(sources) == 0 || len(q.terms) == 0 {
		return ""
	}
	c := newCorpus(q, sources)
	if s := c.curated(); s != nil {
		return cited(s.curated, s.number)
	}
	for _, s := range c.likely() {
		if quotes := c.from(s); len(quotes) > 0 && c.answers(quotes) {
			return render(c.withSections(c.withList(quotes)))
		}
	}
	return ""
}

// from is what s would answer with: a list, rows of a table, the beginning of
// the section, or the sentence that holds most of the question.
func (c *corpus) from(s *source) []candidate {
	if s.curated != "" {
		return block(s, 0)
	}
	ranked := c.rank(s)
	if len(ranked) == 0 {
		return nil
	}
	for _, form := range []func([]candidate) []candidate{c.list, c.rows, c.run} {
		if quotes := form(ranked); len(quotes) > 0 {
			return quotes
		}
	}
	return c.pick(ranked)
}

// run is the beginning of a section whose heading, more than any sentence, is
// what the question is about; and the whole list when the best unit leads to
// one.
func (c *corpus) run(ranked []candidate) []candidate {
	first := ranked[0]
	own, above := c.held(first.source, first.unit().terms)
	switch {
	case first.unit().kind == lead:
		return bounded(block(first.source, first.index))
	case c.steps && first.unit().kind == prose && !c.simple:
		start := blockStart(first)
		return within(block(first.source, start), max(c.most(), first.index-start+1), proseWidth)
	case first.unit().kind == row || own >= above && !c.titles(first.source) || len(c.facts) > 0 || c.pinpoints(first):
		return nil
	case c.titles(first.source) && first.unit().kind == prose:
		return within(block(first.source, 0), c.most(), proseWidth)
	case first.unit().kind == step || first.unit().kind == bullet:
		return bounded(block(first.source, blockStart(first)))
	}
	return within(block(first.source, blockStart(first)), c.most(), proseWidth)
}

func (c *corpus) most() int {
	if c.simple {
		return simpleUnits
	}
	return complexUnits
}

// pick takes the best unit, what goes on from there, and units that add to it.
func (c *corpus) pick(ranked []candidate) []candidate {
	picked := c.withContext(ranked[0])
	take := func(k candidate) {
		if !slices.ContainsFunc(picked, k.repeats) && len(within(append(picked, k), c.most(), proseWidth)) > len(picked) {
			picked = append(picked, k)
		}
	}
	if next, ok := c.following(ranked[0]); ok {
		take(next)
	}
	for _, k := range ranked[1:] {
		if c.adds(k, picked) {
			take(k)
		}
	}
	slices.SortStableFunc(picked, func(a, b candidate) int { return cmp.Compare(a.index, b.index) })
	return picked
}

// repeats tells whether both quote the same text, as overlapping passages do.
func (k candidate) repeats(other candidate) bool { return k.unit().bare == other.unit().bare }

// following returns the sentence after k when it goes on with the same matter.
func (c *corpus) following(k candidate) (candidate, bool) {
	next := candidate{source: k.source, index: k.index + 1}
	if k.unit().kind != prose || next.index >= len(k.source.units) || next.unit().block != k.unit().block {
		return next, false
	}
	u := next.unit()
	return next, goesOn(u.bare) || len(c.facts) > 0 && columns(u.bare) <= shortSentence && c.states(u)
}

// withContext is k after what it leans on: an item after the words that lead to
// its list, and a sentence after the one before it when k is short or begins
// with "It", or the one before is no more than "No.".
func (c *corpus) withContext(k candidate) []candidate {
	const short, tiny = 36, 16 // columns
	if start := blockStart(k); k.unit().kind == bullet && k.source.units[start].kind == lead {
		return []candidate{{source: k.source, index: start, score: k.score}, k}
	}
	before := candidate{source: k.source, index: k.index - 1, score: k.score}
	if u := k.unit(); u.kind == prose && k.index > blockStart(k) && !before.unit().asks() &&
		(columns(u.bare) < short || leans(u.bare) || columns(before.unit().bare) <= tiny) {
		return []candidate{before, k}
	}
	return []candidate{k}
}

// adds tells whether k is nearly as good as the first quote and holds terms of
// the question that picked does not.
func (c *corpus) adds(k candidate, picked []candidate) bool {
	first := picked[0]
	if k.score < comparable*first.score || k.unit().kind == lead || k.unit().promises() {
		return false
	}
	gain := 0.0
	for _, t := range c.terms {
		if k.unit().terms[t] && !slices.ContainsFunc(picked, func(p candidate) bool { return p.mentions(t) }) {
			gain += c.weight[t]
		}
	}
	return gain >= worthAdding*first.score
}

// block is the units from first on that share its block.
func block(s *source, first int) []candidate {
	var units []candidate
	for i := first; i < len(s.units) && s.units[i].block == s.units[first].block; i++ {
		units = append(units, candidate{source: s, index: i})
	}
	return units
}

func blockStart(k candidate) int {
	first := k.index
	for first > 0 && k.source.units[first-1].block == k.unit().block {
		first--
	}
	return first
}

// within is the first quotes, at most n and of at most width columns in all,
// but one at least.
func within(quotes []candidate, n, width int) []candidate {
	for i, k := range quotes {
		width -= columns(k.unit().text)
		if i > 0 && (width < 0 || i == n) {
			return quotes[:i]
		}
	}
	return quotes
}

// render joins quotes, each followed by the number of its source: items of
// lists and rows of tables on lines of their own, a further section and an item
// that nothing leads to under their heading, and an ellipsis where more of a list follows in the source.
func render(quotes []candidate) string {
	var b strings.Builder
	for i, k := range quotes {
		u := k.unit()
		text := u.bare
		listed := (u.kind == step || u.kind == bullet) && (i > 0 && sameBlock(k, quotes[i-1]) || i+1 < len(quotes) && sameBlock(k, quotes[i+1]))
		switch {
		case listed:
			text = u.text
		case u.kind == step || u.kind == bullet:
			text = strings.TrimRight(text, "；;，,") // goes on in the list only
		}
		switch {
		case i > 0 && k.source != quotes[i-1].source:
			b.WriteString("\n\n" + headed(k))
		case i == 0 && u.kind == bullet && k.source.units[blockStart(k)].kind == bullet:
			b.WriteString(headed(k)) // what it is an item of, nothing else tells
		case i > 0:
			before := quotes[i-1].unit().kind
			switch {
			case listed || u.kind == row || before == row || !sameBlock(k, quotes[i-1]) && before != prose:
				b.WriteByte('\n')
			case lang.Of(text) != desk.Chinese:
				b.WriteByte(' ')
			}
		}
		b.WriteString(cited(text, k.source.number))
		if k.cut {
			b.WriteString("\n\n…")
		}
	}
	return b.String()
}

// headed is the heading of k as it stands above a quote; none for a text that
// has no heading.
func headed(k candidate) string {
	heading := k.source.chunk.NearestHeading()
	if heading == "" {
		return ""
	}
	return "**" + heading + "**\n\n"
}

func sameBlock(a, b candidate) bool {
	return a.source == b.source && a.unit().block == b.unit().block
}

// cited adds the number of a source to a quote.
func cited(text string, number int) string {
	return text + " [" + strconv.Itoa(number) + "]"
}
