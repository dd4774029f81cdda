package pdf

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// layout makes readable text of the lines of pages: without what stands at the
// top or bottom of most of them, and with paragraphs where there were lines.
func layout(pages []string) []string {
	lines := make([][]string, len(pages))
	for i, page := range pages {
		lines[i] = linesOf(page)
	}
	frame := repeated(lines)
	out := make([]string, len(pages))
	for i := range lines {
		out[i] = paragraphs(withoutFrame(lines[i], frame))
	}
	return out
}

// linesOf splits a page into its lines, without blank ones. PDFium writes a
// hyphen at the end of a line as one of two characters that no text has.
func linesOf(page string) []string {
	page = strings.ReplaceAll(page, "\r\n", "\n")
	page = strings.Map(func(r rune) rune {
		switch {
		case r == '\x02' || r == '\uFFFE':
			return softHyphen
		case r == '\r' || r == '\f' || r == '\v':
			return '\n'
		case unicode.IsControl(r) && r != '\n' && r != '\t', r == utf8.RuneError, unicode.Is(unicode.Co, r) && r != '\uF0B7':
			return -1
		case r == '\uF0B7': // the bullet of the Symbol font
			return '•'
		default:
			return r
		}
	}, page)
	var lines []string
	for line := range strings.SplitSeq(page, "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

const softHyphen = '\u00AD'

// edge is how many lines at the top and at the bottom of a page may be frame.
const edge = 2

var digits = regexp.MustCompile(`\d+`)

// repeated are the lines, with any numbers in them, that stand at an edge of
// more than half of the pages. Fewer than four pages have no frame to be told.
func repeated(pages [][]string) map[string]bool {
	seen := map[string]int{}
	for _, lines := range pages {
		at := map[string]bool{}
		for i, line := range lines {
			if i < edge || i >= len(lines)-edge {
				at[digits.ReplaceAllString(line, "#")] = true
			}
		}
		for line := range at {
			seen[line]++
		}
	}
	frame := map[string]bool{}
	for line, n := range seen {
		frame[line] = len(pages) >= 4 && n*2 > len(pages)
	}
	return frame
}

func withoutFrame(lines []string, frame map[string]bool) []string {
	isFrame := func(line string) bool { return frame[digits.ReplaceAllString(line, "#")] }
	for i := 0; i < edge && len(lines) > 0 && isFrame(lines[0]); i++ {
		lines = lines[1:]
	}
	for i := 0; i < edge && len(lines) > 0 && isFrame(lines[len(lines)-1]); i++ {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// paragraphs joins the lines that were broken where the page ends. A line goes
// on when it reaches about as far as most do and is no row of a table, or when it stops within a
// sentence that the next one continues in lower case. A blank line is put
// after what was joined or ends a sentence, so that short lines, as of a table
// or a list, stay together.
func paragraphs(lines []string) string {
	var b strings.Builder
	full := measure(lines) * 3 / 4
	joined := false
	for i, line := range lines {
		if i == 0 {
			b.WriteString(line)
			continue
		}
		before := lines[i-1]
		switch {
		case isItem(line):
			b.WriteByte('\n')
			joined = false
		case !isRow(before) && !isRow(line) && (width(before) >= full || goesOn(before, line)):
			joined = true
			text := b.String()
			if last, size := utf8.DecodeLastRuneInString(text); last == softHyphen {
				b.Reset()
				b.WriteString(text[:len(text)-size])
			} else if first, _ := utf8.DecodeRuneInString(line); !isWide(last) || !isWide(first) {
				b.WriteByte(' ')
			}
			b.WriteString(line)
			continue
		case joined || endsSentence(before):
			b.WriteString("\n\n")
			joined = false
		default:
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return strings.ReplaceAll(b.String(), string(softHyphen), "-")
}

// measure is the width that nine in ten lines do not exceed.
func measure(lines []string) int {
	widths := make([]int, len(lines))
	for i, line := range lines {
		widths[i] = width(line)
	}
	slices.Sort(widths)
	if len(widths) == 0 {
		return 0
	}
	return widths[len(widths)*9/10]
}

// width counts a character of Chinese as two of others.
func width(line string) int {
	n := 0
	for _, r := range line {
		if isWide(r) {
			n++
		}
		n++
	}
	return n
}

func isWide(r rune) bool { return r >= 0x2E80 && r <= 0x9FFF || r >= 0xFF00 && r <= 0xFF60 }

// item is how a line begins that is one of a list, a numbered heading, or a
// question or answer.
var item = regexp.MustCompile(`^([•‣▪●○◦■□◆➢✓*–—-]\s|\(?[0-9]{1,3}[.)、．]|[0-9]{1,2}(\.[0-9]{1,2}){1,3}\s|[（(][一二三四五六七八九十0-9]{1,3}[）)]|[一二三四五六七八九十]{1,3}、|第[一二三四五六七八九十百0-9]{1,4}[章节条]|[QA问答][:：.])`)

func isItem(line string) bool { return item.MatchString(line) }

// isRow tells a row of a table by its figures: half of its words, or the last
// two, hold digits.
func isRow(line string) bool {
	words := strings.Fields(line)
	figures, last := 0, 0
	for i, word := range words {
		if strings.ContainsFunc(word, unicode.IsDigit) && !strings.HasSuffix(word, ",") {
			figures++
			if i >= len(words)-2 {
				last++
			}
		}
	}
	return len(words) >= 3 && (figures*2 >= len(words) || last == 2)
}

// goesOn tells whether next plainly continues line.
func goesOn(line, next string) bool {
	first, _ := utf8.DecodeRuneInString(next)
	last, _ := utf8.DecodeLastRuneInString(line)
	return last == softHyphen || !endsSentence(line) && unicode.IsLower(first)
}

func endsSentence(line string) bool {
	last, _ := utf8.DecodeLastRuneInString(strings.TrimRight(line, `"'”’）)`))
	return strings.ContainsRune(".!?:;。！？：；…", last)
}
