package cache_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/testenv"
)

var semantic = cache.Config{MemoryEntries: 100, MemoryTTL: time.Hour, Semantic: true, RedisTTL: time.Hour, Timeout: 5 * time.Second}

// kin is a question whose words all carry content.
func kin(tenant, question string) cache.Kin {
	return cache.Kin{Scope: cache.NewKey(desk.Scope{Tenant: desk.TenantID(tenant)}), Question: question, Terms: strings.Fields(question)}
}

func yes(string) bool { return true }

// put caches an answer that says its question.
func put(c *cache.Cache, tenant, question string) cache.Key {
	k := cache.NewKey(desk.Scope{Tenant: desk.TenantID(tenant)}, question)
	c.Put(k, desk.Answer{Text: desk.Masked(question)})
	c.Relate(k, kin(tenant, question))
	return k
}

func TestTheNearestQuestionsAreProposedFirstAndFarOnesNever(t *testing.T) {
	c, obs := open(t, semantic, "")
	for _, q := range []string{"return a damaged kettle", "return a damaged toaster today", "open an account", "return"} {
		put(c, "t1", q)
	}
	var proposed []string
	c.Near(kin("t1", "return a damaged toaster"), func(q string) bool { proposed = append(proposed, q); return false }, always)
	if got := strings.Join(proposed, "|"); got != "return a damaged toaster today|return a damaged kettle" {
		t.Errorf("proposed %q", got)
	}
	a, ok := c.Near(kin("t1", "return a damaged toaster"), yes, always)
	if !ok || a.Text != "return a damaged toaster today" {
		t.Errorf("found %q, %v", a.Text, ok)
	}
	if obs.get("semantic hit") != 1 || obs.get("semantic miss") != 1 {
		t.Errorf("counted %v", obs.n)
	}
}

func TestAFewQuestionsAreProposedWhateverTheirNumber(t *testing.T) {
	c, _ := open(t, semantic, "")
	for i := range 90 {
		put(c, "t1", fmt.Sprint("return a damaged item ", i))
	}
	proposed := 0
	c.Near(kin("t1", "return a damaged item"), func(string) bool { proposed++; return false }, always)
	if proposed != 3 {
		t.Errorf("proposed %d questions, want 3", proposed)
	}
}

func TestOtherTenantsQuestionsAreNoKin(t *testing.T) {
	c, _ := open(t, semantic, "")
	put(c, "t1", "return a damaged item")
	if a, ok := c.Near(kin("t2", "return a damaged item"), yes, always); ok {
		t.Errorf("found %q of another tenant", a.Text)
	}
}

func TestWhatLeavesMemoryOrNoLongerHoldsIsProposedNoMore(t *testing.T) {
	asked := kin("t1", "return a damaged item")
	for _, tt := range []struct {
		name  string
		leave func(c *cache.Cache, k cache.Key)
	}{
		{"replaced by an answer that nobody shares", func(c *cache.Cache, k cache.Key) { c.Put(k, desk.Answer{Text: "ask a person"}) }},
		{"not valid at an earlier look", func(c *cache.Cache, _ cache.Key) {
			if _, ok := c.Near(asked, yes, func(desk.Answer) bool { return false }); ok {
				t.Error("an answer that does not hold was given")
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := open(t, semantic, "")
			k := put(c, "t1", "return a damaged item")
			if _, ok := c.Near(asked, yes, always); !ok {
				t.Fatal("not found to begin with")
			}
			tt.leave(c, k)
			proposed := false
			c.Near(asked, func(string) bool { proposed = true; return true }, always)
			if proposed {
				t.Error("it is still proposed")
			}
		})
	}
}

func TestAQuestionWhoseAnswerWasNotRejectedByItselfStays(t *testing.T) {
	c, _ := open(t, semantic, "")
	put(c, "t1", "return a damaged item")
	c.Near(kin("t1", "return a damaged kettle"), func(string) bool { return false }, always)
	if _, ok := c.Near(kin("t1", "return a damaged item"), yes, always); !ok {
		t.Error("another question's look took it away")
	}
}

func TestWithoutMemoryOrTheSettingNothingIsProposed(t *testing.T) {
	off, alone := semantic, semantic
	off.Semantic, alone.MemoryEntries = false, 0
	for _, cfg := range []cache.Config{off, alone} {
		c, obs := open(t, cfg, "")
		put(c, "t1", "return a damaged item")
		if _, ok := c.Near(kin("t1", "return a damaged item"), yes, always); ok || c.Relates() || len(obs.n) != 0 {
			t.Errorf("found = %v, on = %v, counted %v", ok, c.Relates(), obs.n)
		}
	}
}

func TestQuestionsAreRelatedFromManyGoroutines(t *testing.T) {
	cfg := semantic
	cfg.MemoryEntries = 20 // most leave while others are put
	c, _ := open(t, cfg, testenv.Redis(t))
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 300 {
				put(c, "t1", fmt.Sprint("return a damaged item ", g, " ", i%30))
				c.Near(kin("t1", fmt.Sprint("return a damaged item ", i)), yes, always)
			}
		})
	}
	all.Wait()
}

// BenchmarkNearMiss is what the tier costs a question that it does not answer.
func BenchmarkNearMiss(b *testing.B) {
	cfg := semantic
	cfg.MemoryEntries = 10_000
	c, err := cache.New(cfg, nil, &counts{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		put(c, "t1", fmt.Sprint("return a damaged item bought ", i%100, " days before from shop ", i))
	}
	asked := kin("t1", "return a damaged kettle that was never paid with the old card")
	b.ReportAllocs()
	for b.Loop() {
		c.Near(asked, yes, always)
	}
	_ = c.Run(done())
}

// BenchmarkRelateInFullMemory10k is what an answer costs that pushes out
// another, among 10,000 to questions that have most of their terms in common.
func BenchmarkRelateInFullMemory10k(b *testing.B) {
	cfg := semantic
	cfg.MemoryEntries = 10_000
	c, err := cache.New(cfg, nil, &counts{})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	ask := func() { put(c, "t1", fmt.Sprint("return a damaged item ", n)); n++ }
	for n < 12_000 {
		ask()
	}
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
	_ = c.Run(done())
}

func done() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	return ctx
}
