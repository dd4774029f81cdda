package ingest

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/lang"
	"kefu/internal/llm/token"
)

// chunkerVersion is part of every content hash: another way of extracting or
// cutting makes every document new.
const chunkerVersion = "2"

// countTokens counts in the encoding that chunk sizes are given in.
func countTokens(text string) int { return token.Count("", text) }

// chunker cuts the text of a section at the widest break that serves: between
// blocks, then lines (list items, table rows), then sentences, then words.
type chunker struct {
	target, most, overlap int // tokens
	count                 func(string) int
}

// span is one chunk: text[start:end], of which text[start:fresh] repeats the
// end of the chunk before.
type span struct{ start, fresh, end int }

// unit is a piece of text that stays whole. tokens includes the break after it.
type unit struct{ start, end, tokens int }

// split cuts text into chunks of about target tokens and at most most. Every
// chunk is a slice of text; between two of them stands nothing but white space.
func (c chunker) split(text string) []span {
	var spans []span
	var open span
	var last unit // of the open chunk
	tokens := 0   // of the open chunk, estimated; 0: none is open
	for _, u := range c.units(text) {
		if tokens > 0 {
			if c.takes(text, open, tokens, u) {
				open.end, last = u.end, u
				tokens += u.tokens
				continue
			}
			if both := (unit{last.start, u.end, last.tokens + u.tokens}); c.moves(text, open, last, both) {
				open.end, u = len(strings.TrimRightFunc(text[:last.start], unicode.IsSpace)), both
			}
			spans = append(spans, open)
		}
		start, repeated := u.start, 0
		if tokens > 0 {
			start, repeated = c.repeat(text, open, u)
		}
		open, last = span{start: start, fresh: u.start, end: u.end}, u
		tokens = repeated + u.tokens
	}
	if tokens > 0 {
		spans = append(spans, open)
	}
	return spans
}

// takes tells whether u joins the open chunk: while that is below the target,
// and also beyond it when so little is open, such as "Follow these steps:",
// that it would make a poor chunk of its own.
func (c chunker) takes(text string, open span, tokens int, u unit) bool {
	joined := tokens + u.tokens
	if joined > c.target && (tokens >= c.target/2 || joined > c.most) {
		return false
	}
	return c.fits(text[open.start:u.end], joined)
}

// moves tells whether the last unit of the open chunk, such as "Follow these
// steps:", leaves it for what it introduces, both together.
func (c chunker) moves(text string, open span, last, both unit) bool {
	return last.start > open.fresh && introduces(text[:last.end]) && c.fits(text[both.start:both.end], both.tokens)
}

// introduces tells whether text ends by announcing what follows it.
func introduces(text string) bool {
	text = strings.TrimRight(text, "*_ \t\n")
	return strings.HasSuffix(text, ":") || strings.HasSuffix(text, "：")
}

// led joins every block to the one that introduces it: a list, a table or a
// command says little without.
func led(text string, blocks []lang.Span) []lang.Span {
	var joined []lang.Span
	for i, b := range blocks {
		if i > 0 && introduces(text[:blocks[i-1].End]) {
			joined[len(joined)-1].End = b.End
			continue
		}
		joined = append(joined, b)
	}
	return joined
}

// fits tells whether text is within the bound. Adding up the tokens of pieces
// is near enough far below it, and text is counted again otherwise.
func (c chunker) fits(text string, estimate int) bool {
	return estimate <= c.most*2/3 || c.count(text) <= c.most
}

// repeat finds where the chunk that begins with u starts when it repeats the
// last one or two sentences of the chunk before, and the tokens that adds. An
// item of a list or a row of a table makes sense alone and is not repeated.
func (c chunker) repeat(text string, before span, u unit) (start, tokens int) {
	start = u.start
	sentences := trimmed(text, before.fresh, sentenceStarts(text[before.fresh:before.end]), before.end)
	for n := range min(2, len(sentences)-1) { // never the whole chunk again
		s := sentences[len(sentences)-1-n]
		if isItem(text, s.Start) {
			break
		}
		added := c.count(text[s.Start:s.End]) + 1
		if tokens+added > c.overlap || !c.fits(text[s.Start:u.end], tokens+added+u.tokens) {
			break
		}
		start, tokens = s.Start, tokens+added
	}
	return start, tokens
}

// units cuts text into pieces that each fit a chunk.
func (c chunker) units(text string) []unit {
	var units []unit
	for _, b := range led(text, trimmed(text, 0, breaks(text, "\n\n"), len(text))) {
		units = c.appendUnits(units, text, b, lineStarts, sentenceStarts, c.pieceStarts)
	}
	return units
}

// appendUnits adds s whole if it fits, else its parts by the first of the finer
// cuts. The last cut makes parts that always fit.
func (c chunker) appendUnits(units []unit, text string, s lang.Span, finer ...func(string) []int) []unit {
	part := text[s.Start:s.End]
	if len(finer) == 0 {
		return append(units, unit{s.Start, s.End, c.count(part) + 1})
	}
	// What has so many bytes is not counted to be found too long.
	if len(part) <= c.most*16 {
		if tokens := c.count(part); tokens <= c.most {
			return append(units, unit{s.Start, s.End, tokens + 1})
		}
	}
	for _, sub := range trimmed(text, s.Start, finer[0](part), s.End) {
		units = c.appendUnits(units, text, sub, finer[1:]...)
	}
	return units
}

// trimmed returns the spans between the starts, which count from base, and
// end, without the white space around them and without empty ones.
func trimmed(text string, base int, starts []int, end int) []lang.Span {
	var spans []lang.Span
	for i, from := range starts {
		to := end
		if i+1 < len(starts) {
			to = base + starts[i+1]
		}
		from += base
		part := text[from:to]
		from += len(part) - len(strings.TrimLeftFunc(part, unicode.IsSpace))
		to = from + len(strings.TrimSpace(part))
		if from < to {
			spans = append(spans, lang.Span{Start: from, End: to})
		}
	}
	return spans
}

// breaks returns the offsets that follow sep, and zero.
func breaks(text, sep string) []int {
	starts := []int{0}
	for at := 0; ; {
		i := strings.Index(text[at:], sep)
		if i < 0 {
			return starts
		}
		at += i + len(sep)
		starts = append(starts, at)
	}
}

// lineStarts returns the starts of those lines that begin a sentence: a line
// that was merely wrapped does not.
func lineStarts(text string) []int {
	starts := sentenceStarts(text)
	return slices.DeleteFunc(starts, func(at int) bool { return at > 0 && !startsLine(text, at) })
}

func startsLine(text string, at int) bool {
	return strings.HasSuffix(strings.TrimRight(text[:at], " \t"), "\n")
}

// isItem tells whether the line that begins at an offset is one of several in
// its block.
func isItem(text string, at int) bool {
	return startsLine(text, at) && !strings.HasSuffix(strings.TrimRight(text[:at], " \t"), "\n\n")
}

func sentenceStarts(text string) []int {
	starts := []int{0}
	for _, s := range lang.Sentences(text) {
		if s.Start > starts[len(starts)-1] {
			starts = append(starts, s.Start)
		}
	}
	return starts
}

// pieceStarts cuts a run without sentences so that each piece has at most most
// bytes, and so at most as many tokens: after a space or comma where there is
// one in the second half of the piece.
func (c chunker) pieceStarts(text string) []int {
	starts := []int{0}
	for at := 0; len(text)-at > c.most; {
		cut := at + c.most
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		if i := strings.LastIndexFunc(text[at:cut], isSoftBreak); i > c.most/2 {
			_, size := utf8.DecodeRuneInString(text[at+i:])
			cut = at + i + size
		}
		starts = append(starts, cut)
		at = cut
	}
	return starts
}

func isSoftBreak(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune(",;，；、", r)
}
