package gateway

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/llm"
)

// keys is acme's small model with a deployment for each fake, all at one place.
func keys(fakes ...*fake) Target {
	t := Target{Provider: "acme", Model: small}
	for _, f := range fakes {
		t.Deployments = append(t.Deployments, Deployment{Adapter: f})
	}
	return t
}

// places is likewise, each at a place of its own.
func places(fakes ...*fake) Target {
	t := keys(fakes...)
	for i := range t.Deployments {
		t.Deployments[i].Endpoint = string(rune('a' + i))
	}
	return t
}

func TestCallsAreSharedByWeight(t *testing.T) {
	r := &recorder{}
	a, b, c := provider(answers("a")), provider(answers("b")), provider(answers("c"))
	target := keys(a, b, c)
	target.Deployments[0].Weight = 3
	target.Deployments[1].Weight = 2 // and c the default, 1
	g := gatewayOf(t, r, target)
	for range 60 {
		ask(t, g, r)
	}
	if got := [3]int{a.count(), b.count(), c.count()}; got != [3]int{30, 20, 10} {
		t.Errorf("calls = %v, want 30, 20 and 10", got)
	}
}

func TestTheDeploymentWithTheLeastUnderWayIsAsked(t *testing.T) {
	for _, stream := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			slow := provider(outcome{after: 9 * time.Second, deltas: []string{"slow"}})
			quick := provider(outcome{after: time.Second, deltas: []string{"quick"}})
			g := gatewayOf(t, r, keys(slow, quick))
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for begin := time.Now(); time.Since(begin) < time.Minute; {
						c := question(grant(r))
						c.Stream = stream
						mustText(t, g, c)
					}
				})
			}
			wg.Wait()
			if slow.count() > 20 || quick.count() < 100 {
				t.Errorf("stream %t: %d calls of the slow one, %d of the quick one", stream, slow.count(), quick.count())
			}
			for _, d := range g.chains[llm.Cheap].paid[0].deployments {
				if d.underWay != 0 {
					t.Errorf("stream %t: %d calls seem to be under way", stream, d.underWay)
				}
			}
		})
	}
}

// What one key or endpoint cannot do, another one does: at once, and without
// another model. The failing one is asked at most as often as want says in
// twenty questions.
func TestAnotherDeploymentStepsIn(t *testing.T) {
	tests := []struct {
		name  string
		fault outcome
		build func(...*fake) Target
		want  int
	}{
		{"a key that is rate limited", outcome{err: &llm.Failure{Kind: llm.RateLimited, RetryAfter: time.Minute}}, keys, 1},
		{"a key that is refused", fails(llm.Unauthorised), keys, 1},
		{"a key whose quota is used up", fails(llm.QuotaExhausted), keys, 1},
		{"an endpoint that is down", fails(llm.Unavailable), places, 3},
		{"an endpoint that cannot be reached", fails(llm.Unreachable), places, 3},
		{"an endpoint that sends nonsense", fails(llm.InvalidReply), places, 3},
		{"an endpoint without the model", fails(llm.ModelGone), places, 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				bad, good := provider(tt.fault), provider(answers("good"))
				g := gatewayOf(t, r, tt.build(bad, good), paid("rival", large, provider(answers("other"))))
				begin := time.Now()
				for range 20 {
					if reply, _ := mustText(t, g, question(grant(r))); reply.Provider != "acme" {
						t.Fatalf("answered by %s", reply.Provider)
					}
				}
				if took := time.Since(begin); took > 0 || bad.count() > tt.want || good.count() != 20 {
					t.Errorf("%d calls of the bad one, %d of the good one, took %s", bad.count(), good.count(), took)
				}
			})
		})
	}
}

func TestAFaultOfTheEndpointIsNotTriedWithAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		a, b := provider(fails(llm.TimedOut)), provider(answers("b"))
		reply, _ := mustText(t, gatewayOf(t, r, keys(a, b), paid("rival", large, provider(answers("other")))), question(grant(r)))
		if reply.Provider != "rival" || b.count() != 0 {
			t.Errorf("answered by %s after %d calls with the other key", reply.Provider, b.count())
		}
	})
}

func TestAModelIsLeftWhenAllItsKeysHaveFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		a, b := provider(fails(llm.Unauthorised)), provider(fails(llm.QuotaExhausted))
		sibling := provider(answers("sibling"))
		g := gatewayOf(t, r, keys(a, b), paid("acme", third, sibling), paid("rival", large, provider(answers("other"))))
		for range 3 {
			if reply, _ := mustText(t, g, question(grant(r))); reply.Provider != "rival" {
				t.Errorf("answered by %s", reply.Provider)
			}
		}
		if a.count() != 1 || b.count() != 1 {
			t.Errorf("%d and %d calls with keys that do not work", a.count(), b.count())
		}
		time.Sleep(time.Minute)
		a.script, b.script = []outcome{answers("a")}, []outcome{answers("b")}
		if reply, _ := mustText(t, g, question(grant(r))); reply.Provider != "acme" {
			t.Errorf("answered by %s when the keys work again", reply.Provider)
		}
	})
}

func TestEachKeyHasItsOwnLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		a, b := provider(answers("a")), provider(answers("b"))
		target := keys(a, b)
		target.Deployments[0].Weight = 2
		target.Deployments[0].Limits = Limits{Requests: 60}
		target.Deployments[1].Limits = Limits{Requests: 60}
		g := gatewayOf(t, r, target)
		begin := time.Now()
		for range 120 {
			ask(t, g, r)
		}
		if took := time.Since(begin); took > 0 || a.count() != 60 || b.count() != 60 {
			t.Errorf("%d and %d calls in %s", a.count(), b.count(), took)
		}
	})
}
