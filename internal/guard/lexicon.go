package guard

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/lang"
)

// lexicon holds the names of concepts and the phrases that express them, in many
// languages. A star stands for any ending.
//
//go:embed lexicon.txt
var lexicon string

// rules holds what pairs of concepts are worth before any text was learned
// from.
//
//go:embed rules.txt
var rules string

// phrase expresses a concept.
type phrase struct {
	text    string
	concept uint8
	open    bool // any ending
	word    bool // stands between word boundaries
}

// phrases are those of the lexicon by their beginning, concepts their names;
// both are read only.
var phrases, concepts = readLexicon()

func readLexicon() (map[uint16][]phrase, []string) {
	byBeginning, names := map[uint16][]phrase{}, []string{}
	for line := range strings.SplitSeq(lexicon, "\n") {
		name, list, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		concept := slices.Index(names, name)
		if concept < 0 {
			concept = len(names)
			names = append(names, name)
		}
		for p := range strings.SplitSeq(list, ",") {
			p = lang.Simplify(strings.TrimSpace(p))
			text, open := strings.CutSuffix(p, "*")
			first, _ := utf8.DecodeRuneInString(text)
			last, _ := utf8.DecodeLastRuneInString(text)
			b := beginning(text)
			byBeginning[b] = append(byBeginning[b], phrase{text, uint8(concept), open, inWords(first) && inWords(last)})
		}
	}
	return byBeginning, append(names, repeated, shots)
}

// Concepts that no phrase expresses: a word many times in a row, and questions
// with their answers as examples.
const (
	repeated = "repeated"
	shots    = "shots"
)

// mostConcepts bounds the lexicon.
const mostConcepts = 63

// inWords tells that the character stands in words between spaces, as others
// than those of some scripts do.
func inWords(r rune) bool {
	if r < utf8.RuneSelf {
		return letter(byte(r)) || '0' <= r && r <= '9' || r == '\''
	}
	return (unicode.IsLetter(r) || unicode.IsMark(r)) && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Hangul)
}

// mention is a concept at a place.
type mention struct {
	word  int // it begins with this word or character of a script without spaces, from 1
	place int // half words before its end
	// sentence counts those that ended before it.
	sentence int
	at, end  int // in bytes; mentions within another make no pair with it
	concept  uint8
}

// beginning is the first two bytes of a text, as many as a phrase has at least.
func beginning(text string) uint16 {
	if len(text) < 2 {
		return 0
	}
	return uint16(text[0])<<8 | uint16(text[1])
}

func ends(text string, at int) bool {
	r, _ := utf8.DecodeRuneInString(text[at:])
	return at == len(text) || !unicode.In(r, unicode.L, unicode.M, unicode.Nd)
}

// rule is one line of the rules.
type rule struct {
	name    string
	feature int // its place among the features
	odds    float64
}

func readRules() []rule {
	var all []rule
	n := len(concepts)
	for line := range strings.SplitSeq(rules, "\n") {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		var r rule
		if _, err := fmt.Sscan(line, &r.name, &r.odds); err != nil {
			panic(fmt.Sprintf("guard: rule %q: %v", line, err)) // a part of the program
		}
		first, second, pair := strings.Cut(r.name, ">")
		i, j := slices.Index(concepts, first), slices.Index(concepts, second)
		if i < 0 || pair && j < 0 {
			panic("guard: unknown concept in rule " + r.name)
		}
		if r.feature = i; pair {
			r.feature = n + i*n + j
		}
		all = append(all, r)
	}
	return all
}

// prior are the weights that learning starts from and returns to.
func prior() []float64 {
	n := len(concepts)
	w := make([]float64, n*(n+1))
	for _, r := range readRules() {
		w[r.feature] = r.odds
	}
	return w
}

// excuses are the concepts that speak against an attack alone, and only within
// their sentence: who asked something may go on to attack; read only.
var excuses = func() []bool {
	all := slices.Repeat([]bool{true}, len(concepts))
	for _, r := range readRules() {
		if first, second, pair := strings.Cut(r.name, ">"); pair && r.odds > 0 {
			all[slices.Index(concepts, first)], all[slices.Index(concepts, second)] = false, false
		}
	}
	return all
}()

func ruleNames() []string {
	var names []string
	for _, r := range readRules() {
		if r.odds > 0 {
			names = append(names, r.name)
		}
	}
	return names
}

// namesByFeature are the names of the rules; read only.
var namesByFeature = func() map[uint16]string {
	names := map[uint16]string{}
	for _, r := range readRules() {
		names[uint16(r.feature)] = r.name
	}
	return names
}()

// strongest names the rule that says most for an attack.
func strongest(f *features) string {
	best, most := "", 0.0
	for _, c := range f.concepts {
		if w := ruleWeights[c]; w > most {
			best, most = namesByFeature[c], w
		}
	}
	return best
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
