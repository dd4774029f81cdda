package gateway

import (
	"context"
	"slices"
	"sync"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// target is a Target whose calls are balanced over its deployments.
type target struct {
	Target
	deployments []*deployment
	hedge       *hedge      // nil: none
	completions Completions // nil: none are kept
	obs         Observer

	mu sync.Mutex // guards the counts of the deployments
}

// deployment is a Deployment with everything around it.
type deployment struct {
	endpoint  string
	weight    int
	decorated llm.Provider
	cooled    *cooled
	breaker   *breaker
	limiter   *limiter // nil: no limits

	underWay int
	turn     int // grows by weight while others are chosen
}

// pick chooses a deployment for a call, among the allowed ones (nil: all); nil
// when there is none. Deployments that cool down or whose breaker is open are
// left out. Those that can take a call at once come before those that must wait
// for their limits, then those with the fewest calls under way for their weight.
// Where several are equal, they take turns by weight.
func (t *target) pick(allowed func(*deployment) bool) *deployment {
	if len(t.deployments) == 1 && allowed == nil {
		return t.deployments[0]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var best []*deployment
	for _, d := range t.deployments {
		if allowed != nil && !allowed(d) || !d.ready() {
			continue
		}
		switch {
		case len(best) == 0 || d.before(best[0]):
			best = append(best[:0], d)
		case !best[0].before(d):
			best = append(best, d)
		}
	}
	if len(best) == 0 {
		return nil
	}
	total := 0
	next := best[0]
	for _, d := range best {
		d.turn += d.weight
		total += d.weight
		if d.turn > next.turn {
			next = d
		}
	}
	next.turn -= total
	return next
}

// any picks a deployment even when none is ready: the failure of the first one
// then says why.
func (t *target) any() *deployment {
	if d := t.pick(nil); d != nil {
		return d
	}
	return t.deployments[0]
}

// untried allows the deployments that the call has not been sent to.
func untried(tried []*deployment) func(*deployment) bool {
	return func(d *deployment) bool { return !slices.Contains(tried, d) }
}

// elsewhere allows those at endpoints that the call has not been sent to.
func elsewhere(tried []*deployment) func(*deployment) bool {
	return func(d *deployment) bool {
		return !slices.ContainsFunc(tried, func(was *deployment) bool { return was.endpoint == d.endpoint })
	}
}

// ready reports whether the deployment would not refuse a call.
func (d *deployment) ready() bool { return d.cooled.refusal() == nil && d.breaker.ready() }

// before reports whether d is to be preferred: it can take a call at once, or
// has less under way for its weight.
func (d *deployment) before(other *deployment) bool {
	if free := d.free(); free != other.free() {
		return free
	}
	return d.underWay*other.weight < other.underWay*d.weight
}

func (d *deployment) free() bool { return d.limiter == nil || d.limiter.free() }

// start sends the call to a deployment of this target and to no other.
func (t *target) start(ctx context.Context, c llm.Call, d *deployment) (*llm.Reply, error) {
	c.Model = t.Model
	if c.MaxTokens == 0 {
		c.MaxTokens = t.MaxTokens
	}
	reply, err := t.remembered(ctx, c, func() (*llm.Reply, error) {
		if t.hedge != nil && !c.Stream {
			return t.hedged(ctx, c, d)
		}
		return t.send(ctx, c, d)
	})
	if err != nil {
		return nil, err
	}
	reply.Provider, reply.Model = t.Provider, t.Model
	return reply, nil
}

// send makes one call.
func (t *target) send(ctx context.Context, c llm.Call, d *deployment) (*llm.Reply, error) {
	alone := len(t.deployments) == 1
	if !alone {
		t.count(d, 1)
	}
	reply, err := d.decorated.Start(ctx, c)
	if err != nil {
		if !alone {
			t.count(d, -1)
		}
		return nil, err
	}
	if !alone {
		atEnd(reply, c, func(error) { t.count(d, -1) })
	}
	return reply, nil
}

func (t *target) count(d *deployment, change int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d.underWay += change
}

// decided records for the answer's trace, and tells the Observer, that the call
// goes on at to because of reason.
func (t *target) decided(ctx context.Context, c llm.Call, step desk.Step, to *target, reason error) {
	d := desk.Decision{Step: step, Provider: t.Provider, From: t.Model, To: to.Model, Reason: string(llm.KindOf(reason))}
	c.Allowance.Decided(d)
	t.obs.Decided(ctx, d)
}
