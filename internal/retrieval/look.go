package retrieval

import (
	"slices"
	"strings"
	"unicode"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// look reads the passages themselves, the first of them closely: what all of a
// passage holds may stand far apart in it.
func (w *weighing) look(e *Evidence, q Query, found []desk.Passage) {
	characters := w.characters()
	first := found[0]
	var pieces []*piece // of the first
	for n, p := range found {
		head := newPiece(headings(p), nil)
		if n == 0 {
			e.Headed = w.share(head)
			pieces = append(pieces, head)
		}
		for _, at := range lang.Sentences(p.Text) {
			sentence := newPiece(p.Text[at.Start:at.End], head)
			if n == 0 {
				pieces = append(pieces, sentence)
			}
			e.Sentence = max(e.Sentence, w.share(sentence))
			e.Characters = max(e.Characters, sentence.characters(characters))
		}
	}
	e.Named, e.Unheaded = w.named(first)
	e.Numbers = lacking(headings(first)+"\n"+first.Text, pieces, q.Text)
	e.Vector = w.ix.similarity(first.ID, unit(q.Vector))
}

// headings are what a passage is headed by.
func headings(p desk.Passage) string { return p.Title + "\n" + p.Heading + "\n" + p.Question }

// lacking counts the numbers of the question that a text does not have, in any
// of its pieces either: AB 1203 is two words and one number.
func lacking(text string, pieces []*piece, question string) (n int) {
	has := lang.Numbers(text)
	for _, number := range lang.Numbers(question) {
		if !slices.ContainsFunc(has, func(h string) bool { return h == number || isPartOf(h, number) }) &&
			!slices.ContainsFunc(pieces, func(p *piece) bool { return p.terms[number] }) {
			n++
		}
	}
	return n
}

// isPartOf tells whether digits may be those of a part number: 1203 of ab1203.
func isPartOf(number, digits string) bool {
	prefix, found := strings.CutSuffix(number, digits)
	return found && isPrefix(prefix)
}

// similarity is the cosine similarity of a chunk with a vector of length 1, 0
// where they cannot be compared.
func (ix *Index) similarity(id desk.ChunkID, vector []float32) float64 {
	for _, p := range ix.parts {
		if at, ok := p.find(id); ok && sameSpace(p.vectors[at], vector) {
			return dot(vector, p.vectors[at])
		}
	}
	return 0
}

// piece is a part of a passage that is read by itself, below its headings.
type piece struct {
	text  string // in simplified characters
	terms map[string]bool
	below *piece
}

func newPiece(text string, below *piece) *piece {
	p := &piece{text: lang.Simplify(text), terms: make(map[string]bool), below: below}
	terms := lang.Terms(p.text)
	for _, term := range terms {
		p.terms[term] = true
	}
	for _, n := range partNumbers(terms) {
		p.terms[n.joined] = true
	}
	return p
}

func (p *piece) has(term string) bool { return p.terms[term] || p.below != nil && p.below.has(term) }

// rarity is that of any term.
func (w *weighing) rarity(term string) float64 { return w.ix.wanted(w.asked, term).rarity }

// share is what a piece holds of the question's terms.
func (w *weighing) share(p *piece) float64 {
	held := 0.0
	for _, t := range w.terms {
		if p.has(t.term) || slices.ContainsFunc(t.synonyms, func(s want) bool { return p.has(s.term) }) {
			held += t.weight
		}
	}
	return held / w.all
}

// characters are the Han characters of the question's terms, as terms.
func (w *weighing) characters() []want {
	var list []want
	for _, t := range w.terms {
		for _, r := range t.term {
			one := string(r)
			if unicode.Is(unicode.Han, r) && !slices.ContainsFunc(list, func(w want) bool { return w.term == one }) {
				list = append(list, want{term: one, weight: w.rarity(one)})
			}
		}
	}
	return list
}

// characters is what a piece holds of these, 0 of none.
func (p *piece) characters(list []want) float64 {
	held, all := 0.0, 0.0
	for _, c := range list {
		all += c.weight
		if strings.Contains(p.text, c.term) || p.below != nil && strings.Contains(p.below.text, c.term) {
			held += c.weight
		}
	}
	if all == 0 {
		return 0
	}
	return held / all
}

// named is how far the question says what a passage is headed by: a title
// says what a page is about, and who asks of something else does not name it.
func (w *weighing) named(p desk.Passage) (share float64, unheaded bool) {
	inner := p.Heading
	if i := strings.LastIndex(inner, " › "); i >= 0 {
		inner = inner[i:]
	}
	unheaded = true
	for _, head := range [...]string{p.Title, inner, p.Question} {
		held, all := 0.0, 0.0
		for _, term := range lang.ContentTerms(head) {
			weight := w.rarity(term)
			all += weight
			if slices.ContainsFunc(w.terms, func(t meaning) bool { return t.term == term }) {
				held += weight
			}
		}
		if all > 0 {
			share, unheaded = max(share, held/all), false
		}
	}
	return share, unheaded
}
