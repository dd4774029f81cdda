package cache_test

import (
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/testenv"
)

// aged is the answer as it was composed that long ago.
func aged(by time.Duration) desk.Answer {
	a := answer
	a.Composed = time.Now().Add(-by)
	return a
}

func TestAHotAnswerIsDueAtTheEndOfItsLifeAlone(t *testing.T) {
	cfg := config
	cfg.Refresh = 0.1
	c, _ := open(t, cfg, "")
	young, old := aged(30*time.Minute), aged(50*time.Minute) // due after 60·0.9·0.9 = 48.6
	for i, a := range []desk.Answer{young, old} {
		c.Put(key("q"), a)
		for asked := range 4 {
			if due := c.Due(key("q"), a, time.Now()); due != (i == 1 && asked >= 3) {
				t.Errorf("after %d askings, %v old: due = %v", asked, time.Since(a.Composed).Round(time.Minute), due)
			}
			if _, tier, _ := c.Get(t.Context(), key("q"), always, nil); tier == "" {
				t.Fatal("the answer is not in memory")
			}
		}
	}
	if c.Due(key("q"), answer, time.Now()) {
		t.Error("an answer of unknown age is due")
	}
	never, _ := open(t, config, "")
	never.Put(key("q"), old)
	for range 4 {
		_, _, _ = never.Get(t.Context(), key("q"), always, nil)
	}
	if never.Due(key("q"), old, time.Now()) {
		t.Error("an answer is due although refreshing is off")
	}
}

func TestOfAllReplicasOneMayRenewAnAnswer(t *testing.T) {
	redis, cfg := testenv.Redis(t), config
	a, _ := open(t, cfg, redis)
	b, _ := open(t, cfg, redis)
	if !a.Claim(t.Context(), key("q")) {
		t.Fatal("nobody may renew")
	}
	if a.Claim(t.Context(), key("q")) || b.Claim(t.Context(), key("q")) {
		t.Error("a second one may renew")
	}
	if !b.Claim(t.Context(), key("other")) {
		t.Error("a claim holds for other answers too")
	}
}

func TestAnAnswerThatAnotherReplicaHasRenewedIsTakenOver(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := config
	cfg.Refresh = 0.1
	a, _ := open(t, cfg, redis)
	b, _ := open(t, cfg, redis)
	a.Put(key("q"), aged(50*time.Minute))
	if a.Renewed(t.Context(), key("q"), always) {
		t.Error("an old answer counts as renewed")
	}
	eventually(t, "the old answer is in Redis", func() bool { _, tier, _ := b.Get(t.Context(), key("q"), always, nil); return tier != "" })
	b.Put(key("q"), aged(0))
	eventually(t, "the new answer is taken over", func() bool { return a.Renewed(t.Context(), key("q"), always) })
	if got, ok := a.Peek(key("q"), always); !ok || time.Since(got.Composed) > time.Minute {
		t.Errorf("memory holds %+v, want the new answer", got)
	}
	if b.Renewed(t.Context(), key("q"), func(desk.Answer) bool { return false }) {
		t.Error("an answer that does not hold counts as renewed")
	}
}

func TestAnswersEndAtDifferentTimes(t *testing.T) {
	cfg := config
	cfg.MemoryTTL, cfg.Jitter, cfg.MemoryEntries = 400*time.Millisecond, 0.5, 1000
	c, _ := open(t, cfg, "")
	start := time.Now()
	for i := range 500 {
		c.Put(key(string(rune('a'+i))), answer)
	}
	there := func() (n int) {
		for i := range 500 {
			if _, ok := c.Peek(key(string(rune('a'+i))), always); ok {
				n++
			}
		}
		return n
	}
	seen := map[int]bool{}
	for n := 500; n > 0; n = there() {
		seen[n] = true
		if time.Since(start) > 20*time.Second {
			t.Fatal("the answers do not end")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(seen) < 3 {
		t.Errorf("the answers ended in %d steps, want many", len(seen))
	}
}

func TestAskingsAreCountedOnceAndSurviveTheirAnswer(t *testing.T) {
	c, _ := open(t, config, "")
	get := func(n int) {
		for range n {
			if _, tier, _ := c.Get(t.Context(), key("q"), always, nil); tier == "" {
				t.Fatal("the answer is not in memory")
			}
		}
	}
	c.Put(key("q"), answer)
	get(3)
	if got := c.Askings(); got["ans_1"] != 3 || len(got) != 1 {
		t.Errorf("askings = %v, want 3", got)
	}
	get(2)
	other := answer
	other.ID = "ans_2"
	c.Put(key("q"), other) // the first one is gone
	get(1)
	deadline := time.Now().Add(10 * time.Second)
	total := map[desk.AnswerID]int64{}
	for total["ans_1"] < 2 { // otter tells of deletions when it comes to it
		for id, n := range c.Askings() {
			total[id] += n
		}
		if time.Now().After(deadline) {
			t.Fatalf("askings = %v, want 2 of ans_1", total)
		}
	}
	if total["ans_1"] != 2 || total["ans_2"] != 1 {
		t.Errorf("askings = %v, want 2 and 1", total)
	}
}
