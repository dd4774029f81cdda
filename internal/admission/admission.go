// Package admission decides how many answers are composed at a time. Beyond
// that, questions wait, not many and not for long; the others are refused at
// once, and so is, instead of a wait, what nobody waits for. What a tenant has
// asked for lately, within an equal share of the places, no other can take.
//
// failsafe-go's adaptive limiter was tried for this: it reads the time that
// calls take, which here is the provider's. From a thousand places it came down
// to 950 in two minutes of three times the load that the processors bear, from
// its own twenty it refused four of five questions for minutes where nothing
// was overloaded; and its queue knows neither tenants nor priorities.
package admission

import (
	"context"
	"math"
	"sync"
	"time"

	"kefu/internal/desk"
)

// Config bounds the work.
type Config struct {
	// Concurrency is how many answers are composed at a time while the
	// processors keep up, at least 1.
	Concurrency int
	// Queue is how many questions may wait for a place, as a share of the
	// places: with 0.5, the last of them waits half as long as an answer takes.
	// Tenants share it equally, each may have one wait.
	Queue float64
	// Wait is the longest that one of them waits.
	Wait time.Duration
}

// Why a question was refused, a closed set for metrics.
const (
	Overload = "overload" // the queue is full
	Tenant   = "tenant"   // its tenant's share of the queue is full
	Batch    = "batch"    // it would have to wait, and nobody waits for its answer
	Late     = "late"     // it has waited for too long
)

// Observer is told what the gate does. Its methods return at once.
type Observer interface {
	// Refused is told why a question was refused.
	Refused(reason string)
	// Waited is told how long one waited that was let in then.
	Waited(took time.Duration)
}

// Gate lets compositions in. It is safe for concurrent use; a nil Gate lets
// all of them in.
type Gate struct {
	cfg   Config
	least int // places that are there however busy the processors are
	obs   Observer

	mu      sync.Mutex
	state   State
	tenants map[desk.TenantID]*tenant // that asked lately
	line    []*tenant                 // those with questions in the queue
	share   int                       // of each tenant in the places
	kept    int                       // places kept for tenants below their share
	mean    float64                   // seconds that a composition takes
}

// State is how full a gate is.
type State struct {
	Places  int // answers that may be composed at a time
	Inside  int // those that are
	Waiting int // questions in the queue
}

// New returns a gate. Its Run must be started.
func New(cfg Config, obs Observer) *Gate {
	return &Gate{
		cfg: cfg, least: min(cfg.Concurrency, leastPlaces()), obs: obs,
		state: State{Places: cfg.Concurrency}, share: cfg.Concurrency, tenants: map[desk.TenantID]*tenant{},
	}
}

// State returns how full it is.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// Place is that of one composition.
type Place struct {
	Waited time.Duration // 0 where it was free

	gate   *Gate
	tenant *tenant
	since  time.Time
}

// Enter takes a place for a question of a tenant, and waits for one where it
// may; a batch is not waited for. The place must be left.
// The error is a *desk.Error of kind Overloaded without words for the customer,
// or that of ctx.
func (g *Gate) Enter(ctx context.Context, of desk.TenantID, batch bool) (Place, error) {
	if g == nil {
		return Place{}, nil
	}
	g.mu.Lock()
	t := g.tenant(of)
	g.move(t, 0, 1) // what is refused was wanted too
	if g.open(t) {
		g.move(t, 1, -1)
		g.mu.Unlock()
		return Place{gate: g, tenant: t, since: time.Now()}, nil
	}
	if why := g.crowded(t, batch); why != "" {
		g.move(t, 0, -1)
		err := g.refusal()
		g.mu.Unlock()
		g.obs.Refused(why)
		return Place{}, err
	}
	w := g.enqueue(t)
	g.mu.Unlock()
	return g.wait(ctx, t, w)
}

// Leave gives the place back.
func (p Place) Leave() {
	g := p.gate
	if g == nil {
		return
	}
	took := time.Since(p.since).Seconds()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mean == 0 {
		g.mean = took
	}
	g.mean += (took - g.mean) / 32
	g.move(p.tenant, -1, 0)
	g.letIn()
}

// open tells whether one more question of the tenant may be let in: below its
// share whenever there is a place, beyond it only where that is kept for nobody.
func (g *Gate) open(t *tenant) bool {
	free := g.state.Places - g.state.Inside
	return free > 0 && (t.inside < g.share || free > g.kept)
}

// crowded tells why a question of the tenant may not wait, if so.
func (g *Gate) crowded(t *tenant, batch bool) string {
	room := max(1, int(g.cfg.Queue*float64(g.state.Places))/len(g.tenants))
	switch {
	case batch:
		return Batch
	case t.waiting <= room: // with this one
		return ""
	case len(g.tenants) > 1:
		return Tenant
	}
	return Overload
}

// refusal asks to come again when those who wait will have been let in.
func (g *Gate) refusal() error {
	seconds := g.mean * float64(g.state.Waiting+1) / float64(g.state.Places)
	return &desk.Error{
		Kind: desk.Overloaded, Code: "overloaded", RetryAfter: time.Duration(math.Ceil(max(1, min(seconds, 60)))) * time.Second,
	}
}
