package gateway

import (
	"cmp"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/token"
)

// A prompt beyond a model's context window is sent at most three times: as it
// is, with half of its sources, and so to a larger model.

// trim shortens the call once: of its sources, best first, as many stay as have
// half of the tokens of all, and at least one.
func (w *walk) trim() bool {
	sources := w.call.Prompt.Sources
	if w.trimmed || len(sources) < 2 {
		return false
	}
	w.trimmed = true
	total := 0
	for _, s := range sources {
		total += tokensOf(s)
	}
	kept, left := 1, total/2-tokensOf(sources[0])
	for ; kept < len(sources)-1; kept++ {
		if left -= tokensOf(sources[kept]); left < 0 {
			break
		}
	}
	w.call.Prompt.Sources = sources[:kept]
	return true
}

func tokensOf(s desk.Passage) int {
	return cmp.Or(s.Tokens, token.Estimate(s.Text))
}

// larger is the queue behind a target whose window was too small: the first
// target that is known to have a larger one, of the chain or else of the strong
// tier. Where none is, the first that is not known to have less than half of
// it: the table seems to be wrong about the model at this endpoint. Nobody comes
// after it.
func (w *walk) larger(t *target) []*target {
	if w.grown {
		return nil
	}
	w.grown = true
	window := w.window(t)
	fitting := filter(w.chains[llm.Strong].paid, func(next *target) bool {
		return next != t && next.fits(w.call.Model, w.call.Provider) && (next.Private || !w.call.Private)
	})
	candidates := slices.Concat(w.queue, fitting)
	for i, next := range candidates {
		if window > 0 && w.window(next) > window {
			return candidates[i : i+1]
		}
	}
	for i, next := range candidates {
		if known := w.window(next); known == 0 || known >= window/2 {
			return candidates[i : i+1]
		}
	}
	return nil
}

// window is the context window of a target's model in tokens, 0 when it is not
// known.
func (w *walk) window(t *target) int {
	p, _ := w.config.Prices.Lookup(t.Model)
	return p.Window
}
