package offline

import (
	"maps"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// source is one passage, taken apart.
type source struct {
	number  int
	chunk   desk.Chunk
	lang    desk.Lang
	prior   float64 // retrieval's score
	curated string  // the whole answer of a question–answer pair
	asked   []string
	nearest string          // the nearest heading, normalised
	headed  []string        // content terms of it and of the curated question
	titled  []string        // content terms of the title
	trouble bool            // it says that something fails
	facts   []*fact         // kinds of fact that the curated question asks for
	heading map[string]bool // terms of the nearest heading and the curated question
	title   map[string]bool // terms of the title and the headings above
	units   []unit
}

// unit is a piece of a passage that is quoted whole: a sentence, a list item
// or a table row.
type unit struct {
	text  string // verbatim, list marker included
	bare  string // verbatim, without it and without "Q:" or "A:"
	kind  unitKind
	block int // units of one paragraph, list or table share it
	terms map[string]bool
}

type unitKind uint8

const (
	prose  unitKind = iota
	lead            // ends with a colon: says what follows
	step            // item of a numbered list; from here on: of a list or table
	bullet          // item of another list
	row             // of a table: cells divided by " | "
)

func readSource(number int, p desk.Passage) source {
	nearest := p.NearestHeading()
	above := strings.TrimSuffix(p.Heading, nearest)
	s := source{
		number: number, chunk: p.Chunk, lang: p.Lang, prior: p.Score,
		heading: set(allTerms(nearest + "\n" + p.Question)),
		title:   set(allTerms(p.Title + "\n" + above)),
		units:   answering(readUnits(withoutAddress(p.Text))),
	}
	s.nearest = strings.Trim(lang.Normalise(nearest), "?？ ")
	s.headed = contentTerms(nearest + "\n" + p.Question)
	s.titled = contentTerms(p.Title)
	s.trouble = troubled(lang.Normalise(nearest + " " + p.Question))
	s.facts = factsAsked(lang.Normalise(p.Question))
	if s.lang == "" {
		s.lang = lang.Of(p.Text)
	}
	if p.Question != "" {
		s.curated, s.asked = withoutAddress(p.Text), contentTerms(p.Question)
	}
	return s
}

// answering is units where what follows a question, in its paragraph and the
// next, holds the question's words too: it answers it.
func answering(units []unit) []unit {
	asked := -1
	for i, u := range units {
		switch {
		case u.kind == prose && u.asks():
			asked = i
		case asked >= 0 && u.block <= units[asked].block+1:
			maps.Copy(u.terms, units[asked].terms)
		default:
			asked = -1
		}
	}
	return units
}

func (u unit) asks() bool { return strings.HasSuffix(u.bare, "?") || strings.HasSuffix(u.bare, "？") }

// promises tells whether the unit only says that something is answered: it is
// itself a question, as in a table of contents, or tells what its page is about.
func (u unit) promises() bool {
	return u.asks() || introducing.MatchString(u.bare)
}

var introducing = regexp.MustCompile(`(?i)^(?:in )?(?:this|the following) (?:document|page|article|guide|section|chapter|topic|tutorial|manual)s?\b,? ` +
	`(?:(?:also|briefly|only|will) )?(?:introduce|describe|explain|show|cover|discuss|outline|you(?:'ll| will| can)? (?:learn|find))|` +
	`^(?:本|这篇|这份|这个|该|以下)(?:文档?|页面?|节|章|篇|指南|教程|手册)(?:将|会|主要|简要)*(?:介绍|描述|说明|讲述|讲解|阐述|概述)`)

// withoutAddress drops a last line that is only the address of a page, which
// the citation gives anyway.
func withoutAddress(text string) string {
	text = strings.TrimSpace(text)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 && isAddress(text[i+1:]) {
		return strings.TrimSpace(text[:i])
	}
	return text
}

// readUnits takes text apart. Lines of lists and tables are units; what stands
// between them is cut into sentences.
func readUnits(text string) []unit {
	var units []unit
	block := 0
	last := prose
	add := func(raw string, kind unitKind) {
		raw = strings.TrimSpace(raw)
		if raw == "" {
			return
		}
		u := unit{text: raw, bare: raw[markerWidth(raw, kind):], kind: kind}
		if kind == prose && (strings.HasSuffix(raw, ":") || strings.HasSuffix(raw, "：")) {
			u.kind = lead
		}
		// A lead belongs to the list or table that follows it.
		if len(units) > 0 && u.kind != last && (last != lead || u.kind == prose) {
			block++
		}
		last = u.kind
		u.block = block
		u.terms = set(allTerms(raw))
		units = append(units, u)
	}
	for i := 0; i < len(text); {
		end := lineEnd(text, i)
		kind := kindOf(text[i:end])
		switch {
		case isBlank(text[i:end]):
			if last != lead {
				block++
			}
		case kind != prose:
			for end < len(text) && continues(text[end:lineEnd(text, end)]) {
				end = lineEnd(text, end)
			}
			add(text[i:end], kind)
		default:
			for end < len(text) && isProse(text[end:lineEnd(text, end)]) {
				end = lineEnd(text, end)
			}
			for _, sentence := range sentences(text[i:end]) {
				add(sentence, prose)
			}
		}
		i = end
	}
	return units
}

// sentences cuts prose. What goes on in lower case goes on ("Press Forgot
// password? on the page"), and an address alone is no sentence.
func sentences(text string) []string {
	var cut []string
	start := -1
	spans := lang.Sentences(text)
	for i, span := range spans {
		if start < 0 {
			start = span.Start
		}
		if i+1 < len(spans) {
			next, _ := utf8.DecodeRuneInString(text[spans[i+1].Start:])
			if unicode.IsLower(next) && !isAddress(text[spans[i+1].Start:spans[i+1].End]) {
				continue
			}
		}
		if sentence := text[start:span.End]; !isAddress(sentence) {
			cut = append(cut, sentence)
		}
		start = -1
	}
	return cut
}

// isAddress reports the address of a page and nothing else.
func isAddress(s string) bool {
	return !strings.ContainsAny(s, " \n") && (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://"))
}

// lineEnd is where the line that begins at i ends, its line break included.
func lineEnd(text string, i int) int {
	if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(text)
}

func isBlank(line string) bool { return strings.TrimSpace(line) == "" }

// continues reports a line that goes on with the list item before it.
func continues(line string) bool {
	return strings.HasPrefix(line, "  ") && isProse(line)
}

func isProse(line string) bool { return !isBlank(line) && kindOf(line) == prose }

func kindOf(line string) unitKind {
	line = strings.TrimSpace(line)
	switch {
	case stepMarker.MatchString(line):
		return step
	case bulletMarker.MatchString(line):
		return bullet
	case strings.Contains(line, " | ") || strings.HasPrefix(line, "|"):
		return row
	}
	return prose
}

func markerWidth(line string, kind unitKind) int {
	switch kind {
	case step:
		return len(stepMarker.FindString(line))
	case bullet:
		return len(bulletMarker.FindString(line))
	case prose:
		if marker := speaker.FindString(line); marker != line {
			return len(marker)
		}
	}
	return 0
}

var (
	stepMarker   = regexp.MustCompile(`^(?:\d{1,2}[.)]\s+|\d{1,2}、\s*|[（(]\d{1,2}[）)]\s*|[①-⑳]\s*|第[一二三四五六七八九十]+步[：:，,、]?\s*|[Ss]tep \d{1,2}[:.]\s*)`)
	bulletMarker = regexp.MustCompile(`^[-*+•·]\s+`)
	speaker      = regexp.MustCompile(`^(?:[QA]|Question|Answer|问题?|答|回答)\s?[:：]\s*`)
)

// columns is the width of s: Han characters and their punctuation take two.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > unicode.MaxLatin1 && (unicode.Is(unicode.Han, r) || r >= 0x3000) {
			n++
		}
	}
	return n
}
