// Package grounding decides by code whether an answer is supported by the
// passages it was composed from: every citation must name one of them, every
// sentence must find its words and numbers there, and every quote is a
// verbatim piece of the passage.
package grounding

import (
	"regexp"
	"strconv"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Thresholds of support, as shares of a sentence's content terms that its
// passage must hold. Chinese terms are character bigrams, of which a faithful
// paraphrase keeps fewer.
const (
	coverageEnglish = 0.60
	coverageChinese = 0.50
	// quoteWindow is how many neighbouring sentences may support one sentence
	// together.
	quoteWindow = 3
	// minClaim is the number of content terms below which a sentence without
	// a number says nothing that needs support ("Here is how:").
	minClaim = 3
)

// Verdict is the result of verifying one answer.
type Verdict struct {
	// Text is the answer without its unsupported sentences and with its
	// citations set right.
	Text      string
	Citations []desk.Citation // in order of first appearance
	Grounds   []desk.Ground   // one a sentence
	Claims    int             // sentences that need support
	Supported int             // of which supported
	Cited     bool            // the answer carried at least one [n]
}

// Holds reports whether something of the answer may be said as fact.
func (v Verdict) Holds() bool { return v.Supported > 0 }

// marker is a citation as models write it, behind blanks or none.
var marker = regexp.MustCompile(`\[(\d{1,3})\]`)

const blanks = " \t\n\f\r"

// Verify checks text against the sources that its [n] count from 1. Where a
// sentence is supported by another source than the one it names, the citation
// is set right; where none supports it, the sentence is dropped.
func Verify(text string, sources []desk.Passage) Verdict {
	v := Verdict{Cited: marker.MatchString(text)}
	checker := newChecker(sources)
	var kept strings.Builder
	cited := map[int]bool{}
	said := sentences(text)
	claims := readAll(said)
	for n, s := range said {
		claim := claims[n]
		ground := desk.Ground{Sentence: n, Supported: true, Reason: "no claim"}
		found, ok := checker.verbatim(claim)
		if !ok {
			claim.analyse()
		}
		heads := checker.heads(claim) || n+1 < len(said) && underHead.MatchString(said[n+1].text)
		if ok || !heads && !claim.connects() && !claim.statesNothing() {
			v.Claims++
			if !ok {
				found, ok = checker.find(claim)
			}
			ground = desk.Ground{Sentence: n, Supported: ok, Source: found.index, Coverage: found.coverage, Reason: found.reason}
			if ok {
				v.Supported++
				if !cited[found.index] {
					cited[found.index] = true
					v.Citations = append(v.Citations, citation(found, sources[found.index-1]))
				}
			}
		}
		v.Grounds = append(v.Grounds, ground)
		if ground.Supported && !claim.labels() {
			kept.WriteString(s.lead + claim.withCitation(ground.Source))
		}
	}
	v.Text = strings.TrimSpace(kept.String())
	return v
}

func citation(f finding, p desk.Passage) desk.Citation {
	return desk.Citation{
		Index: f.index, Document: p.Document, Chunk: p.ID, Title: p.Title, URL: p.URL,
		Quote: f.quote, Score: p.Score,
	}
}

// sentence is a piece of the answer together with the white space before it.
type sentence struct{ lead, text string }

// sentences splits the answer; citations that stand behind a full stop stay
// with the sentence they belong to.
func sentences(text string) []sentence {
	spans := lang.Sentences(text)
	for i := 1; i < len(spans); i++ {
		loc := leadingMarkers.FindStringIndex(text[spans[i].Start:spans[i].End])
		if loc == nil {
			continue
		}
		spans[i-1].End = spans[i].Start + loc[1]
		spans[i].Start = spans[i-1].End
	}
	var out []sentence
	end := 0
	for _, s := range spans {
		raw := text[s.Start:s.End]
		body := strings.TrimSpace(raw)
		if body == "" {
			continue
		}
		at := s.Start + strings.Index(raw, body)
		out = append(out, sentence{lead: text[end:at], text: body})
		end = at + len(body)
	}
	return out
}

var leadingMarkers = regexp.MustCompile(`^(?:\s*\[\d{1,3}\])+[.。]?`)

// claim is one sentence read as a statement of fact.
type claim struct {
	text    string // without markers
	lang    desk.Lang
	terms   []string
	numbers []string
	years   []string // those of them that count years
	clauses []clause
	named   []int // the sources it cites
	// limitless claims say that something holds at any time or never.
	limitless bool
}

// readAll reads sentences. One without a citation names what the next on its
// line does: a step of two sentences is cited once.
func readAll(said []sentence) []claim {
	claims := make([]claim, len(said))
	for i := len(said) - 1; i >= 0; i-- {
		claims[i] = read(said[i].text)
		if len(claims[i].named) == 0 && i+1 < len(said) && !strings.Contains(said[i+1].lead, "\n") {
			claims[i].named = claims[i+1].named
		}
	}
	return claims
}

func read(s string) claim {
	var c claim
	end := 0
	for _, at := range marker.FindAllStringSubmatchIndex(s, -1) {
		c.text += strings.TrimRight(s[end:at[0]], blanks)
		n, _ := strconv.Atoi(s[at[2]:at[3]]) // one to three digits
		c.named = append(c.named, n)
		end = at[1]
	}
	c.text += s[end:]
	c.lang = lang.Of(c.text)
	return c
}

// analyse finds the words and numbers that need support.
func (c *claim) analyse() {
	stated := placeholder.ReplaceAllString(c.text, " ") // the asker's own data is no claim
	stated = rate.ReplaceAllString(stated, "$1 $2")
	c.terms = distinct(lang.ContentTerms(stated))
	c.clauses = clauses(stated)
	c.numbers = lang.Numbers(listNumber.ReplaceAllString(stated, ""))
	for _, period := range years.FindAllString(stated, -1) {
		c.years = append(c.years, lang.Numbers(period)...)
	}
	c.limitless = limitless.MatchString(strings.ToLower(stated))
}

// placeholder stands for masked personal data.
var placeholder = regexp.MustCompile(`⟦[A-Z]+_\d+⟧`)

// rate is a number by something: $4.99/month.
var rate = regexp.MustCompile(`(\d)/(\pL)`)

var (
	years     = regexp.MustCompile(`(?i)[\w一二三四五六七八九十两]+[ -]?(?:years?\b|年)`)
	limitless = regexp.MustCompile(`\b(?:any ?time|always|never|unlimited|forever|lifelong)\b|随时|任何时候|永久|永远|无限|终身|不限|永不`)
)

// listNumber is the ordinal of a list item, which is not a claim.
var listNumber = regexp.MustCompile(`^\s*(?:[-*•]|\d{1,2}[.)、])\s+`)

// connects reports that the sentence only leads from one claim to the next.
func (c claim) connects() bool {
	if len(c.numbers) > 0 {
		return false
	}
	return len(c.terms) < minClaim || strings.HasSuffix(c.text, ":") && len(c.terms) < 3*minClaim ||
		strings.HasSuffix(c.text, "：") && len(c.terms) < 4*minClaim
}

// withCitation returns the sentence citing exactly the given source, 0: none.
func (c claim) withCitation(source int) string {
	if source == 0 {
		return c.text
	}
	tag := " [" + strconv.Itoa(source) + "]"
	if c.lang == desk.Chinese {
		tag = tag[1:]
	}
	body := strings.TrimRight(c.text, ".。!！?？;；")
	if row, ends := strings.CutSuffix(body, "|"); ends { // stays within the last cell
		body = strings.TrimRight(row, blanks)
	}
	return body + tag + c.text[len(body):]
}

// underHead is the line under the head of a table.
var underHead = regexp.MustCompile(`^\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?$`)

func distinct(terms []string) []string {
	seen := make(map[string]bool, len(terms))
	out := terms[:0:0]
	for _, t := range terms {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}
