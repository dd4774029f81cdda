package main_test

import (
	"fmt"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// expiringTogether asks hot questions whose answers were all made at once
// beyond the time at which all of them end. Between being old and ending a
// short life leaves less than a busy machine needs to ask them all: it is given
// longer ones.
func expiringTogether(t *testing.T) {
	var failure string
	for _, life := range []time.Duration{4 * time.Second * e2e.Slowdown, 40 * time.Second, 2 * time.Minute} {
		if failure = expire(t, life); failure == "" {
			return
		}
		t.Logf("of answers that live %v: %s", life, failure)
	}
	t.Error(failure)
}

func expire(t *testing.T, life time.Duration) (failure string) {
	t.Helper()
	const keys, often = 20, 3
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := warranties(t, keys, append(vendor.Env(), "KEFU_CACHE_MEMORY_TTL="+life.String(), "KEFU_CACHE_REFRESH=0.25", "KEFU_CACHE_SEMANTIC=false")...).Serve()
	question := func(i int) string { return fmt.Sprintf("How long does the warranty of product %s last?", product(i)) }
	vendor.Behave(slowVendor(t, "fixed:50ms"))
	// Answers are old from 0.675 of a life on and end at 0.9 or later; the new ones
	// are old at 1.35.
	until := time.Now().Add(life * 125 / 100)
	for i := range keys {
		server.Ask(question(i))
	}
	first := vendor.Calls("/chat/completions")
	missed := 0
	for time.Now().Before(until) {
		for n := range keys * often {
			if !time.Now().Before(until) {
				break // a round on a busy machine may last into the next life
			}
			if a := server.Ask(question(n / often)); !a.CacheHit {
				missed++
			}
		}
		time.Sleep(life / 50)
	}
	again := vendor.Calls("/chat/completions") - first
	t.Logf("%d hot answers, %d calls for the first of them, %d to renew them, %d callers waited", keys, first, again, missed)
	_, metrics := server.Get("/metrics")
	renewed := sample(metrics, `kefu_answers_renewed_total{result="renewed",trigger="age"}`)
	server.Stop()
	healthy(t, server.Log)
	if first != keys || again != keys || missed != 0 || renewed != keys {
		return fmt.Sprintf("%d calls, then %d, %d callers waited, %v renewals were counted; want %d, %[5]d, none and %[5]d", first, again, missed, renewed, keys)
	}
	return ""
}

func TestTheMostAskedAreWarmAfterARelease(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := newShop(t, append(vendor.Env(), "KEFU_CACHE_WARM_UP=1", "KEFU_CACHE_SEMANTIC=false")...)
	server := site.Serve()
	for range 3 {
		server.Ask(complexEN)
	}
	server.Ask(simpleEN)
	e2e.Eventually(t, "both answers are recorded", func() bool {
		var n int
		return site.DB().QueryRow("SELECT count(*) FROM answers").Scan(&n) == nil && n == 2
	})
	// Askings are counted every half minute; this one comes first.
	if _, err := site.DB().Exec("UPDATE answers SET askings = 2 WHERE question LIKE 'Compare%'"); err != nil {
		t.Fatal(err)
	}
	calls := vendor.Calls("/chat/completions")
	site.Write("docs/warranty.md", "# Warranty\n\nThe warranty of the Aurora lamp covers manufacturing defects for 36 months. The warranty of the Borealis tablet covers manufacturing defects for 12 months.\n")
	site.Write("docs/returns.md", "# Returns\n\nYou can return an item within 45 days of delivery.\n")
	site.Must("kb", "load", "docs")
	e2e.Eventually(t, "one answer is composed ahead", func() bool {
		_, metrics := server.Get("/metrics")
		return sample(metrics, `kefu_answers_renewed_total{result="renewed",trigger="release"}`) == 1
	})
	if n := vendor.Calls("/chat/completions"); n != calls+1 {
		t.Errorf("%d calls of the model for the warm-up, want 1", n-calls)
	}
	if a := server.Ask(complexEN); !a.CacheHit {
		t.Errorf("the most asked question: %+v, want a hit", a)
	}
	if a := server.Ask(simpleEN); a.CacheHit {
		t.Errorf("another question: %+v, want one answered anew", a)
	}
}
