// Package lang reads English and Chinese text: which of the two it is, its
// sentences, its search terms, the numbers in it and a normal form that makes
// equal questions equal strings.
//
// Every function accepts any string, valid UTF-8 or not, and is safe for
// concurrent use.
package lang

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kefu/internal/desk"
)

// Of returns Chinese when Han characters carry the text: there are at least as
// many of them as words in other scripts, or the other words are only names
// within a Chinese sentence. Japanese, and text without letters, is English,
// as is every other language.
func Of(text string) desk.Lang {
	var han, kana, words int
	english, inWord, start := false, false, 0
	endWord := func(end int) {
		if inWord {
			words++
			english = english || IsStopWord(strings.ToLower(text[start:end]))
			inWord = false
		}
	}
	for i, r := range text {
		switch {
		case isKana(r):
			kana++
			endWord(i)
		case isHan(r):
			han++
			endWord(i)
		case unicode.IsLetter(r) || r == '\'' && inWord:
			if !inWord {
				inWord, start = true, i
			}
		default:
			endWord(i)
		}
	}
	endWord(len(text))
	switch {
	case han == 0 || kana*4 > han:
		return desk.English
	case han >= words || !english:
		return desk.Chinese
	}
	return desk.English
}

// Normalise returns the form in which equal questions are equal strings: NFKC,
// lower case, typographic apostrophes made plain, invisible characters
// removed, spaces squeezed (and dropped next to Han characters, where they
// mean nothing) and punctuation at the end dropped. It is idempotent.
func Normalise(question string) string {
	s := fold(question)
	s = strings.TrimRightFunc(squeeze(s), func(r rune) bool {
		return r == ' ' || strings.ContainsRune(trailing, r)
	})
	return strings.TrimSpace(s)
}

// trailing is the punctuation that ends a question without changing it.
const trailing = "?!.,;:~…。、؟"

// fold makes letters comparable.
func fold(s string) string {
	switch {
	case isPlain(s):
		return strings.ToLower(s)
	case !strings.ContainsFunc(s, isUnusual):
		return strings.Map(narrow, s)
	}
	return foldAny(s)
}

// foldAny is fold for every script. Each of its steps can undo another in rare
// ones, so it repeats them until nothing changes: twice for most texts.
func foldAny(s string) string {
	s = strings.ToValidUTF8(s, " ")
	for range 5 {
		folded := strings.Map(plainRune, strings.ToLower(norm.NFKC.String(s)))
		if folded == s {
			break
		}
		s = folded
	}
	return s
}

// plainRune replaces typographic quotes and drops what cannot be seen.
func plainRune(r rune) rune {
	if r >= utf8.RuneSelf && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r)) {
		return -1
	}
	return straight(r)
}

// straight replaces a typographic quote.
func straight(r rune) rune {
	switch r {
	case '‘', '’', 'ʼ':
		return '\''
	case '“', '”':
		return '"'
	}
	return r
}

// isPlain reports that s is printable ASCII, which NFKC leaves alone.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x7f || s[i] < ' ' && s[i] != '\n' && s[i] != '\t' && s[i] != '\r' {
			return false
		}
	}
	return true
}

// isUnusual reports a character that narrow may not fold as foldAny does: other
// ones than ASCII, its full-width forms, Han characters, the signs of a Chinese
// sentence and those that English ones are typeset with.
func isUnusual(r rune) bool {
	switch {
	case ' ' <= r && r <= '~', 0x4e00 <= r && r <= 0x9fff, '！' <= r && r <= '～':
		return false
	}
	switch r {
	case '\n', '\t', '\r', '。', '、', '‘', '’', '“', '”', '–', '—', '•', '›':
		return false
	}
	return true
}

// narrow writes a full-width form in ASCII, quotes straight and capitals small.
func narrow(r rune) rune {
	if '！' <= r && r <= '～' {
		r -= '！' - '!'
	}
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return straight(r)
}

// squeeze replaces runs of space and control characters by one space and drops
// those beside a Han character.
func squeeze(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	var last rune // last rune written, 0 at the start
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			space = true
			continue
		}
		if space && last != 0 && !isHan(last) && !isHan(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last, space = r, false
	}
	return b.String()
}

func isHan(r rune) bool { return r >= 0x2e80 && unicode.Is(unicode.Han, r) }

func isKana(r rune) bool {
	return r >= 0x3040 && (unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r))
}
