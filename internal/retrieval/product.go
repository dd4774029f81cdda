package retrieval

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/lang"
)

// product is what a passage calls the thing that a part number stands for: the
// terms of "Slate T10" for LM-3010. (Acronyms that a text spells out were tried
// too: nDCG of en_vagov, which has many, fell from .450 to .448.)
type product struct {
	passage int32
	terms   []string
}

const (
	nameWords   = 4  // that a name before a bracket has at most,
	nameHan     = 6  // characters of one in Chinese
	longest     = 24 // bytes of a part number
	productName = 6  // words of the cell that names a row
)

var partNumberOnly = regexp.MustCompile(`^[A-Za-z]{1,5}[-_/ ]?\d[\w/-]*$`)

// learn notes which part numbers the passage gives a name to.
func (s *segment) learn(at int32, text string) {
	note := func(number, name string) {
		key := joined(number)
		terms := slices.DeleteFunc(lang.ContentTerms(name), func(t string) bool { return joined(t) == key })
		if len(terms) > 0 {
			s.products[key] = append(s.products[key], product{at, slices.Clip(terms)})
		}
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "|") {
			productOfRow(line, note)
		}
		productsInBrackets(line, note)
	}
}

// joined is a part number however it is written.
func joined(text string) string {
	return withoutJoiners(strings.ToLower(strings.ReplaceAll(text, " ", "")))
}

// productOfRow finds the one cell of a table's row that is a part number: the
// first cell says of what.
func productOfRow(line string, note func(number, name string)) {
	var name, number string
	numbers := 0
	for i, cell := range strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|") {
		cell = strings.TrimSpace(cell)
		if _, value, found := strings.Cut(cell, ": "); found { // "Part number: LM-3010"
			cell = value
		}
		switch {
		case len(cell) <= longest && partNumberOnly.MatchString(cell):
			number = cell
			numbers++
		case i == 0:
			name = cell
		}
	}
	if numbers == 1 && name != "" && len(strings.Fields(name)) <= productName {
		note(number, name)
	}
}

// productsInBrackets finds "Slate T10 (LM-3010)".
func productsInBrackets(line string, note func(number, name string)) {
	for rest, from := line, 0; ; {
		open := strings.IndexFunc(rest, func(r rune) bool { return r == '(' || r == '（' })
		if open < 0 {
			return
		}
		_, size := utf8.DecodeRuneInString(rest[open:])
		inside := rest[open+size:]
		end := strings.IndexAny(inside, ")）")
		before := line[:from+open]
		if end >= 0 && end <= longest {
			number := strings.TrimSpace(inside[:end])
			if name := properName(before); name != "" && partNumberOnly.MatchString(number) {
				note(number, name)
			}
		}
		from += open + size
		rest = inside
	}
}

// properName is the run of capitalised or numbered words, or of Han characters,
// at the end of a text.
func properName(text string) string {
	text = strings.TrimRightFunc(text, unicode.IsSpace)
	if last, _ := utf8.DecodeLastRuneInString(text); unicode.Is(unicode.Han, last) {
		runes := []rune(text)
		at := len(runes)
		for at > 0 && len(runes)-at < nameHan && unicode.Is(unicode.Han, runes[at-1]) {
			at--
		}
		return string(runes[at:])
	}
	words := strings.Fields(text)
	at := len(words)
	for at > 0 && len(words)-at < nameWords && proper(words[at-1]) {
		at--
	}
	return strings.Join(words[at:], " ")
}

// proper tells whether a word belongs to a name: it begins with a capital or a
// digit, and nothing ends behind it.
func proper(word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	return (unicode.IsUpper(first) || unicode.IsDigit(first)) && strings.IndexFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-'
	}) < 0
}

// name adds to the part numbers of a question what the knowledge base calls the
// thing: of its names' terms the rarest that is said elsewhere too. A number
// that is said more often than that needs no help.
func (ix *Index) name(q *asked) {
	add := func(number string, of ...string) {
		thing, found := ix.called(*q, number)
		if _, there := q.places[thing.term]; !found || there || thing.rarity > ix.wanted(*q, number).rarity {
			return
		}
		thing.weight = 1 // as much as the number: it is the same thing
		for _, term := range of {
			q.stand(term, thing)
		}
	}
	for _, p := range partNumbers(q.content) {
		add(p.joined, p.of...)
	}
	for _, term := range q.content {
		add(term, term) // written as one word
	}
}

func (ix *Index) called(q asked, number string) (rarest want, found bool) {
	var names int
	var terms []string
	for _, p := range ix.parts {
		for _, known := range p.products[number] {
			if p.dead.has(known.passage) {
				continue
			}
			names++
			terms = append(terms, known.terms...)
		}
	}
	slices.Sort(terms)
	for _, t := range slices.Compact(terms) {
		if w := ix.wanted(q, t); w.found > names && (!found || w.rarity > rarest.rarity) {
			rarest, found = w, true
		}
	}
	return rarest, found
}
