package gateway

import (
	"cmp"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/token"
)

// A prompt beyond a model's context window is sent at most three times: whole,
// with half of its sources, and shortened so to a model with a larger window.

// trim shortens the call, once, to its best sources: those that together have at
// most half of the tokens of all, at least one. It reports whether it did.
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

// larger is the queue after the context window of t was too small; it holds one
// target or none. That is the first, of the queue and then of the strong tier,
// whose window is known to be larger. If there is none, it is the first that is
// not known to have less than half of t's window: the price table, which tells
// the windows, may be wrong about the model at this endpoint.
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
