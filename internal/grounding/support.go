package grounding

import (
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// finding is where a claim stands.
type finding struct {
	index    int // source, 1-based; 0: nowhere
	quote    string
	coverage float64
	reason   string
}

// checker holds the sources of one answer, each taken apart when it is first
// needed: an answer that cites well looks at few of them.
type checker struct {
	passages []desk.Passage
	sources  []*source
}

type source struct {
	lang      desk.Lang
	text      string
	heading   string
	context   map[string]bool // terms of title, heading and question: they tell what the passage is about
	sentences []piece
}

type piece struct {
	span    lang.Span
	listed  bool // an item of a list that is not numbered
	terms   map[string]bool
	numbers []string
	clauses []clause // read when they are needed first
}

func newChecker(passages []desk.Passage) *checker {
	return &checker{passages: passages, sources: make([]*source, len(passages))}
}

// source returns the n-th source, counted from 1.
func (c *checker) source(n int) *source {
	if c.sources[n-1] == nil {
		c.sources[n-1] = newSource(c.passages[n-1])
	}
	return c.sources[n-1]
}

func newSource(p desk.Passage) *source {
	about := p.Title + "\n" + p.Heading + "\n" + p.Question
	s := &source{lang: lang.Of(p.Text), text: p.Text, heading: p.NearestHeading(), context: set(lang.Terms(about))}
	for _, span := range lang.Sentences(p.Text) {
		text := p.Text[span.Start:span.End]
		if strings.TrimSpace(text) == "" {
			continue
		}
		s.sentences = append(s.sentences, piece{span: span, listed: bullet.MatchString(text), terms: set(lang.Terms(text)), numbers: lang.Numbers(text)})
	}
	return s
}

// bullet begins an item of a list that is not numbered.
var bullet = regexp.MustCompile(`^\s*[-*•·]\s`)

// minVerbatim is the length in bytes from which a sentence that stands in its
// source to the letter needs no further look: two or three words.
const minVerbatim = 24

// opposite is why a claim is refused that a source denies.
const opposite = "the source says the opposite"

// verbatim finds a claim that is quoted from a source it names.
func (c *checker) verbatim(cl claim) (finding, bool) {
	body := strings.TrimSpace(cl.text)
	if len(body) < minVerbatim {
		return finding{}, false
	}
	for _, n := range cl.named {
		if n >= 1 && n <= len(c.passages) && strings.Contains(c.passages[n-1].Text, body) {
			return finding{index: n, quote: body, coverage: 1, reason: "verbatim"}, true
		}
	}
	return finding{}, false
}

// heads tells whether a claim is the heading of a source, set as one: what
// stands under it claims something.
func (c *checker) heads(cl claim) bool {
	text, opened := strings.CutPrefix(strings.TrimSpace(cl.text), "**")
	text, closed := strings.CutSuffix(text, "**")
	return opened && closed && slices.ContainsFunc(c.passages, func(p desk.Passage) bool { return text == p.NearestHeading() })
}

// find looks for the claim first in the sources it names, then in the others:
// a sentence that is true but cites the wrong passage is set right rather than
// thrown away. A source that denies it is believed.
func (c *checker) find(cl claim) (finding, bool) {
	best := finding{reason: "no source holds it"}
	for n := range c.order(cl.named) {
		f, ok := c.source(n).support(cl)
		switch {
		case ok:
			f.index = n
			if len(cl.named) > 0 && !slices.Contains(cl.named, n) {
				f.reason = "cited another source"
			}
			return f, true
		case f.reason == opposite:
			return f, false
		case f.coverage > best.coverage:
			best = f
		}
	}
	return best, false
}

// order yields the numbers of the sources, those that a claim names first.
func (c *checker) order(named []int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, n := range named {
			if n >= 1 && n <= len(c.sources) && !yield(n) {
				return
			}
		}
		for n := 1; n <= len(c.sources); n++ {
			if !slices.Contains(named, n) && !yield(n) {
				return
			}
		}
	}
}

// support finds the run of sentences in the source that covers the claim best,
// unless the source says the opposite.
func (s *source) support(cl claim) (finding, bool) {
	if s.lang != cl.lang {
		return s.translated(cl)
	}
	var best finding
	ok := false
	for i := range s.sentences {
		for j := i + 1; j <= min(i+quoteWindow, len(s.sentences)); j++ {
			f, holds := s.covers(cl, s.sentences[i:j])
			// A shorter quote wins unless the longer one adds support.
			if holds == ok && f.coverage <= best.coverage+0.01 || ok && !holds {
				continue
			}
			best, ok = f, holds
		}
	}
	if ok && s.denies(cl) {
		best.reason, ok = opposite, false
	}
	return best, ok
}

func (s *source) covers(cl claim, run []piece) (finding, bool) {
	held, inText, all := 0, 0, 0
	among := func(i int) bool { return hasTerm(run, cl.terms[i]) || s.context[cl.terms[i]] }
	for i, t := range cl.terms {
		switch {
		case hasTerm(run, t):
			held++
			inText++
		case s.context[t]:
			held++
		case lang.Spans(cl.terms, i, among):
			continue
		}
		all++
	}
	f := finding{quote: s.quote(run), coverage: share(held, all), reason: "covered"}
	need := coverageEnglish
	if cl.lang == desk.Chinese {
		need = coverageChinese
	}
	switch {
	case !s.hasNumbers(run, cl):
		f.reason = "a number is not in the source"
		return f, false
	case cl.limitless && !limitless.MatchString(strings.ToLower(f.quote)):
		f.reason = "the source sets a limit"
		return f, false
	case f.coverage < need || inText == 0:
		f.reason = "words are not in the source"
		return f, false
	}
	return f, true
}

// translated supports a claim by a source in the other language. Words cannot
// be compared then, but numbers, names and part numbers survive translation:
// all of them must stand together in the source, and there must be one.
func (s *source) translated(cl claim) (finding, bool) {
	var anchors []string
	for _, t := range cl.terms {
		if cl.lang == desk.Chinese && isLatin(t) {
			anchors = append(anchors, t)
		}
	}
	if len(anchors)+len(cl.numbers) == 0 {
		return finding{reason: "nothing to compare across languages"}, false
	}
	for i := range s.sentences {
		for j := i + 1; j <= min(i+quoteWindow, len(s.sentences)); j++ {
			run := s.sentences[i:j]
			all := s.hasNumbers(run, cl)
			for _, a := range anchors {
				all = all && (hasTerm(run, a) || s.context[a])
			}
			if all {
				return finding{quote: s.quote(run), coverage: 1, reason: "numbers and names hold across languages"}, true
			}
		}
	}
	return finding{reason: "a number or name is not in the source"}, false
}

func (s *source) quote(run []piece) string {
	return strings.TrimSpace(s.text[run[0].span.Start:run[len(run)-1].span.End])
}

// hasTerm tells whether the run holds a term or a synonym of it.
func hasTerm(run []piece, term string) bool {
	holds := func(t string) bool { return slices.ContainsFunc(run, func(p piece) bool { return p.terms[t] }) }
	return holds(term) || slices.ContainsFunc(lang.Synonyms(term), holds)
}

func isLatin(term string) bool {
	return strings.IndexFunc(term, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

func set(terms []string) map[string]bool {
	m := make(map[string]bool, len(terms))
	for _, t := range terms {
		m[t] = true
	}
	return m
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
