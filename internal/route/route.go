// Package route decides how a question is answered: Simple by one call to the
// cheap model, Complex by retrieval and the strong one. When the signs do not
// suffice to call a question simple, it is complex.
//
// The decision adds up signs that can be read off a question in English or
// Chinese: several questions in one, comparisons, conditions, steps, facts that
// lead to other facts. None depends on spaces between words. The weights are
// log odds, fitted on labelled questions, then rounded and corrected by hand
// where the data's templates had shaped them.
package route

import (
	"math"

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
	ReasonUnsure           = "unsure"            // signs on both sides, or none that can be read
)

// version changes whenever any question may be decided otherwise.
const version = "rules-1"

// Router decides by rules. It is safe for concurrent use and takes about
// 40 µs a question.
type Router struct{}

// New returns a router. It needs no configuration.
func New() *Router { return &Router{} }

// Version identifies the rules, for cache keys: answers routed by other rules
// are not served.
func (*Router) Version() string { return version }

// Decide returns how to answer the question. Confidence is the probability
// that the decision is right, as the signs have it: from 0.5 up.
func (*Router) Decide(question string) desk.Route {
	text := lang.Normalise(question)
	if text == "" {
		return desk.Route{Kind: desk.Complex, Reason: ReasonUnsure, Confidence: 0.5}
	}
	if isPleasantry(text) {
		return desk.Route{Kind: desk.Simple, Reason: ReasonPleasantry, Confidence: 0.99, Pleasantry: true}
	}
	odds, reason := weigh(question, text)
	confidence := 1 / (1 + math.Exp(-math.Abs(odds)))
	switch {
	case odds < 0:
		return desk.Route{Kind: desk.Simple, Reason: ReasonSingleFact, Confidence: confidence}
	case reason == "":
		reason = ReasonUnsure
	}
	return desk.Route{Kind: desk.Complex, Reason: reason, Confidence: confidence}
}

// weigh returns the log odds that the question is complex and the strongest
// reason for it, "" without any. text is the question normalised.
func weigh(question, text string) (odds float64, reason string) {
	language := english
	if lang.Of(question) == desk.Chinese {
		language = chinese
	}
	odds = language.start
	strongest := 0.0
	add := func(why string, weight float64) {
		odds += weight
		if weight > strongest {
			strongest, reason = weight, why
		}
	}
	for _, s := range language.signs {
		if !s.pattern.may(text) {
			continue
		}
		if n := len(s.pattern.FindAllStringIndex(text, s.most)); n > 0 {
			add(s.reason, s.weight*float64(n))
		}
	}
	if names := namesIn(question); names > 0 {
		add(ReasonMultiHop, language.name*float64(min(names, 3)))
	}
	if long := float64(size(text)-language.usual) / float64(language.usual); long > 0 {
		add(ReasonContext, language.length*min(long, 3))
	}
	if more := len(lang.Sentences(question)) - 1; more > 0 {
		add(ReasonContext, 0.6*float64(min(more, 3)))
	}
	return odds, reason
}
