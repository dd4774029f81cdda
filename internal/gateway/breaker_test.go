package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/llm"
)

// ask makes one call with an allowance of one attempt and reads the reply.
func ask(t *testing.T, g *Gateway, r *recorder) error {
	t.Helper()
	reply, err := g.Start(t.Context(), question(grant(r, func(g *llm.Grant) { g.Attempts = 1 })))
	if err == nil {
		reply.Close()
	}
	return err
}

func TestADeadProviderCostsNothingOnceTheBreakerIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := provider(fails(llm.Unavailable), fails(llm.Unavailable), fails(llm.Unavailable), answers("back"))
		g := gatewayOf(t, r, paid("acme", small, p))
		for range 100 {
			ask(t, g, r)
		}
		if p.count() != 3 || len(r.begun) != 3 {
			t.Errorf("%d calls, %d intents of 100 questions, want 3", p.count(), len(r.begun))
		}
		if err := ask(t, g, r); !errors.Is(err, ErrOpen) || llm.KindOf(err) != llm.Unavailable {
			t.Errorf("Start while open = %v, want ErrOpen", err)
		}
		time.Sleep(30*time.Second - time.Nanosecond)
		if err := ask(t, g, r); !errors.Is(err, ErrOpen) {
			t.Errorf("Start before 30 s = %v, want ErrOpen", err)
		}
		time.Sleep(time.Nanosecond)
		for range 3 {
			if err := ask(t, g, r); err != nil {
				t.Errorf("probe = %v", err)
			}
		}
		equal(t, "events", r.heard(), []string{"breaker gpt-4o-mini open", "breaker gpt-4o-mini half-open", "breaker gpt-4o-mini closed"})
	})
}

func TestOneFailedProbeOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := provider(fails(llm.Cut), fails(llm.Cut), fails(llm.Cut), answers("x"), fails(llm.Cut))
		g := gatewayOf(t, r, paid("acme", small, p))
		for range 3 {
			ask(t, g, r)
		}
		time.Sleep(30 * time.Second)
		for range 10 {
			ask(t, g, r)
		}
		if p.count() != 5 {
			t.Errorf("%d calls, want three, a good probe and a bad one", p.count())
		}
		equal(t, "events", r.heard(), []string{"breaker gpt-4o-mini open", "breaker gpt-4o-mini half-open", "breaker gpt-4o-mini open"})
	})
}

func TestHalfOfTenCallsOpenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var script []outcome
		for range 10 {
			script = append(script, fails(llm.InvalidReply), answers("x"))
		}
		r := &recorder{}
		p := provider(script...)
		g := gatewayOf(t, r, paid("acme", small, p))
		for range 30 {
			ask(t, g, r)
		}
		if p.count() != 10 {
			t.Errorf("%d calls, want 10", p.count())
		}
	})
}

func TestOnlyFaultsOfTheProviderMoveTheBreaker(t *testing.T) {
	faults := map[llm.FailureKind]bool{llm.Unavailable: true, llm.TimedOut: true, llm.Unreachable: true, llm.InvalidReply: true, llm.Cut: true}
	for _, kind := range llm.FailureKinds {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			p := provider(fails(kind))
			g := gatewayOf(t, r, paid("acme", small, p))
			for range 20 {
				ask(t, g, r)
			}
			if opened := p.count() == 3; opened != faults[kind] {
				t.Errorf("%s: %d of 20 calls were made, want the breaker open: %t", kind, p.count(), faults[kind])
			}
		})
	}
	for _, cause := range []error{llm.ErrNoTime, llm.ErrNoLedger} {
		for _, kind := range []llm.FailureKind{llm.TimedOut, llm.Unavailable} {
			own := errors.Is(cause, llm.ErrNoTime) == (kind == llm.TimedOut)
			if got := providersFault(&llm.Failure{Kind: kind, Err: cause}); got == own {
				t.Errorf("%s by %v counts: %t", kind, cause, got)
			}
		}
	}
}

func TestAtMostThreeProbesRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		down := fails(llm.Unavailable)
		p := provider(down, down, down, outcome{after: time.Second, deltas: []string{"x"}})
		g := gatewayOf(t, r, paid("acme", small, p))
		for range 3 {
			ask(t, g, r)
		}
		time.Sleep(time.Minute)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { ask(t, g, r) })
		}
		wg.Wait()
		if probes := p.count() - 3; probes != 3 {
			t.Errorf("%d probes at a time, want 3", probes)
		}
	})
}

func TestProbesWithoutAVerdictDoNotBlockTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		down, left := fails(llm.Unavailable), fails(llm.Cancelled)
		p := provider(down, down, down, left, left, left, left, left, answers("x"))
		g := gatewayOf(t, r, paid("acme", small, p))
		for range 3 {
			ask(t, g, r)
		}
		time.Sleep(time.Minute)
		for range 5 {
			ask(t, g, r)
		}
		if err := ask(t, g, r); err != nil {
			t.Errorf("Start after five probes whose callers left = %v", err)
		}
	})
}

// What has no name, no port or no certificate costs nothing to try.
func TestAnUnreachableProviderIsTriedAgainSoon(t *testing.T) {
	for kind, after := range map[llm.FailureKind]time.Duration{llm.Unreachable: 5 * time.Second, llm.Unavailable: 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			down := fails(kind)
			p := provider(down, down, down, answers("x"))
			g := gatewayOf(t, r, paid("acme", small, p))
			for range 3 {
				ask(t, g, r)
			}
			time.Sleep(after - time.Millisecond)
			if err := ask(t, g, r); !errors.Is(err, ErrOpen) {
				t.Errorf("%s: Start just before %s = %v, want it refused", kind, after, err)
			}
			time.Sleep(time.Millisecond)
			if err := ask(t, g, r); err != nil {
				t.Errorf("%s: Start after %s = %v", kind, after, err)
			}
		})
	}
}

func TestACallFromBeforeTheChangeDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		down := fails(llm.Unavailable)
		slow := outcome{after: 29 * time.Second, err: down.err}
		p := provider(slow, down, down, down, answers("x"))
		g := New(Config{Prices: prices(t), Breaker: BreakerConfig{CoolDown: time.Second}},
			map[llm.Tier][]Target{llm.Cheap: {paid("acme", small, p)}}, r)
		var wg sync.WaitGroup
		wg.Go(func() { ask(t, g, r) })
		synctest.Wait()
		for range 3 {
			ask(t, g, r)
		}
		time.Sleep(5 * time.Second)
		ask(t, g, r) // half-open now
		wg.Wait()    // the old call fails
		for range 2 {
			if err := ask(t, g, r); err != nil {
				t.Errorf("probe = %v, reopened by a call from before", err)
			}
		}
	})
}

func TestAStreamIsJudgedByItsEnd(t *testing.T) {
	tests := []struct {
		name  string
		end   error
		close bool
		opens bool
	}{
		{"cut streams open the breaker", &llm.Failure{Kind: llm.Cut}, false, true},
		{"complete ones do not", nil, false, false},
		{"nor do those that were closed early", &llm.Failure{Kind: llm.Cut}, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			p := provider(outcome{deltas: []string{"a"}, end: tt.end})
			g := gatewayOf(t, r, paid("acme", small, p))
			for range 10 {
				c := question(grant(r))
				c.Stream = true
				reply, err := g.Start(context.WithoutCancel(t.Context()), c)
				if err != nil {
					continue
				}
				if !tt.close {
					reply.Text()
				}
				reply.Close()
			}
			if opened := p.count() == 3; opened != tt.opens {
				t.Errorf("%d of 10 calls were made, want the breaker open: %t", p.count(), tt.opens)
			}
		})
	}
}

func TestATargetInTwoChainsHasOneBreaker(t *testing.T) {
	r := &recorder{}
	p := provider(fails(llm.Unavailable))
	g := New(Config{Prices: prices(t)}, map[llm.Tier][]Target{
		llm.Cheap: {paid("acme", small, p)}, llm.Strong: {paid("acme", small, p)},
	}, r)
	for range 3 {
		ask(t, g, r)
	}
	c := question(grant(r))
	c.Tier = llm.Strong
	if _, err := g.Start(t.Context(), c); !errors.Is(err, ErrOpen) {
		t.Errorf("Start in the other tier = %v, want ErrOpen", err)
	}
}
