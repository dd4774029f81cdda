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
	_ "embed"
	"encoding/json"
	"fmt"
	"math"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// Default is the setting at which nine in ten answerable questions of every
// set of the evaluation are answered.
const Default = 0.5

// Weights are the log odds of "answerable" for each feature, by language.
type Weights map[desk.Lang]map[string]float64

// shipped is what `kefu abstain train` wrote.
//
//go:embed weights.json
var shipped []byte

// Judge decides. It is safe for concurrent use.
type Judge struct{ weights Weights }

// New returns the judge that the program was built with.
func New() Judge {
	var w Weights
	if err := json.Unmarshal(shipped, &w); err != nil {
		panic(err) // a part of the program
	}
	return Judge{w}
}

// NewJudge returns a judge with weights of Fit.
func NewJudge(w Weights) Judge { return Judge{w} }

// Answerable is between 0 and 1 how far the evidence speaks for an answer. A
// question without any content word cannot be judged by words: it gets 1.
func (j Judge) Answerable(e retrieval.Evidence) float64 {
	if e.Terms == 0 {
		return 1
	}
	w := j.weights[e.Lang]
	odds := w["start"]
	for i, x := range values(e) {
		odds += w[names[i]] * x
	}
	return 1 / (1 + math.Exp(-odds))
}

// names are those of values, in order. Read only.
var names = [...]string{
	"known", "coverage", "union", "rare", "run", "missing", "share", "root_share", "margin",
	"terms", "one_term", "nothing", "everything", "passages", "length",
}

// values are what the evidence is weighed by.
func values(e retrieval.Evidence) [len(names)]float64 {
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	return [...]float64{
		e.Known, e.Coverage, e.Union, e.Rare, e.Run, e.Missing, e.Share, math.Sqrt(e.Share), e.Margin,
		math.Log1p(float64(e.Terms)), is(e.Terms == 1), is(e.Coverage == 0), is(e.Coverage > 0.99),
		math.Log1p(float64(e.Passages)), math.Log1p(e.Length),
	}
}

// MarshalJSON writes the weights, rounded to what matters.
func (w Weights) MarshalJSON() ([]byte, error) {
	rounded := make(map[desk.Lang]map[string]float64, len(w))
	for l, of := range w {
		rounded[l] = make(map[string]float64, len(of))
		for name, x := range of {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("abstain: the weight of %s is not finite", name)
			}
			rounded[l][name] = math.Round(x*1000) / 1000
		}
	}
	return json.Marshal(rounded)
}
