// Package gateway chooses which model answers a call. Targets stand in a chain,
// each behind its own limits and circuit breakers. One loop (Start) asks them in
// turn and looks up in one table (decide) what follows from each failure: the same
// target again, another one, or none.
package gateway

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/price"
)

// Causes of a Failure: the first two of kind Unavailable, ErrCooling of the
// kind that made the target cool down, ErrLimit of kind RateLimited.
var (
	ErrNoTarget = errors.New("no target is configured for the tier")
	ErrOpen     = errors.New("circuit breaker is open")
	ErrCooling  = errors.New("target cools down, as its vendor asked")
	ErrLimit    = errors.New("wait for a place within our limits is too long")
)

// Target is one model of one provider.
type Target struct {
	Provider string // name from the configuration
	Model    string // the vendor's name
	Name     string // callers may ask for it as well; default Model
	// Deployments are the ways to reach the model, at least one.
	Deployments []Deployment
	// MaxTokens bounds a completion whose call does not. Default 1,024.
	MaxTokens int
	// Timeout bounds a whole reply or, of a stream, the wait for its first
	// delta. Default Config.Timeouts.
	Timeout time.Duration
	// Private says that the model shows its prompts to no third party. A LastResort
	// never does, whatever stands here.
	Private bool
	// LastResort marks a target that is free, local and quick. It is asked after
	// every other target of its chain has failed, even when attempts, time or money
	// are used up. Its answers are then marked as degraded.
	LastResort bool
}

// Deployment is one way to reach a model: a key at an endpoint. Each has its
// own limits and its own circuit breaker.
type Deployment struct {
	Adapter llm.Provider
	// Endpoint names the server: where one deployment cannot be reached, others
	// with the same Endpoint are not tried.
	Endpoint string
	Weight   int // its share of the calls, relative to the other deployments; default 1
	Limits   Limits
}

// Config holds what all targets share. Zero values mean the defaults.
type Config struct {
	Prices   *price.Table // required
	Timeouts Timeouts
	Breaker  BreakerConfig
	// Retries is how often one call may be repeated at the same target; default 2,
	// negative for none. Besides, at most a fifth of all calls of the last ten
	// seconds may be retries, though ten always may.
	Retries int
	// Backoff bounds the wait before the first retry (default 1 s). Before each
	// further one the bound is multiplied by Factor (at least 1, default 2), up to
	// MaxBackoff (default 8 s). The wait itself is random below the bound. If the
	// vendor asks for a longer one, it is kept up to MaxBackoff, or up to Backoff
	// where another target could be asked instead; beyond that there is no retry.
	Backoff, MaxBackoff time.Duration
	Factor              float64
	// HedgeShare allows a second call when a whole reply takes longer than the 95th
	// percentile, to as large a part of the calls of the last ten seconds: from 0,
	// the default, for none, to 1.
	HedgeShare float64
	// Completions keeps whole replies at temperature 0 and gives them to the same
	// call again. Default nil, none.
	Completions Completions
	// LimitWait is the longest wait for a target's Limits; if it would take longer,
	// the next target is asked at once. Default 2 s.
	LimitWait time.Duration
	// Reserve is the time before an answer's deadline that is kept for the last
	// resort. Default 100 ms.
	Reserve time.Duration
}

func (c Config) withDefaults() Config {
	c.Timeouts = c.Timeouts.withDefaults()
	c.Breaker = c.Breaker.withDefaults()
	switch {
	case c.Retries == 0:
		c.Retries = 2
	case c.Retries < 0:
		c.Retries = 0
	}
	c.Backoff = orDefault(c.Backoff, time.Second)
	c.MaxBackoff = orDefault(c.MaxBackoff, 8*time.Second)
	c.Factor = max(1, cmp.Or(c.Factor, 2))
	c.LimitWait = orDefault(c.LimitWait, 2*time.Second)
	c.Reserve = orDefault(c.Reserve, 100*time.Millisecond)
	return c
}

func orDefault(d, byDefault time.Duration) time.Duration {
	if d == 0 {
		return byDefault
	}
	return d
}

// Observer is told what happens. Its methods are called concurrently and
// should return at once.
type Observer interface {
	// Attempt is called when an attempt begins. The call is made with the returned
	// context; the returned function is called once, with the settled row.
	Attempt(ctx context.Context, provider, model string, purpose desk.Purpose) (context.Context, func(desk.Attempt))
	// FirstDelta tells how long a stream took to begin.
	FirstDelta(model string, after time.Duration)
	// NextDelta tells how much time passed between two deltas of a stream.
	NextDelta(model string, after time.Duration)
	// Decided tells what was done about a call that failed or was slow; ctx is
	// that of the question.
	Decided(ctx context.Context, d desk.Decision)
	// Breaker tells the state of a deployment's circuit breaker: "closed" at the
	// start, and at each change "closed", "open" or "half-open". Deployments are
	// counted from 1.
	Breaker(provider, model string, deployment int, state string)
}

// Gateway sends calls to the targets of their tier. It implements
// llm.Provider and is safe for concurrent use.
type Gateway struct {
	config  Config
	obs     Observer
	tiers   []llm.Tier // in order, for messages and lists
	chains  map[llm.Tier]chain
	retries *share
}

// Retries are at most retryShare of the calls of the last ten seconds, or
// retryFloor where that is more.
const (
	retryShare = 0.2
	retryFloor = 10
)

// chain is the targets of a tier in the order in which they are tried.
type chain struct {
	paid []*target
	last *target // the last resort; may be nil
}

// New builds a gateway. Targets of the same provider and model are one target,
// also in several chains: they share the breakers and limits of the first.
func New(config Config, chains map[llm.Tier][]Target, obs Observer) *Gateway {
	g := &Gateway{config: config.withDefaults(), obs: obs, chains: make(map[llm.Tier]chain), retries: newShare(retryShare, retryFloor)}
	built := make(map[[2]string]*target)
	for _, tier := range []llm.Tier{llm.Cheap, llm.Strong} {
		var ch chain
		for _, t := range chains[tier] {
			key := [2]string{t.Provider, t.Model}
			if built[key] == nil {
				built[key] = g.build(t)
			}
			switch {
			case t.LastResort:
				ch.last = built[key]
			case !slices.Contains(ch.paid, built[key]): // one model may serve as cheap and strong
				ch.paid = append(ch.paid, built[key])
			}
		}
		if ch.last != nil || ch.paid != nil {
			g.tiers = append(g.tiers, tier)
			g.chains[tier] = ch
		}
	}
	return g
}

// build puts together a target and its deployments.
func (g *Gateway) build(t Target) *target {
	t.Name = cmp.Or(t.Name, t.Model)
	t.MaxTokens = cmp.Or(t.MaxTokens, 1024)
	built := &target{Target: t, obs: g.obs}
	if !t.LastResort {
		built.completions = g.config.Completions
	}
	if g.config.HedgeShare > 0 && !t.LastResort {
		built.hedge = newHedge(g.config.HedgeShare)
	}
	for i, d := range t.Deployments {
		built.deployments = append(built.deployments, g.deploy(t, i+1, d))
	}
	return built
}

// deploy puts the decorators around a deployment, innermost first.
func (g *Gateway) deploy(t Target, number int, d Deployment) *deployment {
	p := d.Adapter
	if t.LastResort {
		return &deployment{decorated: metered{next: p, provider: t.Provider, obs: g.obs, free: true}}
	}
	built := &deployment{endpoint: d.Endpoint, weight: max(1, d.Weight)}
	limits := g.config.Timeouts
	limits.Attempt, limits.FirstDelta = cmp.Or(t.Timeout, limits.Attempt), cmp.Or(t.Timeout, limits.FirstDelta)
	p = timed{next: p, limits: limits, reserve: g.config.Reserve, provider: t.Provider}
	p = metered{next: p, provider: t.Provider, prices: g.config.Prices, obs: g.obs}
	if d.Limits != (Limits{}) {
		built.limiter = newLimiter(t.Provider, t.Model, d.Limits, g.config)
		p = limited{built.limiter, p}
	}
	built.breaker = newBreaker(p, t, number, g.config.Breaker, g.obs)
	built.cooled = newCooled(built.breaker, g.config.Breaker.CoolDown)
	built.decorated = built.cooled
	return built
}
