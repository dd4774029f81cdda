package retrieval

import (
	"math/bits"

	"kefu/internal/lang"
)

// mostMisspelt is how many words of a question are looked for.
const mostMisspelt = 4

// shape is what a misspelt word keeps nearly always: how it begins and, within
// two, how long it is.
type shape struct {
	first  byte
	length int
}

// word is a term and the set of its letters: two words that differ in more
// letters than mistakes can make need no closer look.
type word struct {
	term    string
	letters uint32
}

func letters(term string) (set uint32) {
	for i := range len(term) {
		set |= 1 << (term[i] - 'a')
	}
	return set
}

// shapes sorts the words of a segment that are written in plain letters.
func (s *segment) shapes() map[shape][]word {
	words := make(map[shape][]word)
	for t, term := range s.names {
		if lang.IsSpelt(term) && len(s.postings[t]) > 0 {
			at := shape{term[0], len(term)}
			words[at] = append(words[at], word{term, letters(term)})
		}
	}
	return words
}

// meant returns the word that a customer probably meant by one that no passage
// has: the nearest, of several the most frequent; empty: none is near.
func (ix *Index) meant(term string) string {
	mistakes := lang.Mistakes(term)
	if mistakes == 0 {
		return ""
	}
	best, least, most, set := "", mistakes+1, 0, letters(term)
	for _, p := range ix.parts {
		for length := len(term) - mistakes; length <= len(term)+mistakes; length++ {
			for _, w := range p.words()[shape{term[0], length}] {
				allowed := min(least, mistakes)
				if bits.OnesCount32(w.letters^set) > 2*allowed {
					continue
				}
				d := lang.Distance(term, w.term, allowed)
				if d > allowed {
					continue
				}
				n := 0
				for _, other := range ix.parts {
					n += len(other.list(w.term))
				}
				if d < least || n > most || n == most && w.term < best {
					best, least, most = w.term, d, n
				}
			}
		}
	}
	return best
}
