// Package match decides whether two questions are the same question, so that
// the answer curated for one may be given to the other. It would rather say no:
// a wrong curated answer is worse than none.
package match

import (
	"slices"
	"sync"

	"github.com/maypok86/otter/v2"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Threshold is the similarity from which two questions whose guards agree are
// the same. Source: measured on question pairs in both languages, where it
// leaves fewer than one in a hundred different questions.
const Threshold = 0.87

// Same reports whether two questions are the same; see Question.Same.
func Same(asked, curated string) (similarity float64, same bool) {
	return Read(asked).Same(Read(curated))
}

// Question is a question taken apart, as far as comparisons need it: most end
// at the numbers. It is safe for concurrent use.
type Question struct {
	plain   string // normalised
	lang    desk.Lang
	numbers []string // in order
	reading func() reading
}

// Read takes a question apart, in some 4 µs, and 20 µs more at the first
// comparison that has to look closer.
func Read(text string) Question {
	return Question{lang.Normalise(text), lang.Of(text), lang.Numbers(text), sync.OnceValue(func() reading { return read(text) })}
}

// Same compares a customer's question with a curated one. similarity, in
// [0,1], says how much of the words that carry content each has in common with
// the other; it is symmetric, 1 for questions that differ in spelling only, and
// 0 for those of other languages or numbers. same is true when similarity is
// high and nothing sets the two apart: language, numbers, negation, what is
// asked for (a way, a time, a price, …), names of places, units and opposites,
// and the order of the words.
func (q Question) Same(curated Question) (similarity float64, same bool) {
	switch {
	case q.plain == curated.plain:
		return 1, q.plain != ""
	case q.lang != curated.lang, !slices.Equal(q.numbers, curated.numbers):
		return 0, false
	}
	a, b := q.reading(), curated.reading()
	if len(a.terms) == 0 || len(b.terms) == 0 {
		return 0, false
	}
	similarity = coverage(a.terms, b.terms)
	return similarity, similarity >= Threshold && agree(a, b)
}

// remembered is how many questions a Reader keeps.
const remembered = 4096

// Reader reads questions that come again, such as curated ones, once. It is
// safe for concurrent use.
type Reader struct {
	known *otter.Cache[string, Question]
}

// NewReader returns a Reader. It holds no goroutine.
func NewReader() *Reader {
	return &Reader{known: otter.Must(&otter.Options[string, Question]{MaximumSize: remembered})}
}

// Read is Read, at the cost of a look-up the second time.
func (r *Reader) Read(text string) Question {
	q, ok := r.known.GetIfPresent(text)
	if !ok {
		q = Read(text)
		r.known.Set(text, q)
	}
	return q
}

// agree tells whether nothing sets the two questions apart.
func agree(a, b reading) bool {
	return a.negated == b.negated &&
		(compatible(a.kind, b.kind) || a.awaits && b.awaits) &&
		slices.Equal(a.contrasts, b.contrasts) &&
		slices.Equal(a.regions, b.regions) &&
		slices.Equal(a.origins, b.origins) &&
		sameOrder(a.terms, b.terms)
}

// coverage is the weight of the terms in common among the weight of all: 1
// when each covers the other.
func coverage(a, b []string) float64 {
	left := map[string]int{}
	total, common := 0.0, 0.0
	for _, t := range b {
		left[t]++
		total += weight(t)
	}
	for _, t := range a {
		total += weight(t)
		if left[t] > 0 {
			left[t]--
			common += 2 * weight(t)
		}
	}
	return common / total
}

// weight is low for words that many questions hold whatever they ask.
func weight(term string) float64 {
	if _, ok := light[term]; ok {
		return 0.2
	}
	return 1
}

// sameOrder tells whether the terms in common stand in the same order: to move
// from savings to checking is not to move from checking to savings.
func sameOrder(a, b []string) bool {
	inA, inB := map[string]bool{}, map[string]bool{}
	for _, t := range a {
		inA[t] = true
	}
	for _, t := range b {
		inB[t] = true
	}
	a = slices.DeleteFunc(slices.Clone(a), func(t string) bool { return !inB[t] })
	b = slices.DeleteFunc(slices.Clone(b), func(t string) bool { return !inA[t] })
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
