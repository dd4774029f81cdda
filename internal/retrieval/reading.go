package retrieval

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// term is a term of a segment, by its place in the vocabulary there.
type term int32

const (
	border  term = -1 // behind each field and each sentence of a reading
	unnamed term = -2
)

// reading is a passage as it was read when it was indexed, so that no search
// cuts text into words and sentences again. It takes 4 bytes a term.
type reading struct {
	terms    []term // of title, heading, question and text, in order
	question int    // where that begins,
	text     int    // and where this does
	headed   [3][]term
	numbers  []term // see lang.Numbers
}

// read reads the passage that is to stand at a place, behind all others, and
// counts its terms over its fields, weighted, and its length. Besides the terms
// of package lang every Han character counts, so that one-character questions
// and unusual word breaks find something; those do not add to the length.
func (s *segment) read(cfg Config, p *desk.Passage, at int32) (r reading, length float64) {
	add := func(text string, weight float64) {
		terms := lang.Terms(text)
		for _, name := range terms {
			t := s.term(name)
			r.terms = append(r.terms, t)
			length += weight
			if !isCharacter(name) {
				s.count(t, at, weight)
			}
		}
		for _, n := range partNumbers(terms) {
			t := s.term(n.joined)
			r.terms = append(r.terms, t)
			s.count(t, at, weight)
		}
		for i, c := range text {
			if weight > 0 && unicode.Is(unicode.Han, c) {
				s.count(s.term(text[i:i+utf8.RuneLen(c)]), at, weight)
			}
		}
		r.terms = append(r.terms, border)
	}
	title, heading, question := lang.Simplify(p.Title), lang.Simplify(p.Heading), lang.Simplify(p.Question)
	add(title, cfg.Title)
	add(heading, cfg.Heading)
	r.question = len(r.terms)
	add(question, cfg.Question)
	r.text = len(r.terms)
	text := lang.Simplify(p.Text)
	for _, at := range lang.Sentences(text) {
		add(text[at.Start:at.End], 1)
	}
	r.terms = slices.Clone(r.terms)
	for i, head := range [...]string{title, innermost(heading), question} {
		r.headed[i] = s.termsOf(lang.ContentTerms(head))
	}
	r.numbers = s.termsOf(lang.Numbers(headings(*p) + "\n" + p.Text))
	return r, length
}

// count notes that a term occurs in a passage, no other of which is behind it.
func (s *segment) count(t term, at int32, weight float64) {
	if weight == 0 {
		return
	}
	list := s.postings[t]
	if last := len(list) - 1; last >= 0 && list[last].passage == at {
		list[last].count += float32(weight)
		return
	}
	s.postings[t] = append(list, posting{at, float32(weight)})
}

// innermost is the last of the headings that a path of them names.
func innermost(heading string) string {
	return heading[strings.LastIndex(heading, " › ")+1:]
}

// headings are what a passage is headed by.
func headings(p desk.Passage) string { return p.Title + "\n" + p.Heading + "\n" + p.Question }

// termsOf are the terms of names.
func (s *segment) termsOf(names []string) []term {
	if len(names) == 0 {
		return nil
	}
	terms := make([]term, len(names))
	for i, name := range names {
		terms[i] = s.term(name)
	}
	return terms
}

// with is the reading in another vocabulary.
func (r reading) with(named func(term) term) reading {
	translated := func(terms []term) []term {
		other := slices.Clone(terms)
		for i, t := range other {
			if t != border {
				other[i] = named(t)
			}
		}
		return other
	}
	r.terms, r.numbers = translated(r.terms), translated(r.numbers)
	for i, head := range r.headed {
		r.headed[i] = translated(head)
	}
	return r
}

// pieces yields what stands between borders, from a place on.
func (r reading) pieces(from int) func(yield func([]term) bool) {
	return func(yield func([]term) bool) {
		for start, i := from, from; i < len(r.terms); i++ {
			if r.terms[i] == border {
				if !yield(r.terms[start:i]) {
					return
				}
				start = i + 1
			}
		}
	}
}
