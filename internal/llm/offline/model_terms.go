package offline

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/lang"
)

// allTerms and contentTerms are lang's, with a number apart from its unit and
// words that customers and help pages use for the same thing made one.
func allTerms(text string) []string { return same(lang.Terms(apart(text))) }

func contentTerms(text string) []string { return distinct(same(lang.ContentTerms(apart(text)))) }

// apart writes "5GHz" and "60W" as "5 GHz" and "60 W", and phrases of which
// another form is one word as that word.
func apart(text string) string {
	if strings.ContainsAny(text, "0123456789") {
		text = measure.ReplaceAllString(text, "$1 $2")
	}
	return phrases.Replace(text)
}

// america is the country in capital letters, before they are lost.
var america = regexp.MustCompile(`\b(?:the )?U\.?S\.?\b`)

// phrases is read only.
var phrases = strings.NewReplacer(
	"United Kingdom", "UK", "united kingdom", "UK", "United States", "USA", "united states", "USA",
	"European Union", "EU", "european union", "EU", "money back", "refund", "一年", "每年", "年费", "每年费用", "一个月", "每月", "月费", "每月费用", "Two-factor", "two-step", "two-factor", "two-step",
)

var measure = regexp.MustCompile(`\b(\d+)(GHz|ghz|MHz|Hz|W|w|V|mAh|GB|gb|MB|kg|g|cm|mm|m|km)\b`)

// same replaces terms by the first of their synonyms, in the order of the
// alphabet.
func same(terms []string) []string {
	for i, t := range terms {
		for _, other := range lang.Synonyms(t) {
			terms[i] = min(terms[i], other)
		}
	}
	return terms
}

// isHan reports a term made of Han characters.
func isHan(term string) bool {
	r, _ := utf8.DecodeRuneInString(term)
	return unicode.Is(unicode.Han, r)
}

// isSingle reports a term of one character.
func isSingle(term string) bool { return utf8.RuneCountInString(term) == 1 }

// inside tells whether the i-th of terms stands within a Han run and overlaps a
// neighbour that is held. The last bigram of a run ends a word and spans none
// (订阅 in 取消订阅).
func inside(terms []string, i int, held func(int) bool) bool {
	return lang.Spans(terms, i, held) && i > 0 && i+1 < len(terms) && lang.Overlap(terms[i-1], terms[i]) && lang.Overlap(terms[i], terms[i+1])
}

// shareHeld is the share of terms that are among others, those left out that
// only span the border of two words.
func shareHeld(terms, others []string) float64 {
	among := func(i int) bool { return slices.Contains(others, terms[i]) }
	held, all := 0, 0
	for i := range terms {
		switch {
		case among(i):
			held++
			all++
		case !inside(terms, i, among):
			all++
		}
	}
	return float64(held) / float64(max(all, 1))
}

func distinct(terms []string) []string {
	seen := make(map[string]bool, len(terms))
	kept := terms[:0:0]
	for _, t := range terms {
		if !seen[t] {
			seen[t] = true
			kept = append(kept, t)
		}
	}
	return kept
}

func set(terms []string) map[string]bool {
	m := make(map[string]bool, len(terms))
	for _, t := range terms {
		m[t] = true
	}
	return m
}
