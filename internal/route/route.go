// Package route decides how a question is answered: Simple by one call to the
// cheap model, Complex by retrieval and the strong one. When the signs do not
// suffice to call a question simple, it is complex.
//
// The decision adds up signs that can be read off a question in English or
// Chinese: several questions in one, comparisons, conditions, steps, facts that
// lead to other facts. None depends on spaces between words. The weights of the
// signs are log odds, set by hand. What labelled questions teach beyond them, by
// words, letters and shape, is added: see Train.
package route

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Reasons of a decision: the strongest sign, a closed set.
const (
	ReasonPleasantry       = "pleasantry"        // greeting, thanks, goodbye, "who are you"
	ReasonSingleFact       = "single_fact"       // nothing speaks for more than one fact
	ReasonSeveralQuestions = "several_questions" // more than one thing is asked
	ReasonComparison       = "comparison"        // things are weighed against each other
	ReasonCondition        = "condition"         // the answer depends on a case
	ReasonSteps            = "steps"             // a procedure or troubleshooting
	ReasonExplanation      = "explanation"       // reasons or details are wanted
	ReasonMultiHop         = "multi_hop"         // one fact must be found to find another
	ReasonAggregate        = "aggregate"         // counting or ranking over several facts
	ReasonContext          = "context"           // a story or much detail around the question
	ReasonWording          = "wording"           // worded as questions that took several facts
	ReasonUnsure           = "unsure"            // signs on both sides, or none that can be read
)

// rulesVersion changes whenever the rules may decide any question otherwise.
const rulesVersion = "rules-3"

// Router decides by rules that were corrected by labelled questions. It is safe
// for concurrent use and takes about 10 µs a question.
type Router struct {
	model   *model
	version string
}

// New returns the router that the program was built with.
func New() *Router {
	r, err := Load(shipped)
	if err != nil {
		panic(err) // a part of the program
	}
	return r
}

// Version identifies rules and weights, for cache keys: answers routed by
// others are not served.
func (r *Router) Version() string { return r.version }

// Knows tells whether the router was trained on the question, so that how it
// decides it says nothing about how it decides others.
func (r *Router) Knows(question string) bool { return r.model.knows(question) }

// Decide returns how to answer the question. Confidence is the probability
// that the decision is right, as the signs have it: from 0.5 up.
func (r *Router) Decide(question string) desk.Route {
	text := lang.Normalise(question)
	if text == "" {
		return desk.Route{Kind: desk.Complex, Reason: ReasonUnsure, Confidence: 0.5}
	}
	if isPleasantry(text) {
		return desk.Route{Kind: desk.Simple, Reason: ReasonPleasantry, Confidence: 0.99, Pleasantry: true}
	}
	var x examined
	x.read(question, text)
	odds := x.odds + r.model.languages[x.language].odds(&x.features)
	decision := desk.Route{Kind: desk.Complex, Reason: x.reason(), Confidence: 1 / (1 + math.Exp(-math.Abs(odds)))}
	switch {
	case odds < leaning:
		decision.Kind, decision.Reason = desk.Simple, ReasonSingleFact
	case decision.Reason == "" && decision.Confidence > sure:
		decision.Reason = ReasonWording
	case decision.Reason == "":
		decision.Reason = ReasonUnsure
	}
	return decision
}

// leaning is below which log odds a question is simple: an answer from too
// little costs the customer more than one call too many.
const leaning = -0.1

// sure is the confidence from which the wording alone is a reason.
const sure = 0.6

// examined is a question as the rules and the weights see it.
type examined struct {
	language int
	odds     float64   // by the rules
	signs    []Feature // what speaks for each reason
	features features
}

// read examines a question; text is the question normalised.
func (x *examined) read(question, text string) {
	chosen := &english
	if x.language = index(lang.Of(question)); x.language == index(desk.Chinese) {
		chosen = &chinese
	}
	x.odds = chosen.start
	x.features.buckets = make([]uint16, 0, 4*min(len(text), 100))
	for i, n := range chosen.finder.count(text) {
		if n > 0 {
			s := &chosen.signs[i]
			x.add(s.reason, s.weight*float64(n))
			x.features.add(mix(signed, uint32(i), 0), s.reason)
		}
	}
	if names := min(namesIn(question), 3); names > 0 {
		x.add(ReasonMultiHop, chosen.name*float64(names))
		x.features.add(mix(signed, mostSigns, uint32(names)), ReasonMultiHop)
	}
	if long := float64(size(text)-chosen.usual) / float64(chosen.usual); long > 0 {
		x.add(ReasonContext, chosen.length*min(long, 3))
	}
	if more := len(lang.Sentences(question)) - 1; more > 0 {
		x.add(ReasonContext, 0.6*float64(min(more, 3)))
	}
	x.features.read(text, x.language == index(desk.Chinese))
}

// add takes a sign.
func (x *examined) add(reason string, weight float64) {
	x.odds += weight
	for i := range x.signs {
		if x.signs[i].Text == reason {
			x.signs[i].Weight += weight
			return
		}
	}
	x.signs = append(x.signs, Feature{reason, weight})
}

// reason is what speaks most for complex, "" where nothing does.
func (x *examined) reason() (strongest string) {
	weight := 0.0
	for _, s := range x.signs {
		if s.Text != "" && s.Weight > weight {
			strongest, weight = s.Text, s.Weight
		}
	}
	return strongest
}

// Feature is something in a question that spoke for or against complex.
type Feature struct {
	Text   string  `json:"text"`   // the piece of the question, or the reason that a sign gives
	Weight float64 `json:"weight"` // in log odds of complex
}

// Explain returns the n features that weighed most in Decide, the weightiest
// first. It is for people who ask why, not for the path of a question.
func (r *Router) Explain(question string, n int) []Feature {
	x := examined{features: features{named: true}}
	x.read(question, lang.Normalise(question))
	sums := map[string]float64{}
	for _, s := range x.signs {
		sums[cmp.Or(s.Text, ReasonSingleFact)] += s.Weight
	}
	w := &r.model.languages[x.language]
	for i, b := range x.features.buckets {
		sums[x.features.texts[i]] += w.odds(&features{buckets: []uint16{b}}) / math.Sqrt(float64(len(x.features.buckets)))
	}
	list := make([]Feature, 0, len(sums))
	for text, weight := range sums {
		list = append(list, Feature{text, weight})
	}
	slices.SortFunc(list, func(a, b Feature) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)), strings.Compare(a.Text, b.Text))
	})
	return list[:min(n, len(list))]
}
