package guard

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Example is a labelled text.
type Example struct {
	Text   string
	Attack bool
	// Source and Category say where the text comes from: texts of one source or
	// category are alike.
	Source, Category string
}

// startBias are the log odds of a text that mentions nothing.
const startBias = -3.0

// How weights are learned. They were chosen with whole sources and categories
// held out together: greater steps, and weaker decays towards the rules, fit the
// style of the sources.
const (
	passes       = 5
	rate         = 0.03 // of AdaGrad
	decayConcept = 0.05
	decayWord    = 0.02
)

// lesson is an example as it is learned from.
type lesson struct {
	passages []features
	attack   float64 // 1 or 0
	weight   float64
}

type learned struct {
	bias            float64
	concepts, words []float64
}

func (w *learned) odds(f *features) float64 {
	sum := 0.0
	for _, b := range f.words {
		sum += w.words[b]
	}
	sum *= each(len(f.words))
	for _, c := range f.concepts {
		sum += w.concepts[c]
	}
	return sum + w.bias
}

// learn fits a logistic regression in which a text speaks by its loudest
// passage: it is an attack if one of them is.
func learn(lessons []lesson) *learned {
	n := len(concepts) * (len(concepts) + 1)
	start := ruleWeights
	w := &learned{bias: startBias, concepts: slices.Clone(start), words: make([]float64, buckets)}
	cs, ws, bs := ones(n), ones(buckets), 1.0
	random := rand.New(rand.NewPCG(7, 7))
	for range passes {
		random.Shuffle(len(lessons), func(i, j int) { lessons[i], lessons[j] = lessons[j], lessons[i] })
		for _, l := range lessons {
			f, odds := loudest(w.odds, l.passages)
			miss := l.weight * (1/(1+math.Exp(-odds)) - l.attack)
			bs += miss * miss
			w.bias -= rate * miss / math.Sqrt(bs)
			step(w.concepts, start, cs, f.concepts, miss, decayConcept)
			step(w.words, nil, ws, f.words, miss*each(len(f.words)), decayWord)
		}
	}
	return w
}

func loudest(odds func(*features) float64, passages []features) (*features, float64) {
	best, most := &passages[0], math.Inf(-1)
	for i := range passages {
		if o := odds(&passages[i]); o > most {
			best, most = &passages[i], o
		}
	}
	return best, most
}

func step(w, start, squares []float64, at []uint16, miss, decay float64) {
	for _, b := range at {
		off := w[b]
		if start != nil {
			off -= start[b]
		}
		slope := miss + decay*off
		squares[b] += slope * slope
		w[b] -= rate * slope / math.Sqrt(squares[b])
	}
}

func ones(n int) []float64 { return slices.Repeat([]float64{1}, n) }

// balance gives attacks and the others the same weight in all, and within each
// every category the root of its size, so that none drowns the others.
func balance(examples []Example, lessons []lesson) {
	size := map[string]float64{}
	key := func(e Example) string { return e.Source + "\x00" + e.Category }
	for _, e := range examples {
		size[key(e)]++
	}
	var total [2]float64
	for i, e := range examples {
		lessons[i].weight = 1 / math.Sqrt(size[key(e)])
		total[int(lessons[i].attack)] += lessons[i].weight
	}
	for i := range lessons {
		lessons[i].weight *= float64(len(lessons)) / 2 / total[int(lessons[i].attack)]
	}
}

func prepare(examples []Example) []lesson {
	lessons := make([]lesson, len(examples))
	for i, e := range examples {
		lessons[i] = lesson{passages: passages(fold(e.Text).text)}
		if e.Attack {
			lessons[i].attack = 1
		}
	}
	balance(examples, lessons)
	return lessons
}

// Train returns a guard that learned from the examples. The same examples, in
// whatever order, give the same weights.
func Train(examples []Example) *Guard {
	examples = append(own(), examples...)
	slices.SortFunc(examples, func(a, b Example) int {
		return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(a.Category, b.Category))
	})
	w := learn(prepare(examples))
	m := &model{bias: float64(float32(w.bias)), concepts: quantise(w.concepts), words: quantise(w.words)}
	for _, e := range examples {
		m.trained = append(m.trained, fingerprint(e.Text))
	}
	slices.Sort(m.trained)
	m.trained = slices.Compact(m.trained)
	return &Guard{m}
}
