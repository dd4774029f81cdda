package offline

import (
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// What speaks for an answer is added up, in shares of the weight of the
// question's terms. All were set on questions with and without an answer in
// both languages.
const (
	// enoughEnglish and enoughChinese must be reached. Of Chinese bigrams a fit
	// answer holds fewer than of words.
	enoughEnglish = 0.8
	enoughChinese = 0.75
	// forNamed counts when the question says all that the source is headed by,
	// forFact when the quotes state what is asked for and few texts do: any text
	// may hold some number.
	forNamed = 0.5
	forFact  = 0.2
	// soleNamed must be named of the heading or the title, where the question
	// has one term.
	soleNamed = 0.25
	// reworded is the share of a question's terms that a curated question may lack
	// and still ask the same.
	reworded = 1.0 / 3
	// ofName is what a name counts: it is held in any case, and to know the
	// product is not to know what was asked of it.
	ofName = 0.5
)

// answers tells whether quotes from one source answer the question: they hold
// its names, say something, and enough speaks for them.
func (c *corpus) answers(quotes []candidate) bool {
	some := func(holds func(candidate) bool) bool { return slices.ContainsFunc(quotes, holds) }
	for _, name := range c.names {
		if !some(func(k candidate) bool { return k.mentions(name) }) {
			return false
		}
	}
	if !some(func(k candidate) bool {
		return !k.unit().promises() && !refers(k.unit().bare) && (k.unit().kind != lead || len(quotes) == 1)
	}) {
		return false
	}
	stated := some(func(k candidate) bool { return c.states(k.unit()) })
	named := c.named(quotes[0].source)
	if len(c.terms) == 1 && !stated && max(named, shareHeld(quotes[0].source.titled, c.all)) < soleNamed {
		return false // many texts hold one word
	}
	if s := quotes[0].source; s.lang == c.lang && c.namesOnly(s.headed) { // of another language it can hold no more
		named *= ofName
	}
	speaks := c.covered(quotes, stated)
	if c.ofAnother(quotes[0].source) {
		named = 0 // the words that they share tell nothing
	}
	speaks += forNamed * named
	if stated && c.facts[0].must && c.facts[0] != aNumber {
		speaks += forFact
	}
	if c.lang == desk.Chinese {
		return speaks >= enoughChinese
	}
	return speaks >= enoughEnglish
}

// ofAnother tells whether a curated question asks the same of something else:
// it has a word that the question lacks, and what it lacks of the question is
// more than another way to put it.
func (c *corpus) ofAnother(s *source) bool {
	if s.curated == "" || !slices.ContainsFunc(s.asked, func(t string) bool { return !slices.Contains(c.all, t) && !written(t, c.text) }) {
		return false
	}
	asked, lacks, all := lang.Normalise(s.chunk.Question), 0.0, 0.0
	for _, t := range c.terms {
		if c.naming[t] {
			continue
		}
		all++
		if !s.heading[t] && !s.title[t] && !written(t, asked) && !slices.ContainsFunc(s.units, func(u unit) bool { return u.terms[t] }) {
			lacks++
		}
	}
	return lacks > reworded*all
}

// written tells whether a text has the characters of a Han bigram, in any order:
// one that spans two words is as good as held where both of these are.
func written(term, text string) bool {
	return isHan(term) && !strings.ContainsFunc(term, func(r rune) bool { return !strings.ContainsRune(text, r) })
}

// namesOnly tells whether all that the question says of a heading is names.
func (c *corpus) namesOnly(heading []string) bool {
	return !slices.ContainsFunc(heading, func(t string) bool {
		return slices.Contains(c.terms, t) && !slices.Contains(c.names, t)
	})
}

// mentions tells whether the quote or what stands above it holds a term.
func (k candidate) mentions(term string) bool {
	return k.unit().terms[term] || k.source.heading[term] || k.source.title[term]
}

// covered is the share of what is asked that the quotes and what stands above
// them hold. Where they state a fact of the kind that is asked for, the words
// for that kind are left out.
func (c *corpus) covered(quotes []candidate, stated bool) float64 {
	held, all := 0.0, 0.0
	count := func(t string) {
		w := c.weight[t]
		switch {
		case stated && c.naming[t]:
			return
		case slices.Contains(c.names, t):
			w *= ofName
		}
		all += w
		if slices.ContainsFunc(quotes, func(k candidate) bool { return k.mentions(t) }) {
			held += w
		}
	}
	for _, t := range c.terms {
		count(t)
	}
	if !c.part {
		for _, t := range c.context {
			count(t)
		}
	}
	if all == 0 {
		return 1
	}
	return held / all
}
