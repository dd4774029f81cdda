package grounding

import (
	"regexp"
	"slices"
	"strings"

	"kefu/internal/lang"
)

// clause is a part of a sentence that says one thing, or that it is not so.
type clause struct {
	terms     []string
	negated   bool
	condition bool // "if it does not"
	fails     bool // says no and yes: that something does not work, or is so of one and not of another
}

// clauses splits a sentence at its commas, semicolons and buts. A negation goes
// on over what only lists more: "cannot be sold, paid out or given away".
func clauses(sentence string) []clause {
	var list []clause
	text := breaks.Replace(strings.ToLower(sentence))
	negated, contrasts := false, false
	for part := range strings.SplitSeq(text, "\n") {
		terms := distinct(lang.ContentTerms(part))
		negated = lang.Negated(part) || negated && !says.MatchString(part)
		if len(terms) == 0 {
			contrasts = contrasts || negated // ", not by us"
			continue
		}
		c := clause{terms, negated, condition.MatchString(part), failure.MatchString(part)}
		list = append(list, c)
		negated = negated && !c.condition
	}
	for i := range list {
		list[i].fails = list[i].fails || contrasts
	}
	return list
}

var breaks = strings.NewReplacer(", ", "\n", ";", "\n", "，", "\n", "；", "\n", " but ", "\n", "但", "\n")

var (
	// says finds in a clause that it says something of its own; a Chinese one does.
	says      = regexp.MustCompile(`\b(?:can|could|is|are|was|were|will|would|do|does|did|may|must|should|have|has|you|we|it|they|i)\b|\p{Han}`)
	condition = regexp.MustCompile(`^\s*(?:(?:but|and|or) )?(?:if|when|unless|once|until|in case)\b|^\s*(?:如果|如|若|要是|除非|一旦|否则)`)
	failure   = regexp.MustCompile(`\b(?:invalid|void|fails?|failed|refused|rejected|lost|wrong|expired?s?|stops?)\b|失效|无效|失败|拒绝|作废|停`)
)

// likeness is the share of a clause's terms from which on another speaks of
// the same.
const likeness = 0.5

// denies tells whether a source says of a clause of the claim that it is not
// so, or the claim of one of its: the clause that is most like it is negated and
// it is not, or the other way round. What the source is about is said by all of
// its clauses, and tells none from another; a condition claims nothing.
func (s *source) denies(cl claim) bool {
	own := make([]clause, len(cl.clauses))
	for n, c := range cl.clauses {
		own[n] = c.without(s.context)
	}
	for n, c := range own {
		if c.condition {
			continue
		}
		best, same := 0.0, true
		for i := range s.sentences {
			for _, other := range s.clausesOf(i) {
				like := c.like(other)
				if like < best || like == 0 || slices.ContainsFunc(own[:n], other.liker(like)) || slices.ContainsFunc(own[n+1:], other.liker(like)) {
					continue
				}
				agrees := c.negated == other.negated || other.fails && !other.negated
				if like > best || agrees {
					best, same = like, agrees
				}
			}
		}
		if best >= likeness && !same {
			return true
		}
	}
	return false
}

// liker tells whether another clause is more like this one than like.
func (c clause) liker(like float64) func(clause) bool {
	return func(other clause) bool { return other.like(c) > like }
}

// clausesOf reads the clauses of the i-th sentence. An item of a list is
// negated by what leads to the list, or by the heading where nothing does:
// "Not covered: loss and theft".
func (s *source) clausesOf(i int) []clause {
	p := &s.sentences[i]
	if p.clauses == nil {
		p.clauses = clauses(s.text[p.span.Start:p.span.End])
		for n := range p.clauses {
			p.clauses[n].negated = p.clauses[n].negated || p.listed && s.negatedAbove(i)
		}
	}
	return p.clauses
}

func (s *source) negatedAbove(i int) bool {
	for i--; i >= 0 && s.sentences[i].listed; i-- {
	}
	if i >= 0 {
		if lead := strings.TrimSpace(s.text[s.sentences[i].span.Start:s.sentences[i].span.End]); strings.HasSuffix(lead, ":") || strings.HasSuffix(lead, "：") {
			return lang.Negated(strings.ToLower(lead))
		}
	}
	return lang.Negated(strings.ToLower(s.heading))
}

// without is the clause without some terms, or as it is where none would be left.
func (c clause) without(terms map[string]bool) clause {
	left := make([]string, 0, len(c.terms))
	for _, t := range c.terms {
		if !terms[t] {
			left = append(left, t)
		}
	}
	if len(left) > 0 {
		c.terms = left
	}
	return c
}

// like is the share of the clause's terms that the other holds.
func (c clause) like(other clause) float64 {
	held := 0
	for _, t := range c.terms {
		if holds(other.terms, t) {
			held++
		}
	}
	return share(held, len(c.terms))
}

// holds tells whether a term or a synonym is among others.
func holds(terms []string, t string) bool {
	return slices.Contains(terms, t) || slices.ContainsFunc(lang.Synonyms(t), func(o string) bool { return slices.Contains(terms, o) })
}
