package lang

import (
	_ "embed"
	"strings"
)

// Simplify writes the traditional characters of a text in their simplified
// form, one for one and as often as not without changing the text. Customers
// write the one and a knowledge base the other; a word must not differ by it.
func Simplify(text string) string { return strings.Map(simplified, text) }

// characters is a line of traditional characters above their simplified forms:
// the one-to-one part of TSCharacters.txt of OpenCC (Apache-2.0).
//
//go:embed simplified.txt
var characters string

const firstHan, afterHan = 0x3400, 0xa000

// simplifiedHan holds the simplified form from firstHan on, 0 where there is
// no other. Read only.
var simplifiedHan = func() (table [afterHan - firstHan]uint16) {
	traditional, simple, _ := strings.Cut(strings.TrimSpace(characters), "\n")
	to := []rune(simple)
	for i, r := range []rune(traditional) {
		table[r-firstHan] = uint16(to[i])
	}
	return table
}()

func simplified(r rune) rune {
	if r < firstHan || r >= afterHan {
		return r
	}
	if s := simplifiedHan[r-firstHan]; s != 0 {
		return rune(s)
	}
	return r
}
