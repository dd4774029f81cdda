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
	// Kind says why the question has no answer there; empty: it has one.
	Kind string
	// Counts is how much the example counts beside those of other groups, a set
	// and a kind each; 0: nothing is learned from it.
	Counts float64
	// Aside examples teach, but no share of their set is promised.
	Aside bool
}

// crowd dampens how much a group counts for its size, so that no large one
// drowns the others: half as many questions count 0.8 times as much.
const crowd = 0.7

// weights are how much each of the examples counts, all together 1.
func weights(examples []Example) []float64 {
	size := map[[2]string]float64{}
	for _, e := range examples {
		size[[2]string{e.Set, e.Kind}]++
	}
	list, all := make([]float64, len(examples)), 0.0
	for i, e := range examples {
		list[i] = e.Counts / math.Pow(size[[2]string{e.Set, e.Kind}], crowd)
		all += list[i]
	}
	for i := range list {
		list[i] /= all
	}
	return list
}

// ridge holds the weights of standardised features down.
const ridge = 1e-4

// Fit learns weights by logistic regression (Newton's method, which takes a
// few steps), then moves the start so that the share (0 to 1) of the answerable
// questions of every set is answered at the default setting.
func Fit(examples []Example, share float64) Judge {
	j := Judge{learned: learned{Weights: make(map[desk.Lang]map[string]float64)}}
	for _, e := range examples {
		j.learned.From = append(j.learned.From, fingerprint(e.Set, e.Question))
	}
	slices.Sort(j.learned.From)
	j.learned.From = slices.Compact(j.learned.From)
	for _, l := range []desk.Lang{desk.English, desk.Chinese} {
		of := slices.DeleteFunc(slices.Clone(examples), func(e Example) bool { return e.Evidence.Lang != l || !judged(e.Evidence) })
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
	counts := weights(examples)
	mean, deviation := moments(examples)
	var w [n]float64
	for range 12 {
		var gradient [n]float64
		var curvature [n][n]float64
		for at, e := range examples {
			if counts[at] == 0 {
				continue
			}
			x := standard(e.Evidence, mean, deviation)
			odds := 0.0
			for i := range x {
				odds += w[i] * x[i]
			}
			p := 1 / (1 + math.Exp(-odds))
			miss := p
			if e.Kind == "" {
				miss = p - 1
			}
			for i := range x {
				gradient[i] += counts[at] * miss * x[i]
				for k := range x {
					curvature[i][k] += counts[at] * max(p*(1-p), 1e-6) * x[i] * x[k]
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
