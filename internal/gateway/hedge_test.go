package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

func hedging(t *testing.T, r *recorder, share float64, targets ...Target) *Gateway {
	return New(Config{Prices: prices(t), HedgeShare: share}, map[llm.Tier][]Target{llm.Cheap: targets}, r)
}

// warm has the gateway learn that replies take a tenth of a second.
func warm(t *testing.T, g *Gateway, r *recorder) {
	t.Helper()
	for range 40 {
		ask(t, g, r)
	}
	time.Sleep(time.Minute)
}

func taking(d time.Duration, text string) outcome {
	o := answers(text)
	o.after = d
	return o
}

func TestASlowReplyIsAskedForASecondTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := provider(taking(100*time.Millisecond, "usual"))
		g := hedging(t, r, 0.05, paid("acme", small, p))
		warm(t, g, r)
		for range 39 { // of which a hedge may be made
			ask(t, g, r)
		}
		r.ended, r.events = nil, nil
		n := p.count()
		p.mu.Lock()
		p.script = append(make([]outcome, 0, n+2), p.script...)
		for len(p.script) < n {
			p.script = append(p.script, p.script[0])
		}
		p.script = append(p.script, taking(20*time.Second, "slow"), taking(100*time.Millisecond, "hedge"))
		p.mu.Unlock()
		begin := time.Now()
		a := grant(r, within(time.Minute))
		_, text := mustText(t, g, question(a))
		if took := time.Since(begin); text != "hedge" || took != 200*time.Millisecond {
			t.Errorf("answered %q after %s, want the hedge after its own wait", text, took)
		}
		if rows := a.Attempts(); len(rows) != 2 || rows[0].Failure != "" || rows[1].Failure != string(llm.Cancelled) || !rows[1].Usage.Estimated || rows[1].Cost == 0 {
			t.Errorf("ledger = %+v, want the winner and a cancelled loser with its estimate", rows)
		}
		equal(t, "events", r.heard(), []string{"hedge acme "})
		equal(t, "decisions", a.Decisions(), []desk.Decision{{Step: desk.StepHedge, Provider: "acme", From: small, To: small}})
	})
}

func TestHedgesStayAPartOfTheCalls(t *testing.T) {
	for share, want := range map[float64]int{0: 0, 0.05: 10, 0.01: 2} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			p := provider(taking(100*time.Millisecond, "usual"))
			g := hedging(t, r, share, paid("acme", small, p))
			warm(t, g, r)
			p.mu.Lock()
			p.script = []outcome{taking(3*time.Second, "everything is slow now")}
			p.mu.Unlock()
			n := p.count()
			for range 200 {
				go g.Start(t.Context(), question(grant(r)))
			}
			time.Sleep(time.Minute)
			if extra := p.count() - n - 200; extra != want {
				t.Errorf("%d hedges beside 200 calls, want %d with a share of %v", extra, want, share)
			}
		})
	}
}

func TestAHedgeGoesToAnotherDeployment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		a, b := provider(taking(100*time.Millisecond, "a")), provider(taking(100*time.Millisecond, "b"))
		g := hedging(t, r, 1, keys(a, b))
		warm(t, g, r)
		a.mu.Lock()
		a.script = []outcome{taking(time.Hour, "hangs")}
		a.mu.Unlock()
		for range 10 {
			if _, text := mustText(t, g, question(grant(r, within(time.Minute)))); text != "b" {
				t.Errorf("answered %q", text)
			}
		}
	})
}

func TestStreamsAndFailuresAreNotHedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := provider(taking(100*time.Millisecond, "usual"))
		g := hedging(t, r, 1, paid("acme", small, p))
		warm(t, g, r)
		n := p.count()
		p.mu.Lock()
		p.script = []outcome{taking(3*time.Second, "slow")}
		p.mu.Unlock()
		c := question(grant(r))
		c.Stream = true
		mustText(t, g, c)
		if p.count() != n+1 {
			t.Errorf("%d calls for a stream", p.count()-n)
		}
		p.mu.Lock()
		p.script = []outcome{fails(llm.BadRequest)}
		p.mu.Unlock()
		if err := ask(t, g, r); llm.KindOf(err) != llm.BadRequest || p.count() != n+2 {
			t.Errorf("Start = %v after %d calls", err, p.count()-n)
		}
		// Where both fail, the first failure counts.
		p.mu.Lock()
		p.script = []outcome{{after: 2 * time.Second, err: &llm.Failure{Kind: llm.BadRequest}}}
		p.mu.Unlock()
		if _, err := g.Start(t.Context(), question(grant(r))); llm.KindOf(err) != llm.BadRequest || p.count() != n+4 {
			t.Errorf("Start = %v after %d calls", err, p.count()-n)
		}
	})
}
