package retrieval

import (
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

const (
	// worthShortening is the share of a text that an excerpt must leave out:
	// who reads less of it should win something by that.
	worthShortening = 0.1
	// shortText is up to how many tokens a passage is shown whole.
	shortText = 20
	// headedBy is the share of the question's terms from which on a section
	// that is headed by them is about the question as a whole.
	headedBy = 0.5
)

// Excerpt is what of a passage's text matters to a question, word for word: the
// sentences that hold one of its content terms or a synonym, each with the one
// that goes on from it, and lists and tables of which any line does, whole. What
// is left out leaves an ellipsis behind. It is empty where the whole text should
// be read: that of a curated answer, of a short passage, of one that is headed
// by what is asked or shares no word with it, and one of which little can go.
func Excerpt(question string, p desk.Passage) string {
	terms := lang.ContentTerms(question)
	if p.Question != "" || p.Tokens <= shortText || len(terms) == 0 || share(terms, p.NearestHeading()) >= headedBy {
		return ""
	}
	meant := make(map[string]bool, 2*len(terms))
	for _, t := range terms {
		meant[t] = true
		for _, other := range lang.Synonyms(t) {
			meant[other] = true
		}
	}
	pieces := piecesOf(p.Text)
	for i := range pieces {
		if !pieces[i].holds(meant) {
			continue
		}
		pieces[i].kept = true
		if next := i + 1; next < len(pieces) && pieces[next].paragraph == pieces[i].paragraph {
			pieces[next].kept = true
		}
	}
	var b strings.Builder
	for i, piece := range pieces {
		switch {
		case !piece.kept:
			continue
		case i > 0 && !pieces[i-1].kept && b.Len() > 0:
			b.WriteString(" …\n" + strings.TrimLeft(piece.text, " "))
		default:
			b.WriteString(piece.text)
		}
	}
	text := strings.TrimSpace(b.String())
	if text == "" || float64(len(text)) > (1-worthShortening)*float64(len(p.Text)) {
		return ""
	}
	return text
}

// share is how many of terms a text holds, in [0,1].
func share(terms []string, text string) float64 {
	there := map[string]bool{}
	for _, t := range lang.Terms(text) {
		there[t] = true
	}
	held := 0
	for _, t := range terms {
		if there[t] {
			held++
		}
	}
	return float64(held) / float64(len(terms))
}

// piece is a sentence, or a list or table with the line before it.
type piece struct {
	text      string // with the white space behind it
	paragraph int
	kept      bool
}

func (p piece) holds(terms map[string]bool) bool {
	for _, t := range lang.Terms(p.text) {
		if terms[t] {
			return true
		}
	}
	return false
}

// piecesOf cuts a text of the chunker, which puts paragraphs apart by an empty
// line, and items and rows on lines of their own.
func piecesOf(text string) []piece {
	var pieces []piece
	n := 0
	for paragraph := range strings.SplitAfterSeq(text, "\n\n") {
		n++
		listed := strings.Contains(strings.TrimSpace(paragraph), "\n")
		switch last := len(pieces) - 1; {
		case listed && last >= 0 && leads(pieces[last].text):
			pieces[last].text += paragraph
		case listed:
			pieces = append(pieces, piece{text: paragraph, paragraph: n})
		default:
			start := 0
			for _, s := range lang.Sentences(paragraph) {
				pieces = append(pieces, piece{text: paragraph[start:s.End], paragraph: n})
				start = s.End
			}
			if len(pieces) > 0 {
				pieces[len(pieces)-1].text += paragraph[start:]
			}
		}
	}
	return pieces
}

// leads tells a sentence that a list or table follows.
func leads(sentence string) bool {
	sentence = strings.TrimSpace(sentence)
	return strings.HasSuffix(sentence, ":") || strings.HasSuffix(sentence, "：")
}
