package ingest

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textFile extracts plain text. Its title is a short first line that stands
// alone; lines that plainly are headings begin sections.
func textFile(data []byte) (extract, error) {
	m, data, err := frontMatter(data)
	if err != nil {
		return extract{}, err
	}
	var blocks []string
	for block := range strings.SplitSeq(collapseBlankLines(string(data)), "\n\n") {
		if block = strings.TrimSpace(block); block != "" {
			blocks = append(blocks, block)
		}
	}
	if m.title == "" && len(blocks) > 1 && isTitle(blocks[0]) {
		m.title = oneLine(blocks[0])
		blocks = blocks[1:]
	}
	parts := []part{{}}
	for _, block := range blocks {
		if first, rest, _ := strings.Cut(block, "\n"); isHeadingLine(first) {
			parts = append(parts, part{level: 1, path: []string{oneLine(first)}})
			block = rest
		}
		last := &parts[len(parts)-1]
		last.text = joinNonEmpty("\n\n", last.text, block)
	}
	return extract{meta: m, sections: sections(parts)}, nil
}

// chineseHeading is a heading as Chinese notices number or bracket it.
var chineseHeading = regexp.MustCompile(`^([一二三四五六七八九十]{1,3}、[^。！？；]{1,24}|【[^】]{1,24}】)$`)

// isHeadingLine tells a heading in capital letters, or one in Chinese style.
func isHeadingLine(line string) bool {
	if chineseHeading.MatchString(line) {
		return true
	}
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, line)
	return isTitle(line) && len(letters) > 3 && strings.ToUpper(letters) == letters && strings.ToLower(letters) != letters &&
		!strings.ContainsFunc(letters, isWide)
}

func isTitle(block string) bool {
	return !strings.Contains(block, "\n") && utf8.RuneCountInString(block) <= 60 &&
		!strings.ContainsAny(block[len(block)-1:], ".:;,!?") && !hasSuffixAny(block, "。", "：", "；", "，", "！", "？")
}

func hasSuffixAny(s string, suffixes ...string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

// collapseBlankLines trims line ends and squeezes runs of blank lines to one.
func collapseBlankLines(s string) string {
	var b strings.Builder
	blank := 0
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimRight(line, " \t")
		if line == "" {
			blank++
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n"[:1+min(blank, 1)])
		}
		blank = 0
		b.WriteString(line)
	}
	return b.String()
}

// isWide tells the characters that are written without spaces between them.
func isWide(r rune) bool {
	return r >= 0x2E80 && r <= 0xA4CF || r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE4F ||
		r >= 0xFF00 && r <= 0xFF60 || r >= 0x20000 && r <= 0x3FFFD
}

func hasPrefixAny(s string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}
