package route

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"kefu/internal/pattern"
)

// finder counts the signs of a language in one pass over a question. Most
// signs are lists of phrases, which the pass finds by itself; for the others it
// notes needles, without which their expression, which is dear, cannot match.
type finder struct {
	signs  []sign
	exprs  []*regexp.Regexp        // of the signs that are no lists of phrases
	steps  []int                   // how many needles in order each of them wants
	always []int                   // signs whose expression has no needles
	ascii  [utf8.RuneSelf][]needle // by their first character
	others map[rune][]needle
}

// needle is a phrase of a list, or a piece that every match of an expression
// holds one of, behind those of the steps before.
type needle struct {
	text    string
	sign    int
	step    int
	phrase  bool // it is a match, not a hint of one
	words   bool // only between word boundaries
	behind  bool // only behind something on its line
	atStart bool // only at the start
	atEnd   bool // only at the end
}

func newFinder(signs []sign) finder {
	f := finder{signs: signs, exprs: make([]*regexp.Regexp, len(signs)), steps: make([]int, len(signs)), others: map[rune][]needle{}}
	for i, s := range signs {
		x := pattern.Parse(s.pattern)
		list := phrases(x)
		if list == nil {
			f.exprs[i] = regexp.MustCompile(s.pattern)
			sets := pattern.InOrder(x)
			f.steps[i] = len(sets)
			for step, set := range sets {
				for _, text := range set {
					list = append(list, needle{text: text, step: step})
				}
			}
			if list == nil {
				f.always = append(f.always, i)
			}
		}
		for _, n := range list {
			n.sign = i
			first, _ := utf8.DecodeRuneInString(n.text)
			if first < utf8.RuneSelf {
				f.ascii[first] = append(f.ascii[first], n)
			} else {
				f.others[first] = append(f.others[first], n)
			}
		}
	}
	return f
}

// beginning are the needles that begin with r.
func (f *finder) beginning(r rune) []needle {
	if r < utf8.RuneSelf {
		return f.ascii[r]
	}
	return f.others[r]
}

// mostSigns bounds the signs of a language.
const mostSigns = 48

// count returns how often each sign occurs in a normalised text, up to its
// most; occurrences of one sign do not overlap.
func (f *finder) count(text string) (counts [mostSigns]int) {
	var ends [mostSigns]int  // where the last occurrence ended, or the last needle began
	var steps [mostSigns]int // that an expression has its needles for
	for at, r := range text {
		within := at > 0 && isWord(text[at-1]) && isWord(text[at]) // a word, where no other begins
		needles := f.beginning(r)
		for i := range needles {
			n := &needles[i]
			switch {
			case within && n.words, !n.phrase && n.step != steps[n.sign], counts[n.sign] == f.signs[n.sign].most, at < ends[n.sign], !n.stands(text, at):
			case n.phrase:
				counts[n.sign]++
				ends[n.sign] = at + len(n.text)
			default:
				steps[n.sign]++
				ends[n.sign] = at + 1
			}
		}
	}
	for i, x := range f.exprs {
		if x != nil && f.steps[i] > 0 && steps[i] == f.steps[i] {
			counts[i] = len(x.FindAllStringIndex(text, f.signs[i].most))
		}
	}
	for _, i := range f.always {
		counts[i] = len(f.exprs[i].FindAllStringIndex(text, f.signs[i].most))
	}
	return counts
}

// stands tells whether the needle is in the text at this place.
func (n *needle) stands(text string, at int) bool {
	end := at + len(n.text)
	return strings.HasPrefix(text[at:], n.text) &&
		(!n.words || boundary(text, at) && boundary(text, end)) &&
		(!n.behind || at > 0 && text[at-1] != '\n') && (!n.atStart || at == 0) && (!n.atEnd || end == len(text))
}

// boundary is \b.
func boundary(text string, at int) bool {
	return (at > 0 && isWord(text[at-1])) != (at < len(text) && isWord(text[at]))
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || 'A' <= c && c <= 'Z'
}

// phrases returns the list that an expression is, nil when it is more than
// phrases that stand anywhere, between word boundaries, behind something, at the
// start or at the end.
func phrases(x *syntax.Regexp) []needle {
	options := []*syntax.Regexp{x}
	if x.Op == syntax.OpAlternate {
		options = x.Sub
	}
	var list []needle
	for _, option := range options {
		form, parts := needle{phrase: true}, []*syntax.Regexp{option}
		if option.Op == syntax.OpConcat {
			parts = option.Sub
		}
		last := len(parts) - 1
		switch {
		case last >= 2 && parts[0].Op == syntax.OpWordBoundary && parts[last].Op == syntax.OpWordBoundary:
			form.words, parts = true, parts[1:last]
		case last >= 3 && parts[0].Op == syntax.OpAnyCharNotNL && parts[1].Op == syntax.OpWordBoundary && parts[last].Op == syntax.OpWordBoundary:
			form.behind, form.words, parts = true, true, parts[2:last]
		case last >= 2 && parts[0].Op == syntax.OpBeginText && parts[last].Op == syntax.OpWordBoundary:
			form.atStart, form.words, parts = true, true, parts[1:last]
		case last >= 1 && parts[last].Op == syntax.OpEndText:
			form.atEnd, parts = true, parts[:last]
		}
		set, ok := pattern.Language(&syntax.Regexp{Op: syntax.OpConcat, Sub: parts})
		if !ok || slices.ContainsFunc(parts, asserts) {
			return nil
		}
		for _, text := range set {
			if text == "" {
				return nil
			}
			form.text = text
			list = append(list, form)
		}
	}
	return list
}

// asserts tells whether an expression looks at what is around it.
func asserts(x *syntax.Regexp) bool {
	switch x.Op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginLine, syntax.OpEndLine:
		return true
	}
	return slices.ContainsFunc(x.Sub, asserts)
}
