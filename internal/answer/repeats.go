package answer

import (
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

const (
	// A passage is compared with others by the share of its runs of terms that they
	// hold too. From repeated on it is a repetition, unless it adds something (told.adds).
	// From mostly on, its score is multiplied by the share that is new (maximal
	// marginal relevance).
	repeated, mostly = 0.8, 0.5
	// runOf is how many terms a run has.
	runOf = 3
)

// told is a passage, read for the comparison with others in the same prompt.
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

// share is how much of t is also in of, in [0,1].
func (t told) share(of told) float64 {
	same := 0
	for run := range t.runs {
		if of.runs[run] {
			same++
		}
	}
	return float64(same) / float64(max(len(t.runs), 1))
}

// adds tells whether t says anything that to does not: a term of the question, a
// number (a tariff may differ from the next by its price alone), or a negated
// sentence in one of them. It also does where to is for private models alone or
// flagged and t is not: then to must not take the place of t.
func (t told) adds(to told, question []string) bool {
	if to.passage.LocalOnly && !t.passage.LocalOnly || flagged(to.passage) && !flagged(t.passage) {
		return true
	}
	return slices.ContainsFunc(question, func(term string) bool { return t.terms[term] && !to.terms[term] }) ||
		slices.ContainsFunc(t.numbers, func(n string) bool { return !slices.Contains(to.numbers, n) }) ||
		t.denies(to) || to.denies(t)
}

// denies tells whether t has a negated sentence that other has not.
func (t told) denies(other told) bool {
	for sentence := range t.sentences {
		if !other.sentences[sentence] && lang.Negated(sentence) {
			return true
		}
	}
	return false
}

// shown are the passages picked so far for the prompt of one question.
type shown struct {
	question []string // its content terms
	list     []told
}

func newShown(question string) *shown {
	return &shown{question: lang.ContentTerms(lang.Simplify(question))}
}

// repeats tells which passage picked so far holds the largest share of p, how
// large that share is, and whether p is a repetition of it.
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
