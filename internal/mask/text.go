package mask

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanned is a text on which the finders work: folded, with what is taken and
// where digits stand.
type scanned struct {
	s       string // folded
	at      []int  // index in s → index in the original; nil: the same
	taken   []bool // bytes of s that a finding or a placeholder covers; nil: none
	found   []Span // in s until Find has done
	digits  int
	long    bool // a run of letters and digits that may be a key
	solid   bool // one as long as a hardware address without separators
	letters bool // any ASCII letter
	mixed   bool // one beside a digit
	from    int  // where words begin, and where they end
	to      int
}

// newText folds full-width forms, foreign digits, hyphens, spaces and invisible
// characters, which customers' keyboards put into numbers.
func newText(original string) *scanned {
	t := &scanned{s: original}
	if strings.ContainsFunc(original, func(r rune) bool { return r >= utf8.RuneSelf && fold(r) != r }) {
		var b strings.Builder
		b.Grow(len(original))
		for i, r := range original {
			width := utf8.RuneLen(r)
			if r == utf8.RuneError {
				_, width = utf8.DecodeRuneInString(original[i:])
			}
			piece := original[i : i+width]
			if f := fold(r); f < 0 {
				continue
			} else if f != r {
				piece = string(f)
			}
			b.WriteString(piece)
			for j := range len(piece) {
				t.at = append(t.at, i+j)
			}
		}
		t.at = append(t.at, len(original))
		t.s = b.String()
	}
	for _, p := range Placeholder.FindAllStringIndex(t.s, -1) {
		t.take(p[0], p[1])
	}
	t.from = len(t.s) - len(strings.TrimLeft(t.s, quiet))
	t.to = len(strings.TrimRight(t.s, quiet))
	run := 0
	for i := range len(t.s) {
		switch c := t.s[i]; {
		case digit(c):
			t.digits++
			run++
			t.mixed = t.mixed || i > 0 && letter(t.s[i-1])
		case letter(c):
			t.letters = true
			run++
			t.mixed = t.mixed || i > 0 && digit(t.s[i-1])
		default:
			run = 0
		}
		t.long = t.long || run >= shortestKey
		t.solid = t.solid || run == 12
	}
	return t
}

// shortestKey is the length of the shortest run that can be an address of a
// cryptocurrency or an account number.
const shortestKey = 14

// quiet are the blanks and the marks that a lone value has around it.
const quiet = " \t\r\n.,;:!?()[]\"'"

// silent tells that no words stand around s[start:end]. Whoever writes about a
// key means theirs, even where it looks like an example; and a number without
// words answers somebody who asked for it.
func (t *scanned) silent(start, end int) bool { return start <= t.from && end >= t.to }

// original maps an index of the folded text to the text itself.
func (t *scanned) original(i int) int {
	if t.at == nil {
		return i
	}
	return t.at[i]
}

// add records a finding unless a part of it is taken.
func (t *scanned) add(kind Type, start, end int) bool {
	if t.taken != nil && slices.Contains(t.taken[start:end], true) {
		return false
	}
	t.take(start, end)
	t.found = append(t.found, Span{start, end, kind})
	return true
}

func (t *scanned) take(start, end int) {
	if t.taken == nil {
		t.taken = make([]bool, len(t.s))
	}
	for i := start; i < end; i++ {
		t.taken[i] = true
	}
}

// apart tells that s[start:end] is no part of a longer word. The edge of
// something masked counts as one: what stands there may have been cut.
func (t *scanned) apart(start, end int) bool {
	return t.apartLeft(start) && (end == len(t.s) || !t.word(end))
}

func (t *scanned) apartLeft(start int) bool { return start == 0 || !t.word(start-1) }

func (t *scanned) word(i int) bool {
	c := t.s[i]
	return letter(c) || digit(c) || c == '_' || t.taken != nil && t.taken[i]
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// fold maps what looks like an ASCII character to it; negative: leave out.
func fold(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		return r
	case 0xFF01 <= r && r <= 0xFF5E:
		return r - 0xFEE0
	case 0x2010 <= r && r <= 0x2015, r == 0x2212, r == 0xFE63:
		return '-'
	case r == 0x00A0, 0x2000 <= r && r <= 0x200A, r == 0x202F, r == 0x3000:
		return ' '
	case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) && r >= 0xFE00 && r <= 0xFE0F:
		return -1
	case unicode.Is(unicode.Nd, r):
		return '0' + (r-base(r))%10
	}
	return r
}

// base is the zero of r's decimal digits, which stand in tens from it.
func base(r rune) rune {
	for z := r; ; z-- {
		if !unicode.Is(unicode.Nd, z-1) {
			return z
		}
	}
}

// suspicious is the cheap scan in front of everything: whatever is masked has
// an at sign, several digits, colons in a row, a long run of token characters,
// or a word for a credential with a digit or a sign of assignment.
func suspicious(text string) bool {
	digits, colons, dots, signs := 0, 0, 0, 0
	run, figures := 0, 0 // token characters in a row; digits and capitals of them
	named, paper := false, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			if run == 0 && !named {
				named = credential(text[i:])
			}
			run++
			if c <= 'Z' {
				figures++
				paper = paper || figures == 10 && run == 10
			}
		case digit(c):
			digits++
			figures++
			run++
		case c == '_' || c == '-' || c == '.':
			run++
			if c == '.' {
				dots++
			}
		case c < utf8.RuneSelf:
			run, figures = 0, 0
			switch c {
			case '@':
				return true
			case ':':
				colons++
				signs++
			case '=', '>':
				signs++
			}
		case c == 0xEF && i+2 < len(text) && text[i+1] == 0xBC && text[i+2] >= 0x90: // full-width
			digits++
			if text[i+2] == 0xA0 { // the at sign
				return true
			}
		case c == 0xD9 || c == 0xDB || c == 0xE0: // letters of these scripts, and their digits
			digits++
		case c == 0xE5 || c == 0xE7 || c == 0xE9:
			named = named || credential(text[i:])
			run, figures = 0, 0
		default:
			run, figures = 0, 0
		}
		if digits >= fewestDigits || colons >= 2 || run >= 13 && (figures >= 2 || figures == 1 && run >= 16) || run >= 24 {
			return true
		}
	}
	return named && digits+signs > 0 || digits >= 4 && (dots >= 3 || paper)
}

// fewestDigits is how many the shortest number has that can be personal, unless
// most of it is letters: a British national insurance number.
const fewestDigits = 6

// credential tells that the text begins like a word for a credential.
func credential(text string) bool {
	if len(text) < 3 {
		return false
	}
	if text[0] >= utf8.RuneSelf {
		return text[:3] == "密" || text[:3] == "码" || text[:3] == "碼" || strings.HasPrefix(text, "口令")
	}
	switch uint(text[0]|0x20)<<16 | uint(text[1]|0x20)<<8 | uint(text[2]|0x20) {
	case 'p'<<16 | 'a'<<8 | 's', 'p'<<16 | 'w'<<8 | 'd', 'p'<<16 | 'i'<<8 | 'n', 's'<<16 | 'e'<<8 | 'c', 't'<<16 | 'o'<<8 | 'k', // pass, pwd, pin, secret, token
		'c'<<16 | 'v'<<8 | 'v', 'c'<<16 | 'v'<<8 | 'c', 'c'<<16 | 'o'<<8 | 'd', 'o'<<16 | 't'<<8 | 'p', // cvv, cvc, code, otp
		'a'<<16 | 'p'<<8 | 'i', 'a'<<16 | 'u'<<8 | 't': // api, auth
		return true
	}
	return false
}
