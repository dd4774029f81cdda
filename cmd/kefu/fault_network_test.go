package main_test

import (
	"testing"
	"time"

	"kefu/internal/config"
	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

func unreachableProvider(t *testing.T) {
	t.Run("with the default cool-down", func(t *testing.T) { unreachable(t, config.Default().Models.BreakerCoolDown, false) })
	// A connection that is reset may have carried a call: the breaker rests in full.
	t.Run("and reset", func(t *testing.T) { unreachable(t, coolDown, true) })
}

func unreachable(t *testing.T, coolDown time.Duration, reset bool) {
	secure := e2e.NewSecureVendor(t, llmsim.Config{})
	s := openFaultyShop(t, secure.Vendor, secure.Trust, "KEFU_CHAINS_COMPLEX=nowhere,second,offline", "KEFU_MODELS_BREAKER_COOL_DOWN="+coolDown.String())
	quick := func(what, question string) {
		t.Helper()
		began := time.Now()
		a := s.Ask(question)
		if took := time.Since(began); a.Provider != "second" || a.Degraded || s.site.Late(took, 2*time.Second+busy) {
			t.Errorf("%s: %+v after %v, want an answer of the second provider within 2 s", what, a, took)
		}
	}
	quick("a name that does not resolve", complexEN)
	type fault struct {
		name        string
		spoil, mend func()
	}
	faults := []fault{
		{"a certificate that nobody trusts", secure.Impersonate, secure.Accept},
		{"a refused handshake", secure.Refuse, secure.Accept},
	}
	if reset {
		faults = append(faults, fault{"a reset", s.network.Cut, s.network.Link})
	}
	for _, fault := range faults {
		e2e.Eventually(t, "the first provider is asked", func() bool { return s.Ask(s.question()).Provider == "first" })
		fault.spoil()
		before := calls(s.first)
		for range 4 { // so that the breaker has opened when it is mended
			quick(fault.name, s.question())
		}
		told, err := s.Stream(t.Context(), s.question(), nil)
		if err != nil || told.Text != thirtyDays || s.site.Late(told.Took, 2*time.Second+busy) {
			t.Errorf("%s, streamed: %+v %v, want an answer of the second provider within 2 s", fault.name, told, err)
		}
		if n := calls(s.first) - before; n > 0 {
			t.Errorf("%s: %d calls arrived all the same", fault.name, n)
		}
		fault.mend()
	}
	s.unseen()
}
