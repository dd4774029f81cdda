package offline

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"kefu/internal/lang"
)

// Weights of where a term of the question stands, against the quoted text.
const (
	inHeading = 0.7
	inTitle   = 0.4
)

const (
	// ofContext is what a word weighs that the customer only said beside the
	// question.
	ofContext = 0.3
	// sameQuestion must be shared by a curated question, each way.
	sameQuestion = 0.75
)

// How likely a source answers, beside what retrieval made of it.
const (
	// forHeading is added where the question says all of the nearest heading or
	// of the curated question, and most of that where it says the title.
	forHeading, forTitle = 0.8, 0.7 * forHeading
	// forSteps is what steps are worth to who asks for a way, and forColumns a
	// table with a column for each of two things to who compares them.
	forSteps, forColumns = 1.2, 1.5
	// otherwise is what is left of a source that is headed by something else: by
	// what fails, for who asks plainly, or by another kind of fact.
	otherwise = 0.75
	// nearly must be reached, of the most likely source, by the next.
	nearly = 0.6
)

// corpus is the sources of one prompt in one language, weighed for a question.
type corpus struct {
	question
	sources []source
	weight  map[string]float64 // of each term of the question
	total   float64            // of all of them
	best    float64            // highest prior of the sources
}

// candidate is a unit that may be quoted.
type candidate struct {
	source *source
	index  int // of the unit
	score  float64
	cut    bool // more of its list, or of the sections, follows in the source
}

func (k candidate) unit() unit { return k.source.units[k.index] }

// newCorpus weighs the terms of q: the fewer units hold one, the more it tells
// them apart. A term that none holds weighs as much as one that a single unit
// holds.
func newCorpus(q question, sources []source) *corpus {
	q = q.respelt(sources)
	c := &corpus{question: q, sources: sources, weight: map[string]float64{}}
	held := map[string]float64{}
	units := 0.0
	for _, s := range sources {
		c.best = max(c.best, s.prior)
		for _, t := range q.terms {
			if s.heading[t] || s.title[t] {
				held[t] += 0.5
			}
		}
		for _, u := range s.units {
			units++
			for _, t := range q.terms {
				if u.terms[t] {
					held[t]++
				}
			}
		}
	}
	for _, t := range q.context {
		c.weight[t] = ofContext * math.Log(1+(units+1)/2)
	}
	for i, t := range q.terms {
		w := math.Log(1 + (units+1)/(max(held[t], 1)+1))
		if isHan(t) && (isSingle(t) || held[t] == 0 && lang.Spans(q.raw, i, func(j int) bool { return held[q.terms[j]] > 0 })) {
			w /= 4
		}
		if slices.Contains(q.names, t) {
			w *= 1.5
		}
		c.weight[t] = w
		c.total += w
	}
	return c
}

// curated returns the source whose curated question is the one asked, nil for
// none.
func (c *corpus) curated() *source {
	var found *source
	most := 0.0
	for i := range c.sources {
		s := &c.sources[i]
		if s.curated == "" || len(s.asked) == 0 {
			continue
		}
		asked, shared := set(s.asked), 0.0
		for _, t := range c.terms {
			if asked[t] {
				shared += c.weight[t]
			}
		}
		both := min(shared/c.total, shareHeld(s.asked, c.terms))
		if both >= sameQuestion && both > most && c.namesIn(asked) {
			found, most = s, both
		}
	}
	return found
}

// namesIn tells whether every name in the question is among terms.
func (c *corpus) namesIn(terms map[string]bool) bool {
	return !slices.ContainsFunc(c.names, func(name string) bool { return !terms[name] })
}

// likely returns the sources that may answer the question, the most likely
// first. Those far behind it are none.
func (c *corpus) likely() []*source {
	var list []*source
	likelihood := map[*source]float64{}
	for i := range c.sources {
		s := &c.sources[i]
		likelihood[s] = c.likelihood(s)
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b *source) int { return cmp.Compare(likelihood[b], likelihood[a]) })
	return slices.DeleteFunc(list, func(s *source) bool {
		return likelihood[s] == 0 || likelihood[s] < nearly*likelihood[list[0]]
	})
}

// likelihood is how likely s answers the question: by what retrieval made of
// it, by how far the question says what it is headed by, and by whether it has
// what is asked for. What retrieval made of the whole question tells little of
// a part.
func (c *corpus) likelihood(s *source) float64 {
	likely := c.holds(s)
	if c.best > 0 && !c.part {
		likely = s.prior / c.best
	}
	likely *= 1 + max(forHeading*c.named(s)*math.Sqrt(c.headed(s)), forTitle*shareHeld(s.titled, c.all))
	if s.trouble != c.trouble {
		likely *= otherwise
	}
	if len(s.facts) > 0 && !slices.ContainsFunc(s.facts, func(f *fact) bool { return slices.Contains(c.facts, f) }) {
		likely *= otherwise
	}
	if len(c.facts) > 0 && !slices.ContainsFunc(s.units, c.states) {
		if c.facts[0].must {
			return 0
		}
		likely *= otherwise
	}
	if c.steps && slices.ContainsFunc(s.units, func(u unit) bool { return u.kind == step }) {
		likely *= forSteps
	}
	if c.compares && slices.ContainsFunc(s.units, c.sideBySide) {
		likely *= forColumns
	}
	return likely
}

// named is the share of the words of the nearest heading, or of the curated
// question, that the question says.
func (c *corpus) named(s *source) float64 {
	if s.nearest != "" && strings.Contains(c.text, s.nearest) {
		return 1
	}
	return shareHeld(s.headed, c.all)
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

// rank scores the units of s, best first.
func (c *corpus) rank(s *source) []candidate {
	var ranked []candidate
	must := len(c.facts) > 0 && c.facts[0].must
	for j, u := range s.units {
		own, above := c.held(s, u.terms)
		if own+above == 0 || must && !c.states(u) {
			continue
		}
		score := (own + above) * c.fits(u)
		// Texts begin with what matters most.
		ranked = append(ranked, candidate{source: s, index: j, score: score * (1 + 0.1/float64(1+j))})
	}
	slices.SortStableFunc(ranked, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return ranked
}

// held is the weight of the question's terms in a piece of s, and of those
// that only stand above it.
func (c *corpus) held(s *source, terms map[string]bool) (own, above float64) {
	for _, asked := range [...][]string{c.terms, c.context} {
		for _, t := range asked {
			switch w := c.weight[t]; {
			case terms[t]:
				own += w
			case s.heading[t]:
				above += w * inHeading
			case s.title[t]:
				above += w * inTitle
			}
		}
	}
	return own, above
}

// about is the share of the question that title and heading of s hold.
func (c *corpus) about(s *source) float64 {
	above := 0.0
	for _, t := range c.terms {
		if s.heading[t] || s.title[t] {
			above += c.weight[t]
		}
	}
	return above / c.total
}

// headed is the share of the question that the nearest heading of s holds.
func (c *corpus) headed(s *source) float64 {
	held := 0.0
	for _, t := range c.terms {
		if s.heading[t] {
			held += c.weight[t]
		}
	}
	return held / c.total
}

// titles tells whether heading and title of s all but ask the question.
func (c *corpus) titles(s *source) bool {
	return c.about(s) >= 0.9 && slices.ContainsFunc(c.terms, func(t string) bool { return s.heading[t] })
}

// states tells whether a unit states the kind of fact that is asked for.
func (c *corpus) states(u unit) bool { return statesAny(c.facts, u.bare) }

// counts tells whether text gives a number of what is counted, a word or two
// before it: "the 10 recovery codes", 5 次.
func counts(text string, counted []string) bool {
	terms := allTerms(text)
	for i, t := range terms {
		if strings.Trim(t, "0123456789.") != "" && !numerals[t] {
			continue
		}
		next := terms[i+1 : min(i+2+len(counted), len(terms))]
		all := true
		for _, c := range counted {
			all = all && slices.ContainsFunc(next, func(t string) bool { return t == c || isHan(c) && strings.HasPrefix(t, c) })
		}
		if all {
			return true
		}
	}
	return false
}

var numerals = set(contentTerms(strings.ReplaceAll(lang.NumberWords, "|", " ")))

// fits weighs the form of a unit against what is asked for.
func (c *corpus) fits(u unit) float64 {
	fit := 1.0
	if len(c.facts) > 0 && !c.states(u) {
		fit *= 0.7
	}
	if len(c.counted) > 0 && counts(u.bare, c.counted) {
		fit *= 1.5
	}
	switch {
	case u.kind == lead && !c.steps:
		fit *= 0.8
	case u.promises():
		fit *= 0.3
	case refers(u.bare):
		fit *= 0.7
	}
	switch width := columns(u.bare); {
	case width > 240:
		fit *= 0.8 // holds many words of many questions
	case width < 30 && u.kind == bullet && !c.several:
		fit *= 0.7 // says little alone
	}
	return fit
}
