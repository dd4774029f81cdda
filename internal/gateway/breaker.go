package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"kefu/internal/llm"
)

// BreakerConfig says when a target is left alone. Zero values mean the
// defaults.
type BreakerConfig struct {
	// Faults is how many faults in a row open the circuit; default 3. It also opens
	// when half of the calls of a minute fail, of at least ten.
	Faults int
	// CoolDown is how long the circuit stays open before the first probe; default
	// 30 s. A provider that could not be reached at all is probed after 5 s at most:
	// that costs nothing, and such faults are often over soon.
	CoolDown time.Duration
}

// unreachableCoolDown bounds CoolDown after a failure to connect, such as that of
// a name, a port or a certificate.
const unreachableCoolDown = 5 * time.Second

func (c BreakerConfig) withDefaults() BreakerConfig {
	if c.Faults == 0 {
		c.Faults = 3
	}
	c.CoolDown = orDefault(c.CoolDown, 30*time.Second)
	return c
}

// maxProbes bounds the calls at a time while half-open. As many successes close
// the circuit; one fault opens it again.
const maxProbes = 3

// breaker refuses calls to a deployment that has failed too often, at once and
// with ErrOpen. Only faults of the provider count.
//
// failsafe-go keeps the state and the rate of failures. Probes are counted here:
// failsafe-go takes back a permit only with success or failure, and a probe whose
// caller left has neither, so that three such probes would keep the circuit
// half-open for ever.
type breaker struct {
	next     llm.Provider
	provider string
	model    string
	faults   int
	coolDown time.Duration

	mu      sync.Mutex
	circuit circuitbreaker.CircuitBreaker[any]
	row     int  // faults in a row while closed
	reached bool // the last fault was not a failure to connect
	probes  int  // under way while half-open
	changes int  // of state so far; calls begun before the last one do not count
}

func newBreaker(next llm.Provider, t Target, deployment int, config BreakerConfig, obs Observer) *breaker {
	b := &breaker{next: next, provider: t.Provider, model: t.Model, faults: config.Faults, coolDown: config.CoolDown}
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(0.5, 10, time.Minute).
		WithDelay(config.CoolDown).
		WithSuccessThreshold(maxProbes).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) { // called with b.mu held
			b.changes++
			b.row, b.probes = 0, 0
			obs.Breaker(t.Provider, t.Model, deployment, e.NewState.String())
		}).
		Build()
	obs.Breaker(t.Provider, t.Model, deployment, circuitbreaker.ClosedState.String())
	return b
}

func (b *breaker) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	began, err := b.admit()
	if err != nil {
		return nil, err
	}
	reply, err := b.next.Start(ctx, c)
	if err != nil {
		b.record(began, err)
		return nil, err
	}
	atEnd(reply, c, func(err error) {
		if errors.Is(err, errClosed) {
			err = nil // the reader left a stream that was in order
		}
		b.record(began, err)
	})
	return reply, nil
}

// ready reports whether admit would let a call pass.
func (b *breaker) ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.passable()
}

// passable is ready with b.mu held.
func (b *breaker) passable() bool {
	switch {
	case b.circuit.IsOpen():
		return b.rest() == 0
	case b.circuit.IsHalfOpen():
		return b.probes < maxProbes
	}
	return true
}

// rest is how much longer the circuit stays open, with b.mu held.
func (b *breaker) rest() time.Duration {
	rest := b.circuit.RemainingDelay()
	if !b.reached {
		rest -= max(0, b.coolDown-unreachableCoolDown)
	}
	return max(0, rest)
}

// admit lets a call pass or fails with ErrOpen. The outcome of the call is to be
// given to record, together with began.
func (b *breaker) admit() (began int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.passable() {
		return 0, &llm.Failure{
			Kind: llm.Unavailable, Provider: b.provider, Model: b.model, RetryAfter: b.rest(), Err: ErrOpen,
		}
	}
	if b.circuit.IsOpen() {
		b.circuit.HalfOpen()
	}
	if b.circuit.IsHalfOpen() {
		b.probes++
	}
	return b.changes, nil
}

func (b *breaker) record(began int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if began != b.changes {
		return
	}
	b.probes = max(0, b.probes-1)
	switch {
	case err == nil:
		b.row = 0
		b.circuit.RecordSuccess()
	case providersFault(err):
		b.row++
		b.reached = llm.KindOf(err) != llm.Unreachable
		failed := b.row >= b.faults
		b.circuit.RecordFailure()
		if failed {
			b.circuit.Open()
		}
	}
}
