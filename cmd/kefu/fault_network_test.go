package main_test

import (
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

func unreachableProvider(t *testing.T) {
	secure := e2e.NewSecureVendor(t, llmsim.Config{})
	s := openFaultyShop(t, secure.Vendor, secure.Trust, "KEFU_CHAINS_COMPLEX=nowhere,second,offline", "KEFU_MODELS_BREAKER_COOL_DOWN=30s")
	quick := func(what, question string) {
		t.Helper()
		began := time.Now()
		a := s.Ask(question)
		if took := time.Since(began); a.Provider != "second" || a.Degraded || took > 2*time.Second+busy {
			t.Errorf("%s: %+v after %v, want an answer of the second provider within 2 s", what, a, took)
		}
	}
	quick("a name that does not resolve", complexEN)
	for _, fault := range []struct {
		name        string
		spoil, mend func()
	}{
		{"a certificate that nobody trusts", secure.Impersonate, secure.Accept},
		{"a refused handshake", secure.Refuse, secure.Accept},
	} {
		e2e.Eventually(t, 10*time.Second, "the first provider is asked", func() bool { return s.Ask(s.question()).Provider == "first" })
		fault.spoil()
		before := calls(s.first)
		quick(fault.name, s.question())
		told, err := s.Stream(t.Context(), s.question(), nil)
		if err != nil || told.Text != thirtyDays || told.Took > 2*time.Second+busy {
			t.Errorf("%s, streamed: %+v %v, want an answer of the second provider within 2 s", fault.name, told, err)
		}
		if n := calls(s.first) - before; n > 0 {
			t.Errorf("%s: %d calls arrived all the same", fault.name, n)
		}
		fault.mend()
	}
	s.unseen()
}
