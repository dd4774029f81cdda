package offline

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"kefu/internal/desk"
)

// Weights of where a term of the question stands, against the quoted text.
const (
	inHeading = 0.7
	inTitle   = 0.4
)

// Thresholds, as shares of the weight of the question's terms. They were set
// on questions with and without an answer in both languages.
const (
	// enough must be covered by the quotes and what stands above them. Bigrams
	// find each other by chance more often than words do.
	enoughEnglish = 0.52
	enoughChinese = 0.55
	// enoughSimple is asked of the few sources of a simple question: without an
	// answer it is asked again with more.
	enoughSimple = 0.7
	// enoughVague must be covered by quotes that hold no time or price although
	// one was asked for.
	enoughVague = 0.75
	// enoughAbove must be covered by the heading where the quotes hold next to
	// nothing of the question themselves (enoughInText).
	enoughAbove  = 0.6
	enoughInText = 0.15
	// aboutSteps must be held by the title and heading above the few sources of
	// a simple question for a way: steps of something else mention it, too.
	aboutSteps = 0.5
	// sameQuestion must be shared by a curated question, each way.
	sameQuestion = 0.75
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
}

func (k candidate) unit() unit { return k.source.units[k.index] }

// newCorpus weighs the terms of q: the fewer units hold one, the more it tells
// them apart. A term that none holds weighs as much as one that a single unit
// holds.
func newCorpus(q question, sources []source) *corpus {
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
	for i, t := range q.terms {
		w := math.Log(1 + (units+1)/(max(held[t], 1)+1))
		if isHan(t) && (isSingle(t) || held[t] == 0 && spans(q.raw, i, func(j int) bool { return held[q.terms[j]] > 0 })) {
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
		if both >= sameQuestion && both > most && c.named(asked) {
			found, most = s, both
		}
	}
	return found
}

// named tells whether every name in the question is among terms.
func (c *corpus) named(terms map[string]bool) bool {
	return !slices.ContainsFunc(c.names, func(name string) bool { return !terms[name] })
}

// rank scores all units, best first.
func (c *corpus) rank() []candidate {
	var ranked []candidate
	for i := range c.sources {
		s := &c.sources[i]
		for j, u := range s.units {
			own, above := c.held(s, u.terms)
			score := (own + above) * c.fits(u) * c.prior(s)
			if score > 0 {
				// Texts begin with what matters most.
				ranked = append(ranked, candidate{s, j, score * (1 + 0.1/float64(1+j))})
			}
		}
	}
	slices.SortStableFunc(ranked, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return ranked
}

// held is the weight of the question's terms in a piece of s, and of those
// that only stand above it.
func (c *corpus) held(s *source, terms map[string]bool) (own, above float64) {
	for _, t := range c.terms {
		switch w := c.weight[t]; {
		case terms[t]:
			own += w
		case s.heading[t]:
			above += w * inHeading
		case s.title[t]:
			above += w * inTitle
		}
	}
	return own, above
}

// prior breaks ties: by what retrieval knows of a source, by how near its
// heading is to the wording of the question (积分 › 怎么用 to 积分怎么用), and
// against curated answers to other questions.
func (c *corpus) prior(s *source) float64 {
	worded := 0
	for _, t := range c.all {
		if s.heading[t] {
			worded++
		}
	}
	p := 1 + 0.3*float64(worded)/float64(len(c.all))
	if c.titles(s) {
		p *= 1.3
	}
	if len(s.asked) > 0 {
		p *= 0.8 + 0.2*shareHeld(s.asked, c.all)
	}
	if c.best > 0 {
		p *= 0.8 + 0.2*s.prior/c.best
	}
	return p
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

// titles tells whether heading and title of s all but ask the question.
func (c *corpus) titles(s *source) bool {
	return c.about(s) >= 0.9 && slices.ContainsFunc(c.terms, func(t string) bool { return s.heading[t] })
}

// fits weighs the form of a unit against what is asked for.
func (c *corpus) fits(u unit) float64 {
	fit := 1.0
	if c.when && !holdsTime(u.bare) {
		fit *= 0.7
	}
	if c.price && !holdsPrice(u.bare) {
		fit *= 0.7
	}
	switch {
	case u.kind == lead && !c.steps:
		fit *= 0.8
	case strings.HasSuffix(u.bare, "?") || strings.HasSuffix(u.bare, "？"):
		fit *= 0.5
	}
	switch width := columns(u.bare); {
	case width > 240:
		fit *= 0.8 // holds many words of many questions
	case width < 30 && u.kind == bullet && !c.several:
		fit *= 0.7 // says little alone
	}
	return fit
}

// answers tells whether the quotes cover enough of the question: those of one
// source, since words that are scattered over several are found for any
// question, or of all where the question has parts.
func (c *corpus) answers(quotes []candidate) bool {
	for _, name := range c.names {
		if !slices.ContainsFunc(quotes, func(k candidate) bool { return k.mentions(name) }) {
			return false
		}
	}
	need := enoughEnglish
	if c.lang == desk.Chinese {
		need = enoughChinese
	}
	if c.simple {
		need = enoughSimple
	}
	if (c.when || c.price) && !slices.ContainsFunc(quotes, func(k candidate) bool {
		return c.when && holdsTime(k.unit().bare) || c.price && holdsPrice(k.unit().bare)
	}) {
		need = enoughVague
	}
	for i := range c.sources {
		s := &c.sources[i]
		own, above := c.coverage(s, quotes)
		if own+above < need || own < enoughInText && above < enoughAbove {
			continue
		}
		if !c.simple || !c.steps || c.about(s) >= aboutSteps && quotes[len(quotes)-1].unit().kind != bullet {
			return true
		}
	}
	return false
}

// mentions tells whether the quote or what stands above it holds a term.
func (k candidate) mentions(term string) bool {
	return k.unit().terms[term] || k.source.heading[term] || k.source.title[term]
}

// coverage is the share of the question that the quotes from s hold, and the
// share that only stands above them.
func (c *corpus) coverage(s *source, quotes []candidate) (own, above float64) {
	for _, t := range c.terms {
		switch {
		case slices.ContainsFunc(quotes, func(k candidate) bool { return k.source == s && k.unit().terms[t] }):
			own += c.weight[t]
		case (s.heading[t] || s.title[t]) && slices.ContainsFunc(quotes, func(k candidate) bool { return k.source == s }):
			above += c.weight[t]
		}
	}
	return own / c.total, above / c.total
}
