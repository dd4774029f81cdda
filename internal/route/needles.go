package route

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// pattern is a regular expression with a quick test in front: texts that hold
// none of the needles cannot match. Most questions show few signs, so that few
// expressions are run.
type pattern struct {
	*regexp.Regexp
	needles []string // empty: every text may match
}

func re(expression string) pattern {
	return pattern{regexp.MustCompile(expression), needles(parse(expression))}
}

func (p pattern) may(text string) bool {
	if len(p.needles) == 0 {
		return true
	}
	for _, n := range p.needles {
		if strings.Contains(text, n) {
			return true
		}
	}
	return false
}

// needles returns strings of which every match of the expression holds at
// least one; none when there is no such set.
func needles(x *syntax.Regexp) []string {
	if set, ok := language(x); ok {
		return useful(set)
	}
	switch x.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return needles(x.Sub[0])
	case syntax.OpAlternate:
		var all []string
		for _, sub := range x.Sub {
			set := needles(sub)
			if len(set) == 0 {
				return nil
			}
			all = append(all, set...)
		}
		return all
	case syntax.OpConcat:
		return ofConcat(x.Sub)
	}
	return nil
}

// ofConcat picks the most telling of the sets that the parts in a row give:
// that whose shortest string is the longest.
func ofConcat(parts []*syntax.Regexp) []string {
	var best []string
	consider := func(set []string) {
		if len(set) > 0 && (len(best) == 0 || shortest(set) > shortest(best)) {
			best = set
		}
	}
	run := []string{""}
	for _, part := range parts {
		set, ok := language(part)
		if ok && len(run)*len(set) <= mostStrings {
			run = product(run, set)
			continue
		}
		consider(useful(run))
		run = []string{""}
		if ok {
			run = set
		} else {
			consider(needles(part))
		}
	}
	consider(useful(run))
	return best
}

// inOrder returns sets of needles such that every match of the expression holds
// one of each set, each beginning behind where that of the set before it begins;
// none when there are no such sets.
func inOrder(x *syntax.Regexp) (sets [][]string) {
	parts := []*syntax.Regexp{x}
	if x.Op == syntax.OpConcat {
		parts = x.Sub
	}
	var row []string // what parts match one behind the other
	end := func() {
		if len(row) > 0 {
			sets = append(sets, row)
		}
		row = nil
	}
	for _, part := range parts {
		set, ok := language(part)
		switch telling := ok && shortest(set) > 0 && (shortest(set) > 1 || len(set) <= mostCharacters); {
		case telling && len(row)*len(set) > 0 && len(row)*len(set) <= mostInRow:
			row = product(row, set)
		case telling:
			end()
			row = set
		case !ok || len(set) > 1: // more than a boundary
			end()
			if part.Op == syntax.OpConcat {
				sets = append(sets, inOrder(part)...)
			} else {
				row = needles(part)
				end()
			}
		}
	}
	end()
	return sets
}

// mostInRow is how many needles the parts of an expression are joined to: each
// is compared with the text wherever it may begin.
const mostInRow = 64

// mostCharacters is how many needles of one character tell something.
const mostCharacters = 16

// mostStrings bounds a list of phrases or needles.
const mostStrings = 512

// language lists every string that the expression matches, where there are
// few.
func language(x *syntax.Regexp) ([]string, bool) {
	switch x.Op {
	case syntax.OpLiteral:
		return []string{string(x.Rune)}, x.Flags&syntax.FoldCase == 0
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginLine, syntax.OpEndLine:
		return []string{""}, true
	case syntax.OpCapture:
		return language(x.Sub[0])
	case syntax.OpQuest:
		set, ok := language(x.Sub[0])
		return append([]string{""}, set...), ok
	case syntax.OpCharClass:
		return characters(x.Rune)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range x.Sub {
			set, ok := language(sub)
			if !ok || len(all)+len(set) > mostStrings {
				return nil, false
			}
			all = append(all, set...)
		}
		return all, true
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range x.Sub {
			set, ok := language(sub)
			if !ok || len(all)*len(set) > mostStrings {
				return nil, false
			}
			all = product(all, set)
		}
		return all, true
	}
	return nil, false
}

// characters spells out a small character class, given as pairs of bounds.
func characters(bounds []rune) ([]string, bool) {
	var all []string
	for i := 0; i+1 < len(bounds); i += 2 {
		for r := bounds[i]; r <= bounds[i+1]; r++ {
			if len(all) == mostStrings {
				return nil, false
			}
			all = append(all, string(r))
		}
	}
	return all, true
}

func product(heads, tails []string) []string {
	all := make([]string, 0, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			all = append(all, h+t)
		}
	}
	return all
}

// useful returns the set unless a text holds one of it anyway.
func useful(set []string) []string {
	if shortest(set) < 2 {
		return nil
	}
	return set
}

// shortest is the length of the shortest string, in bytes.
func shortest(set []string) int {
	n := 1 << 30
	for _, s := range set {
		n = min(n, len(s))
	}
	return n
}
