package grounding

import (
	"strings"

	"kefu/internal/lang"
)

// clause is a part of a sentence that says one thing, or that it is not so.
type clause struct {
	terms   []string
	negated bool
}

// clauses splits a sentence at its commas, semicolons and buts.
func clauses(sentence string) []clause {
	var list []clause
	text := breaks.Replace(strings.ToLower(sentence))
	for part := range strings.SplitSeq(text, "\n") {
		if terms := distinct(lang.ContentTerms(part)); len(terms) > 0 {
			list = append(list, clause{terms, lang.Negated(part)})
		}
	}
	return list
}

var breaks = strings.NewReplacer(", ", "\n", ";", "\n", "，", "\n", "；", "\n", " but ", "\n", "但", "\n")

// likeness is the share of a clause's terms from which on another speaks of
// the same.
const likeness = 0.5

// denies tells whether the sentences say of a clause of the claim that it is
// not so, or the claim of one of theirs: the clause that is most like it is
// negated and it is not, or the other way round.
func (s *source) denies(run []piece, cl claim) bool {
	for _, c := range cl.clauses {
		best, same := 0.0, true
		for i := range run {
			p := &run[i]
			if p.clauses == nil {
				p.clauses = clauses(s.text[p.span.Start:p.span.End])
			}
			for _, other := range p.clauses {
				like := c.like(other)
				agrees := c.negated == other.negated
				if like > best || like == best && agrees {
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

// like is the share of the clause's terms that the other holds.
func (c clause) like(other clause) float64 {
	held := 0
	terms := set(other.terms)
	for _, t := range c.terms {
		if terms[t] {
			held++
		}
	}
	return share(held, len(c.terms))
}
