package admission

import (
	"context"
	"slices"
	"time"

	"kefu/internal/desk"
)

// tenant is what a gate knows of one.
type tenant struct {
	inside, waiting int
	// wanted is how many places it asked for at a time, at most: lately, and in
	// the window before that.
	wanted [2]int
	queue  []*waiter
}

type waiter struct {
	let chan struct{} // closed when it is let in
}

// keeps is how many more places the tenant may ask for before it is beyond what
// it wanted lately, or beyond its share.
func (t *tenant) keeps(share int) int {
	return max(0, min(max(t.wanted[0], t.wanted[1]), share)-t.inside)
}

// tenant finds a tenant, or begins to count it.
func (g *Gate) tenant(id desk.TenantID) *tenant {
	t, ok := g.tenants[id]
	if !ok {
		t = &tenant{}
		g.tenants[id] = t
		g.divide()
		g.letIn() // less is kept for the others
	}
	return t
}

// move counts questions of a tenant in or out.
func (g *Gate) move(t *tenant, inside, waiting int) {
	g.kept -= t.keeps(g.share)
	t.inside += inside
	t.waiting += waiting
	t.wanted[0] = max(t.wanted[0], t.inside+t.waiting)
	g.kept += t.keeps(g.share)
	g.state.Inside += inside
	g.state.Waiting += waiting
}

// divide gives each tenant an equal share of the places.
func (g *Gate) divide() {
	g.share = max(1, g.state.Places/max(1, len(g.tenants)))
	g.kept = 0
	for _, t := range g.tenants {
		g.kept += t.keeps(g.share)
	}
}

// turn begins a new window, and forgets who asked for nothing in two of them.
func (g *Gate) turn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, t := range g.tenants {
		t.wanted = [2]int{t.inside + t.waiting, t.wanted[0]}
		if t.wanted == [2]int{} {
			delete(g.tenants, id)
		}
	}
	g.divide()
	g.letIn()
}

func (g *Gate) enqueue(t *tenant) *waiter {
	if len(t.queue) == 0 {
		g.line = append(g.line, t)
	}
	w := &waiter{let: make(chan struct{})}
	t.queue = append(t.queue, w)
	return w
}

// dequeue takes w out of the queue; it tells whether it was there.
func (g *Gate) dequeue(t *tenant, w *waiter) bool {
	i := slices.Index(t.queue, w)
	if i < 0 {
		return false
	}
	t.queue = slices.Delete(t.queue, i, i+1)
	if len(t.queue) == 0 {
		g.line = slices.DeleteFunc(g.line, func(other *tenant) bool { return other == t })
	}
	return true
}

// letIn lets in whoever may be, first the tenant with the fewest inside.
func (g *Gate) letIn() {
	for g.state.Inside < g.state.Places {
		var next *tenant
		for _, t := range g.line {
			if g.open(t) && (next == nil || t.inside < next.inside) {
				next = t
			}
		}
		if next == nil {
			return
		}
		w := next.queue[0]
		g.dequeue(next, w)
		g.move(next, 1, -1)
		close(w.let)
	}
}

// wait returns when w is let in, or has to give up.
func (g *Gate) wait(ctx context.Context, t *tenant, w *waiter) (Place, error) {
	began := time.Now()
	late := time.NewTimer(g.cfg.Wait)
	defer late.Stop()
	var err error
	select {
	case <-w.let:
	case <-ctx.Done():
		err = g.giveUp(t, w, ctx.Err())
	case <-late.C:
		if err = g.giveUp(t, w, nil); err != nil {
			g.obs.Refused(Late)
		}
	}
	if err != nil {
		return Place{}, err
	}
	now := time.Now()
	waited := now.Sub(began)
	g.obs.Waited(waited)
	return Place{gate: g, tenant: t, since: now, Waited: waited}, nil
}

// giveUp withdraws w for a reason, which may be that it has waited for too
// long. There is no error where it was let in meanwhile.
func (g *Gate) giveUp(t *tenant, w *waiter, reason error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.dequeue(t, w) {
		return nil
	}
	g.move(t, 0, -1)
	if reason == nil {
		reason = g.refusal()
	}
	return reason
}
