package llmsim

import (
	"hash/maphash"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The simulator's reading of text is its own and cheap: it stands for a vendor
// whose workings Kefu does not know, and it must never be what a load test
// measures.

// nextToken is the length in bytes of the first token of s: the space before
// it, then two Han characters or a word of at most 16 bytes with its
// punctuation. It is coarser than real tokenisers, so that a caller who counts
// exactly before the call is never charged for more tokens than it reserved.
func nextToken(s string) int {
	const longest, pair = 16, 2
	end := 0
	for end < len(s) && isSpace(s[end]) {
		end++
	}
	start, hans := end, 0
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		class := classOf(r)
		switch {
		case class == space || end > start && (class == han) != (hans > 0):
			return end
		case class == han:
			hans++
		}
		end += size
		if hans == pair || hans == 0 && end-start >= longest {
			return end
		}
	}
	return end
}

// countTokens is the number of tokens in s.
func countTokens(s string) int {
	n := 0
	for len(s) > 0 {
		s = s[nextToken(s):]
		n++
	}
	return n
}

type class uint8

const (
	space class = iota
	word
	han
	other
)

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return word
		case isSpace(byte(r)):
			return space
		}
		return other
	case unicode.Is(unicode.Han, r):
		return han
	case unicode.IsLetter(r):
		return word
	}
	return other
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

// isChinese tells whether s holds a Han character.
func isChinese(s string) bool {
	for _, r := range s {
		if classOf(r) == han {
			return true
		}
	}
	return false
}

// termLetters is how many letters of a word count: a stemmer for nothing, by
// which "return", "returns" and "returned" are one term.
const termLetters = 5

var hashSeed = maphash.MakeSeed()

// terms yields the hash of each content term of s: words cut to their first
// letters, numbers, and pairs of neighbouring Han characters.
func terms(s string) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		var before rune // the Han character just before, 0 without one
		for i := 0; i < len(s); {
			r, size := utf8.DecodeRuneInString(s[i:])
			switch classOf(r) {
			case han:
				if pair := [2]rune{before, r}; before != 0 && !functionPairs[pair] && !yield(maphash.Comparable(hashSeed, pair)) {
					return
				}
				before = r
				i += size
			case word:
				before = 0
				end := i
				for end < len(s) && classOf(rune(s[end])) == word {
					end++
				}
				if end == i { // a letter beyond ASCII
					i += size
					continue
				}
				if term, ok := wordTerm(s[i:end]); ok && !yield(term) {
					return
				}
				i = end
			default:
				before = 0
				i += size
			}
		}
	}
}

func wordTerm(w string) (term uint64, ok bool) {
	var lower [termLetters]byte
	digits := '0' <= w[0] && w[0] <= '9'
	if digits {
		return maphash.String(hashSeed, w), true
	}
	n := 0
	for n < len(w) && n < termLetters {
		lower[n] = w[n] | 0x20
		n++
	}
	if len(w) <= termLetters && stopWords[string(lower[:n])] {
		return 0, false
	}
	return maphash.Bytes(hashSeed, lower[:n]), true
}

// stopWords are function words of at most termLetters letters.
var stopWords = wordSet(`a an the is are was were be do does did can could i my me we our you your it its this that
	to of in on for with at by from and or not no if how what when where who why which will would much many there
	have has had get about any some tell know need want into than then them they us am i'm so as`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// functionPairs are Han pairs that ask rather than name.
var functionPairs = pairSet(`怎么 什么 么办 么样 多少 可以 以吗 如何 何时 请问 我的 我想 想要 需要 要多 能不 不能 不可 是否 是不 不是
	有没 没有 哪些 哪里 为什 多久 多长 你们 我们 他们 一下 这个 那个 的吗 了吗 知道`)

func pairSet(pairs string) map[[2]rune]bool {
	set := map[[2]rune]bool{}
	for pair := range strings.FieldsSeq(pairs) {
		r := []rune(pair)
		set[[2]rune{r[0], r[1]}] = true
	}
	return set
}

// sentences yields the sentences of s, trimmed of white space, list markers
// and nothing else: each is a verbatim part of s.
func sentences(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		flush := func(end int) bool {
			sentence := trimMarker(strings.TrimSpace(s[start:end]))
			start = end
			return sentence == "" || yield(sentence)
		}
		for i := 0; i < len(s); {
			r, size := utf8.DecodeRuneInString(s[i:])
			i += size
			if endsSentence(s, i, r) && !flush(i) {
				return
			}
		}
		flush(len(s))
	}
}

// endsSentence tells whether r, which ends before s[i:], closes a sentence.
func endsSentence(s string, i int, r rune) bool {
	switch r {
	case '\n', '。', '！', '？':
		return true
	case '.', '!', '?':
		if i < len(s) && !isSpace(s[i]) {
			return false
		}
		return r != '.' || i < 2 || s[i-2] < '0' || s[i-2] > '9' || !numbersLine(s[:i-1])
	}
	return false
}

// numbersLine tells whether the last line of s is only a number, as in "2.".
func numbersLine(s string) bool {
	line := strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
	return strings.Trim(line, "0123456789") == ""
}

// trimMarker drops "- ", "* ", "# " and "2. " from the front of a line.
func trimMarker(line string) string {
	rest := strings.TrimLeft(line, "-*#>")
	if rest == line {
		digits := strings.TrimLeft(line, "0123456789")
		if digits == line || !strings.HasPrefix(digits, ". ") {
			return line
		}
		rest = digits[1:]
	}
	if trimmed := strings.TrimLeft(rest, " "); trimmed != rest {
		return trimmed
	}
	return line // "-5 °C" and "**bold**" are no markers
}
