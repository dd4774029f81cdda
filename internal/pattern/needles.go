package pattern

import "regexp/syntax"

// Parse returns an expression in the form that Language and InOrder take. It
// panics on a broken one, which the program's own are not.
func Parse(expression string) *syntax.Regexp {
	x, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		panic(err)
	}
	return x.Simplify()
}

// mostStrings bounds a list of what an expression matches.
const mostStrings = 512

// Language lists every string that the expression matches, whatever boundaries
// it wants around them; false where there are many, or letters of either case.
func Language(x *syntax.Regexp) ([]string, bool) {
	switch x.Op {
	case syntax.OpLiteral:
		return []string{string(x.Rune)}, x.Flags&syntax.FoldCase == 0
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginLine, syntax.OpEndLine:
		return []string{""}, true
	case syntax.OpCapture:
		return Language(x.Sub[0])
	case syntax.OpQuest:
		set, ok := Language(x.Sub[0])
		return append([]string{""}, set...), ok
	case syntax.OpCharClass:
		return characters(x.Rune)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range x.Sub {
			set, ok := Language(sub)
			if !ok || len(all)+len(set) > mostStrings {
				return nil, false
			}
			all = append(all, set...)
		}
		return all, true
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range x.Sub {
			set, ok := Language(sub)
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

// needles returns strings of which every match of the expression holds at
// least one; none when there is no such set.
func needles(x *syntax.Regexp) []string {
	if set, ok := Language(x); ok {
		return useful(set)
	}
	switch x.Op {
	case syntax.OpLiteral:
		return useful(folded(x.Rune))
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
		set, ok := Language(part)
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

// mostInRow is how many needles the parts of an expression are joined to: each
// is compared with the text wherever it may begin.
const mostInRow = 64

// mostCharacters is how many needles of one character tell something.
const mostCharacters = 16

// InOrder returns sets of needles such that every match of the expression holds
// one of each set, each beginning behind where that of the set before it begins;
// none when there are no such sets, or the expression matches letters of either
// case.
func InOrder(x *syntax.Regexp) (sets [][]string) {
	if folds(x) {
		return nil
	}
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
		set, ok := Language(part)
		switch telling := ok && shortest(set) > 0 && (shortest(set) > 1 || len(set) <= mostCharacters); {
		case telling && len(row)*len(set) > 0 && len(row)*len(set) <= mostInRow:
			row = product(row, set)
		case telling:
			end()
			row = set
		case !ok || len(set) > 1: // more than a boundary
			end()
			if part.Op == syntax.OpConcat {
				sets = append(sets, InOrder(part)...)
			} else {
				row = needles(part)
				end()
			}
		}
	}
	end()
	return sets
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
