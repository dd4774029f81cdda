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
	e.Absent = 1
	for n, passage := range found {
		at, place, ok := w.ix.find(passage.ID)
		if !ok {
			continue
		}
		p, roles := w.ix.parts[at], w.reader.roles(at)
		text := p.readings[place]
		head := text.terms[:text.text]
		for sentence := range text.pieces(text.text) {
			w.reader.begin()
			if held := (w.reader.held(roles, head) + w.reader.held(roles, sentence)) / w.all; held > e.Sentence {
				e.Sentence, e.Absent = held, w.reader.absent()/w.rarest
			}
			e.Characters = max(e.Characters, p.characters(characters, head, sentence))
		}
		paired := w.reader.paired(at, place)
		e.Paired, e.Alike = max(e.Paired, paired), max(e.Alike, w.reader.alike(at, place))
		if n == 0 {
			e.FirstPairs = paired
			w.reader.begin()
			e.Headed = w.reader.held(roles, head) / w.all
			e.Named, e.Unheaded = w.named(at, text)
			e.Numbers = p.lacking(text, q.Text)
			e.Vector = passage.Vector // as Search or Compare was told
			if cosine, ok := p.cosine(place, unit(q.Vector), nil); ok {
				e.Vector = cosine
			}
		}
	}
}

// lacking counts the numbers of the question that a passage does not have, as a
// term either: AB 1203 is two words and one number.
func (p part) lacking(text reading, question string) (n int) {
	for _, number := range lang.Numbers(question) {
		if !slices.ContainsFunc(text.numbers, func(t term) bool { return p.names[t] == number || isPartOf(p.names[t], number) }) && !p.holds(text, number) {
			n++
		}
	}
	return n
}

// holds tells whether a reading has the term of a name.
func (p part) holds(text reading, name string) bool {
	t, known := p.vocabulary[name]
	return known && slices.Contains(text.terms, t)
}

// isPartOf tells whether digits may be those of a part number: 1203 of ab1203.
func isPartOf(number, digits string) bool {
	prefix, found := strings.CutSuffix(number, digits)
	return found && isPrefix(prefix)
}

// characters are the Han characters of the question's terms, as terms.
func (w *weighing) characters() []want {
	var list []want
	for _, t := range w.terms {
		for _, r := range t.term {
			one := string(r)
			if unicode.Is(unicode.Han, r) && !slices.ContainsFunc(list, func(w want) bool { return w.term == one }) {
				list = append(list, want{term: one, weight: w.ix.wanted(w.asked, one).rarity})
			}
		}
	}
	return list
}

// characters is what a sentence and what is above it hold of these, 0 of none.
func (p part) characters(list []want, head, sentence []term) float64 {
	held, all := 0.0, 0.0
	for _, c := range list {
		all += c.weight
		has := func(t term) bool { return t != border && strings.Contains(p.names[t], c.term) }
		if slices.ContainsFunc(sentence, has) || slices.ContainsFunc(head, has) {
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
func (w *weighing) named(at int, text reading) (share float64, unheaded bool) {
	unheaded = true
	for _, head := range text.headed {
		held, all := 0.0, 0.0
		for _, t := range head {
			weight, name := w.ix.rarityOf(at, t), w.ix.parts[at].names[t]
			all += weight
			if slices.ContainsFunc(w.terms, func(t meaning) bool { return t.term == name }) {
				held += weight
			}
		}
		if all > 0 {
			share, unheaded = max(share, held/all), false
		}
	}
	return share, unheaded
}
