package lang

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/kljensen/snowball/english"
)

// stem stems an English word; words with digits or other letters are kept.
func stem(word string) string {
	if len(word) > 32 || !inflected(word) {
		return word // beyond 32 bytes no English word; the stemmer is slow on them
	}
	for i := range len(word) {
		if c := word[i]; (c < 'a' || c > 'z') && c != '\'' {
			return word
		}
	}
	return stems.of(word)
}

// stems remembers the stems of the words seen last: a language has few, they
// come again and again, and stemming one takes a microsecond.
var stems memory

// memory is a table of what was remembered, by hash; a word takes the place of
// the one before it. It holds at most half a megabyte.
type memory struct {
	places [1 << 12]atomic.Pointer[stemmed]
}

type stemmed struct{ word, stem string }

var seed = maphash.MakeSeed()

func (m *memory) of(word string) string {
	place := &m.places[maphash.String(seed, word)%uint64(len(m.places))]
	if s := place.Load(); s != nil && s.word == word {
		return s.stem
	}
	word = strings.Clone(word) // it is a piece of a text, which need not stay
	s := &stemmed{word, english.Stem(word, true)}
	place.Store(s)
	return s.stem
}

// inflected tells whether a lower-case word ends in a way that any rule of the
// stemmer looks for. Most words do not, and asking costs a hundredth of
// stemming.
func inflected(word string) bool {
	if len(word) < 3 {
		return false
	}
	if word[0] == '\'' {
		return true
	}
	switch word[len(word)-1] {
	case 's', 'y', 'e', 'i', '\'':
		return true
	case 'd':
		return strings.HasSuffix(word, "ed")
	case 'g':
		return strings.HasSuffix(word, "ing")
	case 'n':
		return strings.HasSuffix(word, "ion")
	case 'r':
		return strings.HasSuffix(word, "er") || strings.HasSuffix(word, "or")
	case 't':
		return strings.HasSuffix(word, "nt")
	case 'l':
		return strings.HasSuffix(word, "al") || strings.HasSuffix(word, "ful") || strings.HasSuffix(word, "ll")
	case 'm':
		return strings.HasSuffix(word, "ism")
	case 'c':
		return strings.HasSuffix(word, "ic")
	}
	return false
}
