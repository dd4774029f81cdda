package answer

import (
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

const (
	// repeated is the share of a passage's runs of terms that another holds too
	// from which on it repeats that one, if what is left says nothing new. From
	// mostly on only as much of its score counts as is not repeated (maximal
	// marginal relevance, by product).
	repeated, mostly = 0.8, 0.5
	// runOf is how many terms a run has.
	runOf = 3
)

// told is a passage as it is compared with others that are shown with it.
type told struct {
	passage   desk.Passage
	sentences map[string]bool // in one spelling
	terms     map[string]bool // headings included
	runs      map[string]bool
	numbers   []string
}

func readTold(p desk.Passage) told {
	t := told{passage: p, sentences: map[string]bool{}, terms: map[string]bool{}, runs: map[string]bool{}}
	text := lang.Simplify(p.Text)
	for _, at := range lang.Sentences(text) {
		t.sentences[lang.Normalise(text[at.Start:at.End])] = true
	}
	terms := lang.Terms(text)
	for i := range terms {
		t.runs[strings.Join(terms[i:min(i+runOf, len(terms))], " ")] = true
	}
	for _, term := range slices.Concat(terms, lang.Terms(lang.Simplify(p.Title+"\n"+p.Heading+"\n"+p.Question))) {
		t.terms[term] = true
	}
	t.numbers = lang.Numbers(text)
	return t
}

// share is how much of a passage another holds too, in [0,1].
func (t told) share(of told) float64 {
	same := 0
	for run := range t.runs {
		if of.runs[run] {
			same++
		}
	}
	return float64(same) / float64(max(len(t.runs), 1))
}

// adds tells whether a passage says what another does not: to the question, by
// a number, or by a sentence of either that says no. A tariff differs from the
// next by its price alone. What fewer may be shown adds nothing to replace
// what all may be.
func (t told) adds(to told, question []string) bool {
	if to.passage.LocalOnly && !t.passage.LocalOnly || flagged(to.passage) && !flagged(t.passage) {
		return true
	}
	return slices.ContainsFunc(question, func(term string) bool { return t.terms[term] && !to.terms[term] }) ||
		slices.ContainsFunc(t.numbers, func(n string) bool { return !slices.Contains(to.numbers, n) }) ||
		t.denies(to) || to.denies(t)
}

// denies tells whether a passage has a negated sentence that another has not.
func (t told) denies(other told) bool {
	for sentence := range t.sentences {
		if !other.sentences[sentence] && lang.Negated(sentence) {
			return true
		}
	}
	return false
}

// shown are the passages picked so far for one question.
type shown struct {
	question []string // its content terms
	list     []told
}

func newShown(question string) *shown {
	return &shown{question: lang.ContentTerms(lang.Simplify(question))}
}

// repeats tells which of those shown holds the largest share of a passage, how
// large that is, and whether the passage repeats it and is worth no place.
func (s *shown) repeats(p told) (of desk.ChunkID, share float64, repeat bool) {
	for _, t := range s.list {
		x := p.share(t)
		if x >= repeated && !p.adds(t, s.question) {
			return t.passage.ID, x, true
		}
		if x > share {
			of, share = t.passage.ID, x
		}
	}
	return of, share, false
}

func (s *shown) add(p told) { s.list = append(s.list, p) }
