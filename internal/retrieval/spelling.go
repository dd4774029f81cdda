package retrieval

import (
	"math/bits"
	"strings"
)

const (
	shortestMisspelt = 5 // letters; shorter words are too near each other
	longestMisspelt  = 32
	twoMistakes      = 8 // letters from which on there may be two
	mostMisspelt     = 4 // words of a question that are looked for
)

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
	for term := range s.postings {
		if spelt(term) {
			at := shape{term[0], len(term)}
			words[at] = append(words[at], word{term, letters(term)})
		}
	}
	return words
}

// spelt tells whether a term is a word that may be misspelt.
func spelt(term string) bool {
	return len(term) >= shortestMisspelt-1 && len(term) <= longestMisspelt &&
		strings.IndexFunc(term, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

// meant returns the word that a customer probably meant by one that no passage
// has: the nearest, of several the most frequent; empty: none is near.
func (ix *Index) meant(term string) string {
	if len(term) < shortestMisspelt || !spelt(term) {
		return ""
	}
	mistakes := 1
	if len(term) >= twoMistakes {
		mistakes = 2
	}
	best, least, most, set := "", mistakes+1, 0, letters(term)
	for _, p := range ix.parts {
		for length := len(term) - mistakes; length <= len(term)+mistakes; length++ {
			for _, w := range p.words()[shape{term[0], length}] {
				allowed := min(least, mistakes)
				if bits.OnesCount32(w.letters^set) > 2*allowed {
					continue
				}
				d := distance(term, w.term, allowed)
				if d > allowed {
					continue
				}
				n := 0
				for _, other := range ix.parts {
					n += len(other.postings[w.term])
				}
				if d < least || n > most || n == most && w.term < best {
					best, least, most = w.term, d, n
				}
			}
		}
	}
	return best
}

// distance is how many letters were left out, added, exchanged or swapped with
// the next between two words of at most longestMisspelt letters, or any number
// above most.
func distance(a, b string, most int) int {
	var rows [3][longestMisspelt + 1]int
	before, above, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			d := min(above[j], row[j-1]) + 1
			if a[i-1] == b[j-1] {
				d = min(d, above[j-1])
			} else {
				d = min(d, above[j-1]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least > most {
			return least
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
