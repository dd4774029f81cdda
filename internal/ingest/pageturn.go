package ingest

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/lang"
)

// mostCarried is how many bytes are taken from one page to another; what is
// longer is no question and no end of a sentence.
const mostCarried = 1000

// turned joins what the turn of a page tore apart: a question, or what
// introduces a list, goes over to the page of its answer, and the rest of a
// sentence back to the page that it began on.
func turned(pages []string) []string {
	joined := append([]string(nil), pages...)
	before := -1 // the last page with text
	for i, page := range joined {
		if strings.TrimSpace(page) == "" {
			continue
		}
		if before >= 0 {
			joined[before], joined[i] = turn(joined[before], page)
		}
		before = i
	}
	return joined
}

func turn(page, next string) (string, string) {
	body, folio := withoutFolio(page)
	sentences := lang.Sentences(body)
	if len(sentences) == 0 {
		return page, next
	}
	last := sentences[len(sentences)-1]
	if said := body[last.Start:last.End]; asks(said) && len(said) <= mostCarried {
		return joinNonEmpty("\n", strings.TrimSpace(body[:last.Start]), folio), said + "\n" + next
	}
	if first := lang.Sentences(next)[0]; tornBetween(body, next) && first.End <= mostCarried {
		return joinNonEmpty("\n", body, next[first.Start:first.End], folio), strings.TrimSpace(next[first.End:])
	}
	return page, next
}

// asks tells whether a sentence wants what follows it.
func asks(sentence string) bool {
	return strings.HasSuffix(sentence, "?") || strings.HasSuffix(sentence, "？") || introduces(sentence)
}

// tornBetween tells whether a sentence goes on from a page to the next.
func tornBetween(page, next string) bool {
	end, _ := utf8.DecodeLastRuneInString(page)
	start, _ := utf8.DecodeRuneInString(next)
	switch {
	case unicode.IsLower(start):
		return !strings.ContainsRune(".!?", end)
	case unicode.Is(unicode.Han, start):
		return unicode.Is(unicode.Han, end) || strings.ContainsRune("，、,", end)
	}
	return end == ','
}

// aFolio is a line with nothing but the number of a page.
var aFolio = regexp.MustCompile(`(?i)^[-–— ]*(page |p\. ?|第 ?)?\d{1,4}( ?页)?( ?(of|/) ?\d{1,4})?[-–— ]*$`)

// withoutFolio takes the number of the page off its end.
func withoutFolio(page string) (body, folio string) {
	if i := strings.LastIndexByte(page, '\n'); i >= 0 && aFolio.MatchString(strings.TrimSpace(page[i:])) {
		return strings.TrimSpace(page[:i]), strings.TrimSpace(page[i:])
	}
	return strings.TrimSpace(page), ""
}
