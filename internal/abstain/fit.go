package abstain

import (
	"cmp"
	"math"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// Example is the evidence for a question to a knowledge base.
type Example struct {
	Question string
	Evidence retrieval.Evidence
	// Set is the knowledge base; of those that hold answerable questions, each
	// has at least the share of them answered.
	Set string
	// Kind says why the question has no answer there; empty: it has one. Every
	// kind of a set counts as the root of its size, so that no large one drowns
	// the others.
	Kind string
	// Aside examples teach, but no share of their set is promised.
	Aside bool
}

// Withheld is the kind of a question whose passages were taken away. It looks
// most like an answerable one, and counts the more the more of them a set has
// in a language. Sets with a few are product manuals, where the words do not
// tell the two apart.
const (
	Withheld = "deleted_doc"
	few      = 25
)

// more is how much more the questions of a kind count than others, so that
// each is refused as often as it should be out of fold. Read only.
var more = map[string]float64{"cross_domain": 8, "oos": 4, "oos_live_bot": 2}

// counts is how much an example counts, by its group.
func counts(examples []Example) func(Example) float64 {
	size := map[[2]string]int{}
	for _, e := range examples {
		size[e.group()]++
	}
	return func(e Example) float64 {
		n := size[e.group()]
		one := 1 / math.Sqrt(float64(n)) / float64(len(examples))
		switch {
		case e.Kind == Withheld && n > few:
			one *= float64(n*n) / (few * few)
		case more[e.Kind] > 0:
			one *= more[e.Kind]
		}
		return one
	}
}

func (e Example) group() [2]string { return [2]string{e.Set, e.Kind} }

// ridge holds the weights of standardised features down.
const ridge = 1e-4

// Fit learns weights by logistic regression (Newton's method, which takes a
// few steps), then moves the start so that the share (0 to 1) of the answerable
// questions of every set is answered at the default setting.
func Fit(examples []Example, share float64) Judge {
	j := Judge{learned{Weights: make(map[desk.Lang]map[string]float64)}}
	for _, e := range examples {
		j.learned.From = append(j.learned.From, fingerprint(e.Set, e.Question))
	}
	slices.Sort(j.learned.From)
	j.learned.From = slices.Compact(j.learned.From)
	for _, l := range []desk.Lang{desk.English, desk.Chinese} {
		of := slices.DeleteFunc(slices.Clone(examples), func(e Example) bool { return e.Evidence.Lang != l || e.Evidence.Terms == 0 })
		if len(of) == 0 {
			continue
		}
		j.learned.Weights[l] = regress(of)
		j.learned.Weights[l]["start"] -= cut(j, of, share)
	}
	return j
}

// cut is the log odds from which the share of every set's answerable questions
// on lie.
func cut(j Judge, examples []Example, share float64) float64 {
	odds := map[string][]float64{}
	for _, e := range examples {
		if e.Kind == "" && !e.Aside {
			p := j.Answerable(e.Evidence)
			odds[e.Set] = append(odds[e.Set], math.Log(p/(1-p)))
		}
	}
	lowest := 0.0
	first := true
	for _, list := range odds {
		slices.SortFunc(list, cmp.Compare[float64])
		at := list[int(float64(len(list))*(1-share))]
		if first || at < lowest {
			lowest, first = at, false
		}
	}
	return lowest
}

// features are the names and, last, the start.
const features = len(names) + 1

func regress(examples []Example) map[string]float64 {
	const n = features
	weigh := counts(examples)
	mean, deviation := moments(examples)
	var w [n]float64
	for range 12 {
		var gradient [n]float64
		var curvature [n][n]float64
		for _, e := range examples {
			x := standard(e.Evidence, mean, deviation)
			odds := 0.0
			for i := range x {
				odds += w[i] * x[i]
			}
			p := 1 / (1 + math.Exp(-odds))
			counts := weigh(e)
			miss := p
			if e.Kind == "" {
				miss = p - 1
			}
			for i := range x {
				gradient[i] += counts * miss * x[i]
				for k := range x {
					curvature[i][k] += counts * max(p*(1-p), 1e-6) * x[i] * x[k]
				}
			}
		}
		for i := range n - 1 {
			gradient[i] += ridge * w[i]
			curvature[i][i] += ridge
		}
		step := solve(curvature, gradient)
		for i := range w {
			w[i] -= step[i]
		}
	}
	weights := map[string]float64{"start": w[n-1]}
	for i, name := range names {
		weights[name] = w[i] / deviation[i]
		weights["start"] -= w[i] * mean[i] / deviation[i]
	}
	return weights
}

func moments(examples []Example) (mean, deviation [len(names)]float64) {
	for _, e := range examples {
		for i, x := range values(e.Evidence) {
			mean[i] += x / float64(len(examples))
		}
	}
	for _, e := range examples {
		for i, x := range values(e.Evidence) {
			deviation[i] += (x - mean[i]) * (x - mean[i]) / float64(len(examples))
		}
	}
	for i := range deviation {
		if deviation[i] = math.Sqrt(deviation[i]); deviation[i] == 0 {
			deviation[i] = 1
		}
	}
	return mean, deviation
}

func standard(e retrieval.Evidence, mean, deviation [len(names)]float64) (x [features]float64) {
	for i, v := range values(e) {
		x[i] = (v - mean[i]) / deviation[i]
	}
	x[len(names)] = 1
	return x
}

// solve returns x of Ax = b by elimination with pivots.
func solve(a [features][features]float64, b [features]float64) [features]float64 {
	for i := range b {
		pivot := i
		for k := i; k < features; k++ {
			if math.Abs(a[k][i]) > math.Abs(a[pivot][i]) {
				pivot = k
			}
		}
		a[i], a[pivot] = a[pivot], a[i]
		b[i], b[pivot] = b[pivot], b[i]
		if a[i][i] == 0 {
			continue // the feature never varies
		}
		for k := range b {
			if k == i {
				continue
			}
			f := a[k][i] / a[i][i]
			b[k] -= f * b[i]
			for m := i; m < features; m++ {
				a[k][m] -= f * a[i][m]
			}
		}
	}
	for i := range b {
		if a[i][i] != 0 {
			b[i] /= a[i][i]
		}
	}
	return b
}
