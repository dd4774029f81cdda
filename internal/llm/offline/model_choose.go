package offline

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Weights of where a term of the question stands, against the quoted text.
const (
	inHeading = 0.7
	inTitle   = 0.4
)

// Thresholds, as shares of the weight of the question's terms. They were set
// on questions with and without an answer in both languages.
const (
	// enough must be covered by the quotes and what stands above them.
	enough = 0.5
	// enoughVague must be covered by quotes that hold no time or price although
	// one was asked for.
	enoughVague = 0.75
	// enoughAbove must be covered by the heading where the quotes hold next to
	// nothing of the question themselves (enoughInText).
	enoughAbove  = 0.6
	enoughInText = 0.15
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
		if isHan(t) && (isSingle(t) || held[t] == 0 && c.bridges(i, held)) {
			w /= 4
		}
		c.weight[t] = w
		c.total += w
	}
	return c
}

// bridges tells whether a Han bigram that no source holds overlaps one that
// is held: then it probably spans the border of two words (机没 in 耳机没声音).
func (c *corpus) bridges(i int, held map[string]float64) bool {
	overlaps := func(a, b string) bool {
		ra, rb := []rune(a), []rune(b)
		return isHan(a) && isHan(b) && ra[len(ra)-1] == rb[0]
	}
	return i > 0 && held[c.terms[i-1]] > 0 && overlaps(c.terms[i-1], c.terms[i]) ||
		i+1 < len(c.terms) && held[c.terms[i+1]] > 0 && overlaps(c.terms[i], c.terms[i+1])
}

// curated returns the source whose curated question is the one asked, nil for
// none.
func (c *corpus) curated() *source {
	var found *source
	most := 0.0
	ours := set(c.terms)
	for i := range c.sources {
		s := &c.sources[i]
		if s.curated == "" || len(s.asked) == 0 {
			continue
		}
		asked, shared, theirs := set(s.asked), 0.0, 0.0
		for _, t := range c.terms {
			if asked[t] {
				shared += c.weight[t]
			}
		}
		for _, t := range s.asked {
			if ours[t] {
				theirs++
			}
		}
		both := min(shared/c.total, theirs/float64(len(s.asked)))
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

// prior lets what retrieval knows of a source break ties.
func (c *corpus) prior(s *source) float64 {
	if c.best <= 0 {
		return 1
	}
	return 0.8 + 0.2*s.prior/c.best
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
	if columns(u.bare) > 240 {
		fit *= 0.8 // holds many words of many questions
	}
	return fit
}

// answers tells whether the quotes cover enough of the question.
func (c *corpus) answers(quotes []candidate) bool {
	inText, above := map[string]bool{}, map[string]bool{}
	pointed := !c.when && !c.price
	for _, k := range quotes {
		u := k.unit()
		for _, t := range c.terms {
			inText[t] = inText[t] || u.terms[t]
			above[t] = above[t] || k.source.heading[t] || k.source.title[t]
		}
		pointed = pointed || c.when && holdsTime(u.bare) || c.price && holdsPrice(u.bare)
	}
	own, all, over := 0.0, 0.0, 0.0
	for _, t := range c.terms {
		if inText[t] {
			own += c.weight[t]
		}
		if above[t] {
			over += c.weight[t]
		}
		if inText[t] || above[t] {
			all += c.weight[t]
		}
	}
	for _, name := range c.names {
		if !inText[name] && !above[name] {
			return false
		}
	}
	need := enough
	if !pointed {
		need = enoughVague
	}
	return all >= need*c.total && (own >= enoughInText*c.total || over >= enoughAbove*c.total)
}
