// Package pattern provides regular expressions that know pieces of what they
// match. Most texts hold none of the pieces, which is found out much faster than
// by running the expression.
package pattern

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Regexp is a regular expression with a quick test in front: a text that holds
// none of its needles cannot match. It matches exactly what the plain expression
// does, and is safe for concurrent use.
type Regexp struct {
	*regexp.Regexp
	needles []string // every match holds one of them; empty: every text may match
	folds   bool     // the needles are in small letters, whatever those of the match
}

// MustCompile panics on a broken expression, which the program's own are not.
func MustCompile(expression string) *Regexp {
	x := Parse(expression)
	r := &Regexp{Regexp: regexp.MustCompile(expression), needles: needles(x), folds: folds(x)}
	if r.folds {
		for i, n := range r.needles {
			r.needles[i] = small(n)
		}
	}
	r.needles = fewest(r.needles)
	if broken := strings.ContainsRune(strings.Join(r.needles, ""), utf8.RuneError); broken || len(r.needles) > mostNeedles {
		r.needles = nil // to an expression that character is any byte that belongs to none
	}
	return r
}

// mostNeedles is how many are sought in less time than the expression takes.
const mostNeedles = 128

// MatchString tells whether the text holds a match.
func (r *Regexp) MatchString(text string) bool { return r.may(text) && r.Regexp.MatchString(text) }

func (r *Regexp) may(text string) bool {
	if len(r.needles) == 0 {
		return true
	}
	if r.folds {
		text = small(text)
	}
	for _, n := range r.needles {
		if strings.Contains(text, n) {
			return true
		}
	}
	return false
}

// small puts a text into small letters, also ſ, the only small letter that folds
// into an ASCII one.
func small(text string) string { return strings.ReplaceAll(strings.ToLower(text), "ſ", "s") }

// folds tells whether a part of the expression matches letters of either case.
func folds(x *syntax.Regexp) bool {
	return x.Op == syntax.OpLiteral && x.Flags&syntax.FoldCase != 0 || slices.ContainsFunc(x.Sub, folds)
}

// folded is what a literal that matches letters of either case becomes in small
// letters, nil where it may become several things.
func folded(literal []rune) []string {
	text := small(string(literal))
	for _, r := range literal {
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if small(string(other)) != small(string(r)) {
				return nil
			}
		}
	}
	return []string{text}
}

// fewest leaves out what holds another of the set: it is found with that.
func fewest(set []string) []string {
	slices.Sort(set)
	set = slices.Compact(set)
	return slices.DeleteFunc(slices.Clone(set), func(s string) bool {
		return slices.ContainsFunc(set, func(other string) bool { return other != s && strings.Contains(s, other) })
	})
}
