package retrieval

import (
	"strings"

	"kefu/internal/lang"
)

// partNumber is a part number in the form that it has however it is written:
// AB-1203, AB1203 and AB 1203 are ab1203. of are the terms that it was
// written in.
type partNumber struct {
	joined string
	of     []string
}

const mostPrefix = 5 // letters before the digits of a part number

// partNumbers finds those among the terms of a text. "in 2019" is none, and
// "page 12" one that nobody asks for.
func partNumbers(terms []string) []partNumber {
	var found []partNumber
	for i, term := range terms {
		if term == "" || term[0] < 'a' || term[0] > 'z' {
			continue
		}
		if strings.ContainsAny(term, "-_/") && strings.ContainsAny(term, "0123456789") {
			found = append(found, partNumber{withoutJoiners(term), []string{term}})
		}
		if i+1 < len(terms) && isSerial(terms[i+1]) && isPrefix(term) {
			found = append(found, partNumber{term + terms[i+1], []string{term, terms[i+1]}})
		}
	}
	return found
}

var joiners = strings.NewReplacer("-", "", "_", "", "/", "")

func withoutJoiners(term string) string { return joiners.Replace(term) }

func isPrefix(term string) bool {
	return len(term) <= mostPrefix && strings.IndexFunc(term, func(r rune) bool { return r < 'a' || r > 'z' }) < 0 && !lang.IsStopWord(term)
}

// isSerial tells whether a term begins with two digits and has no point: those
// are amounts and versions.
func isSerial(term string) bool {
	digit := func(i int) bool { return i < len(term) && term[i] >= '0' && term[i] <= '9' }
	return digit(0) && digit(1) && !strings.ContainsAny(term, ".-_/")
}

// join adds the part numbers of a question in the form that all have, as far
// as there are any such.
func (ix *Index) join(q *asked) {
	for _, p := range partNumbers(q.content) {
		w := ix.wanted(*q, p.joined)
		if !w.known() {
			continue
		}
		w.weight = 1
		for _, term := range p.of {
			q.stand(term, w)
		}
	}
}
