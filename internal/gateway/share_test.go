package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/llm"
)

func TestAShareIsAPartOfTheCallsOfTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShare(0.2, 3)
		taken := func() (n int) {
			for s.take() {
				n++
			}
			return n
		}
		if n := taken(); n != 3 {
			t.Errorf("%d without calls, want the floor of 3", n)
		}
		time.Sleep(10 * time.Second)
		for range 5 {
			for range 20 {
				s.called()
			}
			time.Sleep(time.Second)
		}
		if n := taken(); n != 20 {
			t.Errorf("%d beside 100 calls, want 20", n)
		}
		time.Sleep(7 * time.Second) // calls of two seconds are too old now
		if n := taken(); n != 0 {
			t.Errorf("%d more beside 60 calls", n)
		}
		time.Sleep(3 * time.Second)
		if n := taken(); n != 3 {
			t.Errorf("%d when all is long ago, want the floor", n)
		}
		time.Sleep(24 * time.Hour)
		if n := taken(); n != 3 {
			t.Errorf("%d a day later, want the floor", n)
		}
	})
}

// With a breaker that never opens, retries alone must not multiply the load.
func TestRetriesStayAPartOfTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		down := provider(fails(llm.Unavailable))
		g := New(Config{Prices: prices(t), Breaker: BreakerConfig{Faults: 10_000, CoolDown: time.Nanosecond}},
			map[llm.Tier][]Target{llm.Cheap: {paid("acme", small, down), offline(provider(answers("quote")))}}, r)
		const questions = 400
		for range questions {
			go g.Start(t.Context(), question(grant(r)))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if calls := down.count(); calls > questions*12/10+1 || calls < questions+20 {
			t.Errorf("%d calls for %d questions, want at most a fifth more", calls, questions)
		}
	})
}
