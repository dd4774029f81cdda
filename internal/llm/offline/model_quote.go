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
	comparedRows              = 8
)

const (
	// worthAdding is the gain, against the first quote's score, from which
	// another quote is added; it must also reach comparable of that score.
	worthAdding = 0.35
	comparable  = 0.6
	// listFits is the share of the best unit's score that a list must reach to
	// be preferred when the question asks for a way to do something.
	listFits = 0.75
)

// quote answers q from sources, or returns "" when they do not answer it.
func quote(q question, sources []source) string {
	if len(sources) == 0 || len(q.terms) == 0 {
		return ""
	}
	c := newCorpus(q, sources)
	if s := c.curated(); s != nil {
		return cited(s.curated, s.number)
	}
	ranked := c.rank()
	if len(ranked) == 0 {
		return ""
	}
	for _, form := range []func([]candidate) []candidate{c.list, c.rows, c.run, c.pick} {
		if quotes := form(ranked); len(quotes) > 0 && c.answers(quotes) {
			return render(quotes)
		}
	}
	return ""
}

// list is the best list, when the question asks for a way to do something.
func (c *corpus) list(ranked []candidate) []candidate {
	if !c.steps {
		return nil
	}
	var best []candidate
	most := listFits * ranked[0].score
	for i := range c.sources {
		s := &c.sources[i]
		for first := 0; first < len(s.units); {
			list := block(s, first)
			first += len(list)
			kind := list[len(list)-1].unit().kind
			if len(list) < 2 || kind != step && kind != bullet {
				continue
			}
			terms := map[string]bool{}
			for _, k := range list {
				for t := range k.unit().terms {
					terms[t] = true
				}
			}
			own, above := c.held(s, terms)
			score := (0.8*own + 1.2*above) * c.prior(s)
			if kind == bullet {
				score *= 0.8
			}
			if score > most {
				best, most = list, score
			}
		}
	}
	return within(best, listItems, listWidth)
}

// rows is the rows of a table that hold as much of a comparison as the best
// unit, when that is one of them.
func (c *corpus) rows(ranked []candidate) []candidate {
	first := ranked[0]
	if !c.compares || first.unit().kind != row {
		return nil
	}
	most, _ := c.held(first.source, first.unit().terms)
	var rows []candidate
	for i, u := range first.source.units {
		if own, _ := c.held(first.source, u.terms); u.kind == row && u.block == first.unit().block && own >= most {
			rows = append(rows, candidate{source: first.source, index: i})
		}
	}
	return within(rows, comparedRows, proseWidth)
}

// run is the beginning of a section whose heading, more than any sentence, is
// what the question is about; and the whole list when the best unit leads to
// one.
func (c *corpus) run(ranked []candidate) []candidate {
	first := ranked[0]
	own, above := c.held(first.source, first.unit().terms)
	switch {
	case first.unit().kind == lead:
		return within(block(first.source, first.index), listItems, listWidth)
	case first.unit().kind == row || own >= above || c.when || c.price:
		return nil
	case first.unit().kind == step || first.unit().kind == bullet:
		return within(block(first.source, blockStart(first)), listItems, listWidth)
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
	picked := ranked[:1:1]
	take := func(k candidate) {
		if !slices.ContainsFunc(picked, k.repeats) && len(within(append(picked, k), c.most(), proseWidth)) > len(picked) {
			picked = append(picked, k)
		}
	}
	if next, ok := c.following(ranked[0]); ok {
		take(next)
	}
	for _, k := range ranked[1:] {
		if k.score >= comparable*ranked[0].score && c.gain(k, picked) >= worthAdding*ranked[0].score && k.unit().kind != lead {
			take(k)
		}
	}
	slices.SortStableFunc(picked, func(a, b candidate) int {
		if a.source == b.source {
			return cmp.Compare(a.index, b.index)
		}
		return 0
	})
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
	return next, goesOn(u.bare) || c.when && holdsTime(u.bare) || c.price && holdsPrice(u.bare)
}

// gain is the weight of the question's terms that k holds and picked does not.
func (c *corpus) gain(k candidate, picked []candidate) float64 {
	gain := 0.0
	for _, t := range c.terms {
		if k.unit().terms[t] && !slices.ContainsFunc(picked, func(p candidate) bool { return p.unit().terms[t] }) {
			gain += c.weight[t]
		}
	}
	return gain
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
// lists and rows of tables on lines of their own.
func render(quotes []candidate) string {
	var b strings.Builder
	for i, k := range quotes {
		u := k.unit()
		text := u.bare
		listed := len(quotes) > 1 && (u.kind == step || u.kind == bullet)
		if listed {
			text = u.text
		}
		if i > 0 {
			before := quotes[i-1].unit().kind
			switch {
			case listed || u.kind == row || before == row || before == step || before == bullet:
				b.WriteByte('\n')
			case lang.Of(text) != desk.Chinese:
				b.WriteByte(' ')
			}
		}
		b.WriteString(cited(text, k.source.number))
	}
	return b.String()
}

// cited adds the number of a source to a quote.
func cited(text string, number int) string {
	return text + " [" + strconv.Itoa(number) + "]"
}
