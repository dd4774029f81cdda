package route

import (
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Example is a labelled question.
type Example struct {
	Text   string
	Kind   desk.RouteKind // Simple, or Complex as every other one
	Source string         // where it comes from
	// Sample says of a support question whether the sample knowledge base holds
	// the answer: answered or unanswered; empty: that cannot be said.
	Sample string
}

// How weights are learned. Each was chosen on folds that hold whole groups of
// equal questions, and so that a source left out is still routed well: more
// passes and a weaker decay fit the style of the sources.
const (
	passes = 6
	rate   = 0.3  // of AdaGrad
	decay  = 0.06 // of the squared weights
	volume = 2.0  // how loud the features are beside the rules
)

// Train returns a router whose rules are corrected by logistic regression on
// the examples. Both kinds weigh the same however many there are of each, in
// each language. The same examples, in whatever order, give the same weights.
func Train(examples []Example) *Router {
	return new(model).taught(examples)
}

// Corrected returns a router that goes on learning from examples where r
// stopped. They are few beside what r learned from: what they do not speak of
// stays as it is, and the support questions are repeated beside them.
func (r *Router) Corrected(examples []Example) *Router {
	return r.model.taught(slices.Concat(examples, Support()))
}

// taught returns a router whose weights are those of m, corrected by the
// examples.
func (from *model) taught(examples []Example) *Router {
	examples = slices.Clone(examples)
	slices.SortFunc(examples, func(a, b Example) int {
		return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	m := &model{trained: slices.Clone(from.trained)}
	for i := range m.languages {
		var lessons []lesson
		for _, e := range examples {
			if index(lang.Of(e.Text)) == i {
				lessons = append(lessons, newLesson(e))
			}
		}
		m.languages[i] = quantised(learn(lessons, &from.languages[i]))
	}
	for _, e := range examples {
		m.trained = append(m.trained, fingerprint(e.Text))
	}
	slices.Sort(m.trained)
	m.trained = slices.Compact(m.trained)
	r := &Router{model: m}
	raw, _ := r.MarshalBinary() // cannot fail
	loaded, err := Load(raw)
	if err != nil {
		panic(err) // of what was just written
	}
	return loaded
}

// lesson is an example as it is learned from.
type lesson struct {
	rules   float64 // log odds of the rules
	buckets []uint16
	complex float64 // 1 or 0
	weight  float64
}

func newLesson(e Example) lesson {
	l := lesson{weight: 1}
	if e.Kind != desk.Simple {
		l.complex = 1
	}
	var x examined
	x.read(e.Text, lang.Normalise(e.Text))
	l.rules, l.buckets = x.odds, x.features.buckets
	return l
}

// learn moves the weights from where they start, to which decay draws them back.
func learn(lessons []lesson, from *weights) []float64 {
	balance(lessons)
	random := rand.New(rand.NewPCG(7, 7))
	start, squares := make([]float64, buckets), make([]float64, buckets)
	for i := range squares {
		squares[i] = 1
		start[i] = float64(from.scale) * float64(from.steps[i]) / volume
	}
	w := slices.Clone(start)
	for range passes {
		random.Shuffle(len(lessons), func(i, j int) { lessons[i], lessons[j] = lessons[j], lessons[i] })
		for _, l := range lessons {
			each := volume / math.Sqrt(float64(max(len(l.buckets), 1)))
			odds := l.rules
			for _, b := range l.buckets {
				odds += each * w[b]
			}
			miss := l.weight * (1/(1+math.Exp(-odds)) - l.complex)
			for _, b := range l.buckets {
				slope := miss*each + decay*(w[b]-start[b])
				squares[b] += slope * slope
				w[b] -= rate * slope / math.Sqrt(squares[b])
			}
		}
	}
	for i := range w {
		w[i] *= volume
	}
	return w
}

// balance gives both kinds the same weight in all.
func balance(lessons []lesson) {
	dense := 0.0
	for _, l := range lessons {
		dense += l.complex
	}
	all := float64(len(lessons))
	for i := range lessons {
		n := dense
		if lessons[i].complex == 0 {
			n = all - dense
		}
		lessons[i].weight = all / 2 / n
	}
}

// supportQuestions are written for this project, half of them complex, half
// Chinese.
//
//go:embed testdata/support.jsonl
var supportQuestions []byte

// Support returns the labelled support questions of this project: beside
// other sources they keep the router a router of support questions.
func Support() []Example {
	var list []Example
	lines := bufio.NewScanner(bytes.NewReader(supportQuestions))
	for lines.Scan() {
		var e struct{ Text, Label, Source, Sample string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			panic(err) // a part of the program
		}
		list = append(list, Example{Text: e.Text, Kind: desk.RouteKind(e.Label), Source: e.Source, Sample: e.Sample})
	}
	return list
}
