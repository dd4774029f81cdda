package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kefu/internal/lang"
)

// folded is a text as a reader sees it, in small letters, with signs of how it
// was hidden from readers that are no people.
type folded struct {
	text string
	// hidden counts characters that cannot be seen, tags those that spell text
	// which cannot be seen, mixed words of several alphabets that look like one,
	// wide letters in their full-width or mathematical form.
	hidden, tags, mixed, wide int
	turned                    bool // a right-to-left override
}

// fold normalises a text. Tag characters become the letters that they stand
// for, so that hidden instructions are read too.
func fold(text string) folded {
	var f folded
	if plain(text) {
		f.text = strings.ToLower(lang.Simplify(text))
		return f
	}
	var b strings.Builder
	b.Grow(len(text))
	letters := 0
	for _, r := range text {
		switch {
		case 0xE0020 <= r && r <= 0xE007E:
			f.tags++
			b.WriteRune(r - 0xE0000)
		case r == 0x202D || r == 0x202E:
			f.turned = true
		case unicode.In(r, unicode.Cf, unicode.Cc) && !unicode.IsSpace(r), 0xFE00 <= r && r <= 0xFE0F, r == 0x034F, r == 0x115F, r == 0x3164:
			f.hidden++
		case 0xFF21 <= r && r <= 0xFF5A, 0x1D400 <= r && r <= 0x1D7FF, 0x24B6 <= r && r <= 0x24E9:
			f.wide++
			letters++
			b.WriteRune(r)
		default:
			if unicode.IsLetter(r) {
				letters++
			}
			b.WriteRune(r)
		}
	}
	if f.wide*2 < letters {
		f.wide = 0 // a few are what a Chinese keyboard writes
	}
	f.text = strings.ToLower(lang.Simplify(norm.NFKC.String(b.String())))
	f.text, f.mixed = unmix(f.text)
	return f
}

// plain tells that every character is an ASCII one or a usual letter of its
// script.
func plain(text string) bool {
	for _, r := range text {
		if r >= utf8.RuneSelf && (r < 0x4E00 || r > 0x9FFF) && !strings.ContainsRune("，。？！、：；“”‘’（）《》", r) {
			return false
		}
	}
	return true
}

// lookalikes are letters of other alphabets and the Latin ones they look like.
var lookalikes = map[rune]rune{
	'а': 'a', 'в': 'b', 'е': 'e', 'к': 'k', 'м': 'm', 'н': 'h', 'о': 'o', 'р': 'p', 'с': 'c', 'т': 't', 'у': 'y', 'х': 'x', 'і': 'i', 'ї': 'i', 'ј': 'j', 'ѕ': 's', 'ԁ': 'd', 'ɡ': 'g', 'һ': 'h', 'ԛ': 'q', 'ԝ': 'w', 'ь': 'b', 'п': 'n',
	'α': 'a', 'ε': 'e', 'ι': 'i', 'κ': 'k', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'τ': 't', 'υ': 'u', 'χ': 'x', 'ω': 'w', 'γ': 'y', 'η': 'n', 'β': 'b',
}

// unmix spells words that mix Latin letters with lookalikes in Latin, and
// counts them.
func unmix(text string) (string, int) {
	mixed := 0
	var b strings.Builder
	for len(text) > 0 {
		end, latin, other := 0, false, false
		for end < len(text) {
			r, n := utf8.DecodeRuneInString(text[end:])
			if !unicode.IsLetter(r) {
				break
			}
			latin = latin || 'a' <= r && r <= 'z'
			_, alike := lookalikes[r]
			other = other || alike
			end += n
		}
		word := text[:end]
		if latin && other {
			mixed++
			word = strings.Map(func(r rune) rune {
				if l, ok := lookalikes[r]; ok {
					return l
				}
				return r
			}, word)
		}
		b.WriteString(word)
		if end < len(text) {
			_, n := utf8.DecodeRuneInString(text[end:])
			b.WriteString(text[end : end+n])
			end += n
		}
		text = text[end:]
	}
	return b.String(), mixed
}
