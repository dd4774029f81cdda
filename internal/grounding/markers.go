package grounding

import (
	"regexp"
	"strings"
)

// Markers returns text with its citations written as [n], whatever way a model
// wrote them: [1, 2], 【1】, [Source 1], (source 1), ([1]), （来源：1）. It changes
// nothing else, and nothing when it is applied again.
func Markers(text string) string {
	if !odd(text) {
		return text
	}
	text = bracketed.ReplaceAllStringFunc(text, numbered)
	text = parenthesised.ReplaceAllStringFunc(text, numbered)
	return wrapped.ReplaceAllStringFunc(text, numbered)
}

// odd tells whether a bracket opens that is none of [n], which most texts do not
// have: looking for the rest takes far longer.
func odd(text string) bool {
	for {
		at := strings.IndexAny(text, "[【［(（")
		if at < 0 {
			return false
		}
		plain := marker.FindStringIndex(text[at:])
		if plain == nil || plain[0] > 0 {
			return true
		}
		text = text[at+plain[1]:]
	}
}

const (
	sourceWord = `(?:sources?|refs?|references?|docs?|documents?|passages?|citations?|来源|资料|资料来源|出处|参考|文档)\s*[:：#]?\s*`
	// numberList is the numbers of one citation, what stands between them included.
	numberList = `\d{1,3}(?:\s*(?:[-–,，、;；&和]|and)\s*(?:` + sourceWord + `)?\d{1,3})*`
)

var (
	bracketed     = regexp.MustCompile(`(?i)[\[【［]\s*(?:\^|` + sourceWord + `)?` + numberList + `(?:†[^\]】］\n]{0,40})?\s*[\]】］]`)
	parenthesised = regexp.MustCompile(`(?i)[(（]\s*(?:see\s+|见)?` + sourceWord + numberList + `\s*[)）]`)
	// wrapped is citations in parentheses of their own.
	wrapped    = regexp.MustCompile(`(?i)[(（]\s*(?:(?:see|见|参见)\s*)?(?:` + sourceWord + `)?\[\d{1,3}\](?:[\s,，、]*\[\d{1,3}\])*\s*[)）]`)
	itsNumbers = regexp.MustCompile(`\d+`)
)

// numbered is a citation as [n] for each of its numbers.
func numbered(citation string) string {
	citation, _, _ = strings.Cut(citation, "†")
	return "[" + strings.Join(itsNumbers.FindAllString(citation, -1), "][") + "]"
}
