// Package abstain decides, before a model is asked, whether the passages found
// can hold the answer to a question: a model that is given passages which only
// look alike will make an answer of them.
//
// The decision is a logistic regression on how the words of the question are
// covered, for each language, and one setting for all knowledge bases. Its
// weights were fitted to real questions that knowledge bases answer, and to
// others asked of the same: out of scope, of another domain, and with the
// passages that answer them taken away.
package abstain

import (
	"cmp"
	"math"

	"kefu/internal/retrieval"
)

// Default is the setting at which nine in ten answerable questions of every
// set of the evaluation are answered.
const Default = 0.5

// Judge decides. It is safe for concurrent use.
type Judge struct {
	learned learned
	version string
}

// New returns the judge that the program was built with.
func New() Judge {
	j, err := Load(shipped)
	if err != nil {
		panic(err) // a part of the program
	}
	return j
}

// Version changes with the weights of a judge that was loaded.
func (j Judge) Version() string { return j.version }

// Answerable is between 0 and 1 how far the evidence speaks for an answer. A
// question without any content word cannot be judged by words: it gets 1. So
// does one of a single word, "refund", that the first passage is headed by: it
// names what that is about, and nothing of it can be missing.
func (j Judge) Answerable(e retrieval.Evidence) float64 {
	if !judged(e) {
		return 1
	}
	w := j.learned.Weights[e.Lang]
	odds := w["start"]
	for i, x := range values(e) {
		odds += w[names[i]] * x
	}
	return 1 / (1 + math.Exp(-odds))
}

func judged(e retrieval.Evidence) bool { return e.Terms > 1 || e.Terms == 1 && e.Headed < 1 }

// names are those of values, in order. Read only.
var names = [...]string{
	"length", "terms", "one_term", "rarity", "known", "coverage", "nothing", "everything", "union", "rare", "run", "missing",
	"sentence", "characters", "headed", "named", "unheaded", "numbers", "vector", "share", "root_share", "gap", "lead",
	"subject", "rest", "siblings",
	"absent", "alike", "paired", "first_pairs", "whole",
}

// middling is the similarity of vectors where there are none to compare.
const middling = 0.35

// values are what the evidence is weighed by.
func values(e retrieval.Evidence) [len(names)]float64 {
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	return [...]float64{
		math.Log1p(e.Length), math.Log1p(float64(e.Terms)), is(e.Terms == 1), e.Rarity,
		e.Known, e.Coverage, is(e.Coverage == 0), is(e.Coverage > 0.99), e.Union, e.Rare, e.Run, e.Missing,
		e.Sentence, e.Characters, e.Headed, e.Named, is(e.Unheaded), float64(e.Numbers), cmp.Or(e.Vector, middling),
		e.Share, math.Sqrt(e.Share), e.Gap, e.Lead,
		e.Subject, e.Rest, e.Siblings,
		e.Absent, e.Alike, e.Paired, e.FirstPairs, e.Whole,
	}
}
