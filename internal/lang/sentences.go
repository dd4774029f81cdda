package lang

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a part of a text as byte offsets, half open.
type Span struct{ Start, End int }

// Sentences returns the sentences of text in order. Together they cover
// everything but white space; none begins or ends with it and none overlaps
// another. A heading, list item or table row is a sentence of its own, and so
// is a line, unless it was plainly wrapped. Closing quotes and citation marks
// such as [1] stay with the sentence that they follow. Abbreviations,
// initials, decimals, versions and addresses do not end a sentence.
func Sentences(text string) []Span {
	var spans []Span
	start := 0
	cut := func(end int) {
		if s := trimSpan(text, start, end); s.Start < s.End {
			spans = append(spans, s)
		}
		start = end
	}
	for i := 0; i < len(text); {
		if end := rowEnd(text, i); end > i {
			cut(i)
			cut(end)
			i = end
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		next := i + size
		switch r {
		case '\n', '\r', '\u2028', '\u2029':
			if !wrapped(text, start, i, next) {
				cut(i)
			}
		case '。', '！', '？', '｡', '…':
			next = closeSentence(text, next)
			cut(next)
		case '.', '!', '?':
			end := closeSentence(text, next)
			if endsSentence(text, start, i, end) {
				cut(end)
			}
			next = end
		}
		i = next
	}
	cut(len(text))
	return spans
}

// rowEnd returns where the line that begins at i ends when it is a row of a
// table, cells divided by " | ", else i.
func rowEnd(text string, i int) int {
	if i > 0 && text[i-1] != '\n' {
		return i
	}
	line := text[i:]
	if n := strings.IndexByte(line, '\n'); n >= 0 {
		line = line[:n]
	}
	if !isRow(line) {
		return i
	}
	return i + len(line)
}

func isRow(line string) bool { return strings.HasPrefix(line, "|") || strings.Contains(line, " | ") }

// closeSentence returns the end of the further end marks, closing quotes and
// brackets, and citation marks that follow a sentence's first end mark.
func closeSentence(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !strings.ContainsRune(`.!?。！？｡…"'”’»」』）)】〉》*_`, r) {
			break
		}
		i += size
	}
	for {
		end := citationMark(text, i)
		if end < 0 {
			return i
		}
		i = end
	}
}

// citationMark returns the end of "[12]", which spaces may precede, at i, else -1.
func citationMark(text string, i int) int {
	for i < len(text) && text[i] == ' ' {
		i++
	}
	if i >= len(text) || text[i] != '[' {
		return -1
	}
	digits := i + 1
	for i = digits; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
	}
	if i == digits || i >= len(text) || text[i] != ']' {
		return -1
	}
	return i + 1
}

// endsSentence decides whether the ASCII end mark at dot, closed at end, ends
// the sentence that began at start.
func endsSentence(text string, start, dot, end int) bool {
	next, _ := utf8.DecodeRuneInString(text[end:])
	if end < len(text) && !unicode.IsSpace(next) && !isHan(next) {
		return false // 3.5, v1.2, example.com/?q=1
	}
	if text[dot] != '.' {
		// Press "Forgot password?" on the page: who begins with a capital letter
		// would begin the next sentence with one.
		return !startsLower(text[end:]) || !startsUpper(text[start:])
	}
	if end > dot+1 && text[dot+1] == '.' && !startsLower(text[end:]) {
		return true
	}
	word := lastWord(text[start:dot])
	switch {
	case strings.TrimSpace(text[start:dot]) == word && isEnumerator(word):
		return false // "1." or "a." opens a list item
	case isInitial(word) || isAbbreviation(word):
		return false
	}
	return !startsLower(text[end:])
}

// lastWord is what stands after the last space or opening bracket.
func lastWord(s string) string {
	if i := strings.LastIndexAny(s, " \t\n\r(["); i >= 0 {
		return s[i+1:]
	}
	return s
}

// startsLower reports that the text goes on, after spaces, with a lower-case letter.
func startsLower(s string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \t"))
	return unicode.IsLower(r)
}

// startsUpper reports that the first letter is a capital one.
func startsUpper(s string) bool {
	i := strings.IndexFunc(s, unicode.IsLetter)
	if i < 0 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return unicode.IsUpper(r)
}

func isEnumerator(word string) bool {
	return isDigits(word) && len(word) <= 3 || len(word) == 1 && unicode.IsLetter(rune(word[0]))
}

// isInitial reports one letter, or letters with dots between them: J, U.S, e.g.
func isInitial(word string) bool {
	if len(word) == 1 {
		return 'A' <= word[0] && word[0] <= 'Z' && word != "I"
	}
	if len(word)%2 == 0 || word == "" {
		return false
	}
	for i := range len(word) {
		letter := unicode.IsLetter(rune(word[i])) && word[i] < utf8.RuneSelf
		if i%2 == 0 && !letter || i%2 == 1 && word[i] != '.' {
			return false
		}
	}
	return true
}

// isAbbreviation lists the abbreviations that are followed by something, as a
// rule with a capital letter or a digit.
func isAbbreviation(word string) bool {
	switch strings.ToLower(word) {
	case "mr", "mrs", "ms", "dr", "prof", "st", "vs", "no", "nos", "fig", "sec", "approx", "ca", "cf",
		"dept", "est", "ext", "tel", "vol", "pp", "art", "incl", "excl", "max", "min":
		return true
	}
	return false
}

// wrapLine is the width, in columns, from which on a line that does not end a
// sentence is taken for wrapped prose.
const wrapLine = 60

// wrapped reports that the line break at [end, next) stands inside a sentence
// that began at start: the line is long, or goes on in lower case, and neither
// it nor the next line is a heading, list item or table row.
func wrapped(text string, start, end, next int) bool {
	line := text[start:end]
	if i := strings.LastIndexByte(line, '\n'); i >= 0 {
		line = line[i+1:]
	}
	line = strings.TrimSpace(line)
	following, _, _ := strings.Cut(strings.TrimPrefix(text[next:], "\n"), "\n")
	following = strings.TrimSpace(following)
	if line == "" {
		return start == end || strings.TrimSpace(text[start:end]) == ""
	}
	if following == "" || strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：") ||
		startsBlock(following) || strings.HasPrefix(line, "#") || isRow(line) || isRow(following) {
		return false
	}
	return startsLower(following) || columns(line) >= wrapLine
}

// startsBlock reports a line that begins a list item, heading, quote, table
// row or fence.
func startsBlock(line string) bool {
	if strings.HasPrefix(line, "|") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ">") || strings.HasPrefix(line, "```") {
		return true
	}
	r, size := utf8.DecodeRuneInString(line)
	rest := line[size:]
	switch {
	case strings.ContainsRune("•·●○▪◦‣–—①②③④⑤⑥⑦⑧⑨⑩", r):
		return true
	case strings.ContainsRune("-*+", r):
		return strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "\t")
	case strings.ContainsRune("一二三四五六七八九十（(", r) || unicode.IsLetter(r) && r < utf8.RuneSelf, '0' <= r && r <= '9':
		marker := strings.TrimLeft(line, "（(0123456789一二三四五六七八九十")
		if marker == line && r < utf8.RuneSelf { // "a) ", "b. "
			marker = rest
		}
		return len(line)-len(marker) <= 12 && strings.IndexAny(marker, ".)、）．") == 0
	}
	return false
}

// columns is the printed width: Han characters take two columns.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if isHan(r) || isKana(r) {
			n++
		}
	}
	return n
}

// trimSpan shrinks [start, end) until neither end is white space.
func trimSpan(text string, start, end int) Span {
	s := text[start:end]
	left := strings.TrimLeftFunc(s, unicode.IsSpace)
	start += len(s) - len(left)
	return Span{start, start + len(strings.TrimRightFunc(left, unicode.IsSpace))}
}
