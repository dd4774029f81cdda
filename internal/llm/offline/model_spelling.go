package offline

import (
	"maps"
	"slices"
	"strings"

	"kefu/internal/lang"
)

// respelt is q with words that none of the sources holds replaced by those of
// the sources that they misspell. Names are taken as they are.
func (q question) respelt(sources []source) question {
	var words map[string]bool // of the sources; most questions need none
	for i, t := range q.terms {
		if lang.Mistakes(t) == 0 || slices.Contains(q.names, t) {
			continue
		}
		if words == nil {
			words = wordsOf(sources)
			q.terms, q.all = slices.Clone(q.terms), slices.Clone(q.all)
		}
		if meant := meant(t, words); meant != "" {
			q.terms[i] = meant
			if at := slices.Index(q.all, t); at >= 0 {
				q.all[at] = meant
			}
		}
	}
	return q
}

func wordsOf(sources []source) map[string]bool {
	words := map[string]bool{}
	for _, s := range sources {
		maps.Copy(words, s.heading)
		maps.Copy(words, s.title)
		for _, u := range s.units {
			maps.Copy(words, u.terms)
		}
	}
	return words
}

// meant is the word that somebody meant who wrote term: the nearest, of several
// the first in the alphabet; empty when the word is there or none is near. One
// letter for another makes another word in a short one (parking, packing), and
// twice in a long one (passport, password); letters that are left out, doubled
// or swapped rarely do. One at the end may make another form (regist, registr).
func meant(term string, words map[string]bool) string {
	if words[term] {
		return ""
	}
	best, least := "", lang.Mistakes(term)+1
	consider := func(spelt, word string) {
		if !lang.IsSpelt(spelt) || spelt[0] != term[0] || strings.HasPrefix(term, spelt) || strings.HasPrefix(spelt, term) {
			return
		}
		most := lang.Mistakes(term)
		if len(spelt) == len(term) && !sameLetters(spelt, term) {
			most--
		}
		if d := lang.Distance(term, spelt, most); d <= most && (d < least || d == least && word < best) {
			best, least = word, d
		}
	}
	for w := range words {
		consider(w, w)
		for _, other := range lang.Synonyms(w) {
			consider(other, w) // of synonyms only the first is among the words
		}
	}
	return best
}

func sameLetters(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
