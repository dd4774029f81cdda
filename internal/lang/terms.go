package lang

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Terms splits text into search terms, in order and with repetitions.
//
//   - Han (and kana) runs give their bigrams, in simplified characters (see
//     Simplify); a single character gives itself.
//   - English words are stemmed (snowball); other words are kept as they are.
//   - Part numbers, versions and dates ("AB-1203", "v5.4", "2024-03-01") are
//     kept whole and give their parts too; decimals and thousands ("9.99",
//     "1,000") are one number.
//   - A hyphenated word gives its parts and, where a part is a letter or two
//     ("e-mail", "Wi-Fi"), also the word without hyphens.
func Terms(text string) []string {
	terms := make([]string, 0, len(text)/4+1)
	eachRun(Simplify(fold(text)), func(run string, han bool) { terms = appendTerms(terms, run, han) })
	return terms
}

// ContentTerms is Terms without English stop words and without the Chinese
// bigrams that only ask, count or connect. It may be empty.
func ContentTerms(text string) []string {
	terms := make([]string, 0, len(text)/4+1)
	eachRun(Simplify(fold(text)), func(run string, han bool) { terms = appendContent(terms, run, han) })
	return terms
}

// AllTerms returns the Terms and the ContentTerms of a text, which it reads once.
func AllTerms(text string) (terms, content []string) {
	terms, content = make([]string, 0, len(text)/4+1), make([]string, 0, len(text)/4+1)
	eachRun(Simplify(fold(text)), func(run string, han bool) {
		terms, content = appendTerms(terms, run, han), appendContent(content, run, han)
	})
	return terms, content
}

func isSpace(r rune) bool { return r == ' ' }

// eachRun calls yield for every maximal run of Han or kana characters and for
// every word of other scripts, joiners within it included, in order.
func eachRun(text string, yield func(run string, han bool)) {
	start, han := -1, false
	var prev rune
	flush := func(end int) {
		if start < 0 {
			return
		}
		run := text[start:end]
		if !han {
			run = strings.TrimRightFunc(run, isJoiner)
		}
		yield(run, han)
		start = -1
	}
	for i, r := range text {
		switch {
		case isHan(r) || isKana(r):
			if start >= 0 && !han {
				flush(i)
			}
			if start < 0 {
				start, han = i, true
			}
		case isWordRune(r):
			if start >= 0 && han {
				flush(i)
			}
			if start < 0 {
				start, han = i, false
			}
		case start >= 0 && !han && isJoiner(r) && isWordRune(prev):
			// stays within the word; a joiner at its end is trimmed
		default:
			flush(i)
		}
		prev = r
	}
	flush(len(text))
}

// isJoiner tells what may stand singly between the letters and digits of one word.
func isJoiner(r rune) bool {
	switch r {
	case '-', '_', '.', ',', '\'', '/', ':':
		return true
	}
	return false
}

func isWordRune(r rune) bool {
	if r < 0x80 {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}

func appendTerms(terms []string, run string, han bool) []string {
	if han {
		return appendBigrams(terms, run)
	}
	return appendWords(terms, run)
}

func appendContent(terms []string, run string, han bool) []string {
	if !han {
		if IsStopWord(run) {
			return terms
		}
		return appendWords(terms, run)
	}
	for piece := range strings.FieldsFuncSeq(cutFunctionWords(run), isSpace) {
		terms = appendBigrams(terms, piece)
	}
	return terms
}

func appendBigrams(terms []string, run string) []string {
	before, last := -1, -1 // starts of the two characters before i
	for i := range run {
		if before >= 0 {
			terms = append(terms, run[before:i])
		}
		before, last = last, i
	}
	if before < 0 {
		return append(terms, run)
	}
	return append(terms, run[before:])
}

// Overlap tells whether two Han bigrams stand one character apart, as
// neighbours in a run of characters do.
func Overlap(a, b string) bool {
	last, _ := utf8.DecodeLastRuneInString(a)
	first, _ := utf8.DecodeRuneInString(b)
	return last == first && isHan(first)
}

// Spans tells whether the i-th of terms, a Han bigram that is not held,
// overlaps a neighbour that is: then it probably spans the border of two words
// (机没 in 耳机没声音, 消订 in 取消订单).
func Spans(terms []string, i int, held func(int) bool) bool {
	return i > 0 && held(i-1) && Overlap(terms[i-1], terms[i]) || i+1 < len(terms) && held(i+1) && Overlap(terms[i], terms[i+1])
}

// appendWords appends the terms of one word with its joiners.
func appendWords(terms []string, run string) []string {
	if !strings.ContainsFunc(run, isJoiner) {
		return append(terms, stem(run))
	}
	if isNumber(run) {
		return append(terms, strings.ReplaceAll(run, ",", ""))
	}
	if isCompound(run) {
		terms = append(terms, strings.ReplaceAll(run, "'", ""))
	} else if join := joined(run); join != "" {
		terms = append(terms, stem(join))
	}
	for part := range strings.FieldsFuncSeq(run, func(r rune) bool { return r != '\'' && isJoiner(r) }) {
		if part = strings.Trim(part, "'"); part != "" {
			terms = append(terms, stem(part))
		}
	}
	return terms
}

// isNumber reports a decimal or a number with thousands separators.
func isNumber(run string) bool {
	whole, fraction, _ := strings.Cut(run, ".")
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if !isDigits(g) || i > 0 && len(g) != 3 {
			return false
		}
	}
	return fraction == "" && !strings.HasSuffix(run, ".") || isDigits(fraction)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isCompound reports a part number, version, date or identifier: something
// that is searched for as a whole.
func isCompound(run string) bool {
	if strings.ContainsAny(run, ",") {
		return false
	}
	return hasDigit(run) && strings.ContainsAny(run, "-_./") || strings.ContainsRune(run, '_')
}

// joined returns a hyphenated word without its hyphens when one of its parts
// is so short that people also write it as one word, else "".
func joined(run string) string {
	if !strings.ContainsRune(run, '-') || strings.ContainsAny(run, "_.,'/:") {
		return ""
	}
	short := false
	for part := range strings.SplitSeq(run, "-") {
		short = short || len(part) <= 2
	}
	if !short {
		return ""
	}
	return strings.ReplaceAll(run, "-", "")
}
