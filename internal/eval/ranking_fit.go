package eval

import (
	"maps"
	"slices"

	"kefu/internal/retrieval"
)

// picked are the weights that learning starts from. They were chosen by hand,
// on the sets of the evaluation together.
var picked = retrieval.Weights{Vector: 0.25, Coverage: 0.07, Alike: 0.1, Pairs: 0.04} // read only

const (
	// worthMoving is by how much a step must raise nDCG@10, summed over the sets
	// of a language. Smaller gains did not hold on other queries.
	worthMoving = 0.005
	// mostSteps bounds how far learning goes.
	mostSteps = 20
)

// steps are tried with each weight. Read only.
var steps = [...]float64{-0.08, -0.04, -0.02, 0.02, 0.04, 0.08}

// fit climbs from the picked weights, each time by the one step that raises
// nDCG@10 most, summed over sets because their sizes say nothing about their
// worth. No step may leave a set worse than it was at the start: a knowledge
// base is not to pay for what others win.
func fit(lessons []lesson) retrieval.Weights {
	sets := bySet(lessons)
	names := slices.Sorted(maps.Keys(sets))
	measure := func(w retrieval.Weights, floor []float64) (each []float64, sum float64, ok bool) {
		for i, name := range names {
			mean := meanOf(sets[name], always(w))
			if floor != nil && mean < floor[i] {
				return nil, 0, false
			}
			each, sum = append(each, mean), sum+mean
		}
		return each, sum, true
	}
	best := picked
	start, highest, _ := measure(best, nil)
	for range mostSteps {
		from, least := best, highest+worthMoving
		for _, w := range neighbours(from) {
			if _, sum, ok := measure(w, start); ok && sum >= least {
				best, highest, least = w, sum, sum
			}
		}
		if best == from {
			break
		}
	}
	return best
}

// neighbours are the weights that are one step away.
func neighbours(w retrieval.Weights) (list []retrieval.Weights) {
	for _, step := range steps {
		for _, weight := range []func(*retrieval.Weights) *float64{
			func(w *retrieval.Weights) *float64 { return &w.Vector },
			func(w *retrieval.Weights) *float64 { return &w.Coverage },
			func(w *retrieval.Weights) *float64 { return &w.Alike },
			func(w *retrieval.Weights) *float64 { return &w.Pairs },
			func(w *retrieval.Weights) *float64 { return &w.Page },
		} {
			next := w
			x := weight(&next)
			*x = round(*x + step)
			if *x >= 0 && *x <= 1 && next.Coverage+next.Alike+next.Pairs+next.Page <= 1 {
				list = append(list, next)
			}
		}
	}
	return list
}
