package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// within limits of its own, p is asked as acme's small model.
func limitedTo(l Limits, p llm.Provider) Target {
	t := paid("acme", small, p)
	t.Deployments[0].Limits = l
	return t
}

func TestCallsStayWithinTheRequestsAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p, other := provider(answers("x")), provider(answers("other"))
		g := gatewayOf(t, r, limitedTo(Limits{Requests: 60}, p), paid("rival", large, other))
		begin := time.Now()
		var wg sync.WaitGroup
		for range 70 {
			wg.Go(func() { mustText(t, g, question(grant(r, within(time.Minute)))) })
		}
		wg.Wait()
		// 60 at once, two more within the 2 s that a call waits, the others elsewhere.
		if took := time.Since(begin); p.count() != 62 || other.count() != 8 || took != 2*time.Second {
			t.Errorf("%d calls, %d elsewhere, took %s", p.count(), other.count(), took)
		}
		time.Sleep(time.Minute)
		if ask(t, g, r); p.count() != 63 {
			t.Error("a minute later there is no place")
		}
	})
}

func TestTokensAreCorrectedByWhatTheVendorCounted(t *testing.T) {
	used := outcome{deltas: []string{"a", "b"}, usage: desk.Usage{Prompt: 60, Completion: 40}}
	tests := []struct {
		name   string
		stream bool
		first  outcome
		then   int // calls that find a place at once afterwards
	}{
		{"a whole reply", false, used, 8},
		{"a stream", true, used, 8},
		{"nothing for a call that was not served", false, fails(llm.BadRequest), 9},
		{"all that it might have used for one that was cut", true, outcome{deltas: []string{"a"}, end: &llm.Failure{Kind: llm.Cut}}, 0},
		{"or that nobody counted", false, outcome{deltas: []string{"a"}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				p := provider(tt.first, used)
				g := gatewayOf(t, r, limitedTo(Limits{Tokens: 2000}, p))
				send := func() error {
					c := question(grant(r, within(time.Minute)))
					c.Stream, c.MaxTokens = tt.stream, 400 // at most 512 + 26 + 400 tokens each, says measure
					reply, err := g.Start(t.Context(), c)
					if err == nil {
						_, err = reply.Text()
					}
					return err
				}
				send()
				if tt.then == 0 {
					send() // and the next finds less than it may need
				}
				n := 0
				for ; n < 30; n++ {
					begin := time.Now()
					if send() != nil || time.Since(begin) > 0 {
						break
					}
				}
				if n < tt.then || n > tt.then+3 {
					t.Errorf("%d calls found a place at once, want about %d", n, tt.then)
				}
			})
		})
	}
}

func TestACallBeyondTheTokenLimitGoesAlone(t *testing.T) {
	r := &recorder{}
	g := gatewayOf(t, r, limitedTo(Limits{Tokens: 100}, provider(answers("x"))))
	if err := ask(t, g, r); err != nil {
		t.Errorf("Start = %v", err)
	}
}

func TestNobodyWaitsForAPlaceLongerThanTheDeadlineAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := provider(answers("x"))
		g := gatewayOf(t, r, limitedTo(Limits{Requests: 60}, p), offline(provider(answers("quote"))))
		for range 60 {
			ask(t, g, r)
		}
		begin := time.Now()
		reply, _ := mustText(t, g, question(grant(r, within(time.Second))))
		if !reply.Degraded || time.Since(begin) > 0 {
			t.Errorf("answered by %s after %s", reply.Provider, time.Since(begin))
		}
		// The place that was not taken is there for somebody with more time.
		mustText(t, g, question(grant(r, within(time.Minute))))
		if took := time.Since(begin); p.count() != 61 || took != time.Second {
			t.Errorf("%d calls, the last after %s", p.count(), took)
		}
	})
}

func TestAWaitForAPlaceIsNoFaultOfTheVendor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := provider(answers("x"))
		g := gatewayOf(t, r, limitedTo(Limits{Requests: 1}, p))
		ask(t, g, r)
		for range 20 {
			if _, err := g.Start(t.Context(), question(grant(r, within(30*time.Second)))); !errors.Is(err, ErrLimit) || llm.KindOf(err) != llm.RateLimited {
				t.Fatalf("Start = %v, want ErrLimit", err)
			}
		}
		time.Sleep(59 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := g.Start(ctx, question(grant(r))); !errors.Is(err, llm.ErrNoTime) {
			t.Errorf("Start = %v for a caller who left while waiting", err)
		}
		if err := ask(t, g, r); err != nil {
			t.Errorf("Start = %v: breaker opened, or the place was lost", err)
		}
		if len(r.ended) != 2 {
			t.Errorf("%d attempts in the ledger, want the two that were made", len(r.ended))
		}
	})
}
