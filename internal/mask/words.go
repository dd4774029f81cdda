package mask

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// words is a pattern of words with a quick test in front: a text that has none
// of the needles cannot match. Most texts that hold a number have none of the
// words that a pattern looks for, and the pattern is dear.
type words struct {
	*regexp.Regexp
	needles []string // in small letters
}

// wordsLike panics on a broken expression, which the program's own are not.
func wordsLike(expression string) *words {
	x, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		panic(err)
	}
	return &words{regexp.MustCompile(expression), needles(x.Simplify())}
}

// MatchString shadows that of the pattern.
func (w *words) MatchString(text string) bool {
	small := strings.ReplaceAll(strings.ToLower(text), "ſ", "s") // the other letters that fold into ASCII ones become them
	for _, n := range w.needles {
		if strings.Contains(small, n) {
			return w.Regexp.MatchString(text)
		}
	}
	return w.needles == nil && w.Regexp.MatchString(text)
}

// needles are strings of which every match of x holds one, in small letters;
// nil where there are no such strings.
func needles(x *syntax.Regexp) (best []string) {
	switch x.Op {
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(x.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return needles(x.Sub[0])
	case syntax.OpConcat:
		for _, part := range x.Sub {
			if set := needles(part); set != nil && shortest(set) > shortest(best) {
				best = set
			}
		}
	case syntax.OpAlternate:
		for _, option := range x.Sub {
			set := needles(option)
			if set == nil {
				return nil
			}
			best = append(best, set...)
		}
	}
	return best
}

// shortest is the length of the shortest of a set, 0 of none.
func shortest(set []string) int {
	if len(set) == 0 {
		return 0
	}
	least := len(set[0])
	for _, s := range set {
		least = min(least, len(s))
	}
	return least
}
