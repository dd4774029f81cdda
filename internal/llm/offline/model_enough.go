package offline

import (
	"slices"

	"kefu/internal/desk"
)

// Thresholds, as shares of the weight of the question's terms. They were set
// on questions with and without an answer in both languages.
const (
	// enough must be covered by the quotes and what stands above them, and a
	// little more where retrieval does not tell what the source covers. Bigrams
	// find each other by chance more often than words do.
	enoughEnglish = 0.45
	enoughChinese = 0.51
	moreUnknown   = 0.07
	// enoughKnown is asked by the weights of the whole knowledge base, which
	// knows better than a few sources how much a word tells.
	enoughKnownEnglish = 0.6
	enoughKnownChinese = 0.45
	// enoughSimple is asked of the few sources of a simple question: without an
	// answer it is asked again with more.
	enoughSimple = 0.7
	// enoughFact is asked of a simple question's quotes that state the kind of
	// fact that was asked for; enoughVague of any that do not, most of it in the
	// quotes themselves.
	enoughFact  = 0.5
	enoughVague = 0.75
	// enoughAsked must be covered of what is not a name: to know the product is
	// not to know what was asked of it.
	enoughAsked = 0.34
	// negligible is the share below which what is not a name may be missing.
	negligible = 0.15
	// implied is what a term weighs that only names the kind of fact (a period
	// is "valid", an amount a "price") where the quotes state one without it.
	implied = 0.25
	// enoughAbove must be covered by the heading where the quotes hold next to
	// nothing of the question themselves (enoughInText).
	enoughAbove  = 0.6
	enoughInText = 0.15
	// aboutSteps must be held by the title and heading above the few sources of
	// a simple question for a way: steps of something else mention it, too.
	aboutSteps = 0.5
)

// evidence is what quotes do for a question as a whole.
type evidence struct {
	quotes []candidate
	stated bool // a quote states the kind of fact that is asked for
	vague  bool // none does, or none counts what is to be counted
}

// answers tells whether the quotes cover enough of the question: those of one
// source, since words that are scattered over several are found for any
// question.
func (c *corpus) answers(quotes []candidate) bool {
	some := func(holds func(candidate) bool) bool { return slices.ContainsFunc(quotes, holds) }
	for _, name := range c.names {
		if !some(func(k candidate) bool { return k.mentions(name) }) {
			return false
		}
	}
	if !some(func(k candidate) bool { return !k.unit().asksBack() && (k.unit().kind != lead || len(quotes) == 1) }) {
		return false
	}
	e := evidence{quotes: quotes, stated: some(func(k candidate) bool { return c.states(k.unit()) })}
	e.vague = len(c.facts) > 0 && !e.stated || len(c.counted) > 0 && !some(func(k candidate) bool { return counts(k.unit().bare, c.counted) })
	if e.vague && c.simple {
		return false // among more sources there may be one that states it
	}
	for i := range c.sources {
		if c.supports(&c.sources[i], e) {
			return true
		}
	}
	return false
}

// supports tells whether the quotes from s are enough.
func (c *corpus) supports(s *source, e evidence) bool {
	need, known := c.need(e)
	got := c.coverage(s, e)
	switch {
	case s.covers == 0 && got.own+got.above < need+moreUnknown:
		return false
	case got.own+got.above < need || got.asked < enoughAsked:
		return false
	case e.vague && got.own < enoughFact:
		return false
	case !e.stated && c.known > 0 && s.covers > 0 && (got.own+got.above)*s.covers/c.holds(s) < known*c.known:
		return false
	case got.own < enoughInText && (got.above < enoughAbove || !c.headed(s, e.quotes[0].unit())):
		return false
	case c.simple && c.steps:
		return c.about(s) >= aboutSteps && e.quotes[len(e.quotes)-1].unit().kind != bullet
	}
	return true
}

// need is the share of the question that must be covered, by the weights of
// the sources and by those of the whole knowledge base.
func (c *corpus) need(e evidence) (need, known float64) {
	need, known = enoughEnglish, enoughKnownEnglish
	if c.lang == desk.Chinese {
		need, known = enoughChinese, enoughKnownChinese
	}
	switch {
	case e.vague:
		need = enoughVague
	case c.simple && e.stated:
		need = enoughFact
	case c.simple:
		need = enoughSimple
	}
	return need, known
}

// headed tells whether a unit that holds next to nothing of the question may
// answer it by its heading. An item of a list says one thing of several: it
// may only where the question asks for all, or the heading asks the question.
func (c *corpus) headed(s *source, u unit) bool {
	if u.kind != bullet && u.kind != step {
		return true
	}
	return c.steps || len(c.facts) == 0 && c.titles(s)
}

// mentions tells whether the quote or what stands above it holds a term.
func (k candidate) mentions(term string) bool {
	return k.unit().terms[term] || k.source.heading[term] || k.source.title[term]
}

// holds is the share of the question that all of s holds.
func (c *corpus) holds(s *source) float64 {
	all := 0.0
	for _, t := range c.terms {
		if s.heading[t] || s.title[t] || slices.ContainsFunc(s.units, func(u unit) bool { return u.terms[t] }) {
			all += c.weight[t]
		}
	}
	return all / c.total
}

// shares of the weight of a question.
type shares struct {
	own   float64 // the quotes hold
	above float64 // only stands above them
	asked float64 // either holds of what names neither a thing nor the kind of fact stated
}

// coverage is what the quotes from s hold of the question.
func (c *corpus) coverage(s *source, e evidence) shares {
	var got shares
	var total, rest float64
	quoted := func(holds func(unit) bool) bool {
		return slices.ContainsFunc(e.quotes, func(k candidate) bool { return k.source == s && holds(k.unit()) })
	}
	some := quoted(func(unit) bool { return true })
	terms := c.terms
	if !c.part {
		terms = slices.Concat(c.terms, c.context)
	}
	for _, t := range terms {
		w := c.weight[t]
		found := true
		switch {
		case quoted(func(u unit) bool { return u.terms[t] }):
			got.own += w
		case some && (s.heading[t] || s.title[t]):
			got.above += w
		default:
			found = false
			if e.stated && c.naming[t] {
				w *= implied
			}
		}
		total += w
		if !slices.Contains(c.names, t) && !(e.stated && c.naming[t]) {
			rest += w
			if found {
				got.asked += w
			}
		}
	}
	if got.asked /= rest; rest < negligible*total {
		got.asked = 1
	}
	got.own /= total
	got.above /= total
	return got
}
