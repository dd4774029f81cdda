package telemetry

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"kefu/internal/desk"
)

// Breaker records the state that the breaker of a deployment of a provider's
// model has changed to: closed, half-open or open. The gauge shows the worst.
func (t *Telemetry) Breaker(provider, model string, deployment int, state string) {
	state = strings.ReplaceAll(state, "-", "_")
	if pick(t.metrics.providers, provider, other).breakers.change(deployed{model, deployment}, state) {
		t.log.Warn("breaker changed", "event", "breaker", "provider", t.provider(provider), "model", t.model(model), "deployment", deployment, "state", state)
		t.feed.settle(desk.OpsEvent{Kind: desk.OpsBreaker, Provider: provider, Model: model, Deployment: deployment, State: state})
	}
}

type deployed struct {
	model      string
	deployment int
}

// breakers are those of one provider, one for each deployment of a model.
type breakers struct {
	gauges      map[string]prometheus.Gauge // by state
	transitions map[string]prometheus.Counter

	mu     sync.Mutex
	states map[deployed]string // those that are missing are closed
}

// change reports whether it is one.
func (b *breakers) change(of deployed, state string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gauges[state] == nil || cmp.Or(b.states[of], closed) == state {
		return false
	}
	b.states[of] = state
	worst := 0 // in the order of breakerStates
	for _, s := range b.states {
		worst = max(worst, slices.Index(breakerStates[:], s))
	}
	for _, g := range b.gauges {
		g.Set(0)
	}
	b.gauges[breakerStates[worst]].Set(1)
	b.transitions[state].Inc()
	return true
}
