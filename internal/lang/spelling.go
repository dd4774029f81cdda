package lang

import "strings"

const (
	shortestMisspelt = 5 // letters; shorter words are too near each other
	longestMisspelt  = 32
	twoMistakes      = 8 // letters from which on there may be two
)

// IsSpelt tells whether a term is a word of plain letters, at least four, that
// somebody may have meant by a misspelt one.
func IsSpelt(term string) bool {
	return len(term) >= shortestMisspelt-1 && len(term) <= longestMisspelt &&
		strings.IndexFunc(term, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

// Mistakes is by how many letters a term may be misspelt: none where it is
// short or no word of plain letters, two from eight letters on.
func Mistakes(term string) int {
	switch {
	case len(term) < shortestMisspelt || !IsSpelt(term):
		return 0
	case len(term) < twoMistakes:
		return 1
	default:
		return 2
	}
}

// Distance is how many letters were left out, added, exchanged or swapped with
// the next between two words for which IsSpelt holds, or any number above most.
func Distance(a, b string, most int) int {
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
