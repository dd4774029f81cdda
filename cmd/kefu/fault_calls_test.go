package main_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

func limitedProvider(t *testing.T) {
	s := newFaultyShop(t)
	script(t, s.first, llmsim.Step{Fault: "429", RetryAfter: 1})
	began := time.Now()
	status, body, err := s.Post(t.Context(), "application/json", []byte(`{"question":"`+s.question()+`","model":"first"}`))
	if took := time.Since(began); err != nil || status != http.StatusOK || !strings.Contains(string(body), `"provider":"first"`) || took < time.Second {
		t.Errorf("with nobody else to ask: %d %s %v after %v, want an answer of the first provider after 1 s", status, body, err, took)
	}

	const cooling = 4 * time.Second
	script(t, s.first, llmsim.Step{Fault: "429", RetryAfter: int(cooling.Seconds())})
	before := calls(s.first)
	answers := s.askMany(1, 1)
	limited := s.first.Log()[before].Time
	answers = append(answers, s.askMany(100, 8)...)
	if took := time.Since(limited); by("second", answers) < 2 || took < cooling && by("second", answers) != len(answers) {
		t.Errorf("%d of %d answers by the second provider within %v", by("second", answers), len(answers), took)
	}
	for i, call := range s.first.Log()[before:] {
		if after := call.Time.Sub(limited); i > 0 && after < cooling {
			t.Errorf("a call %v after the provider asked to wait for %v", after, cooling)
		}
	}
	s.unseen()
}

func brokenProvider(t *testing.T) {
	s := newFaultyShop(t, "KEFU_MODELS_BREAKER_COOL_DOWN=3s")
	s.first.Behave(llmsim.Config{Failures: llmsim.Failures{"500": 1}})
	answers := s.askMany(1, 1)
	for len(answers) < 200 && s.opened() == 0 {
		answers = append(answers, s.askMany(1, 1)...)
	}
	if n := calls(s.first); n > 20 {
		t.Errorf("the breaker opened after %d failures, want at most 20", n)
	}
	answers = append(answers, s.askMany(200-len(answers), 8)...)
	total := calls(s.first) + calls(s.second)
	t.Logf("%d calls for %d questions, %d of them to the broken provider", total, len(answers), calls(s.first))
	if n := by("second", answers); n != len(answers) {
		t.Errorf("%d of %d answers by the second provider", n, len(answers))
	}
	if float64(total) > 1.2*float64(len(answers)) {
		t.Errorf("%d calls for %d questions, want at most 1.2 each", total, len(answers))
	}
	s.first.Behave(llmsim.Config{})
	s.unseen()
}

func flakyProvider(t *testing.T) {
	const questions = 200
	s := newFaultyShop(t)
	steps := make([]llmsim.Step, 2*questions)
	for i := 9; i < len(steps); i += 10 {
		steps[i].Fault = "500"
	}
	script(t, s.first, steps...)
	answers := s.askMany(questions, 8)
	total := calls(s.first) + calls(s.second)
	t.Logf("%d calls for %d questions", total, len(answers))
	if n := by("offline", answers); n > 0 || s.opened() > 0 {
		t.Errorf("%d answers are degraded, the breaker opened %d times", n, s.opened())
	}
	if float64(total) > 1.15*questions {
		t.Errorf("%d calls for %d questions, want at most 1.15 each", total, questions)
	}
	script(t, s.first)
	s.unseen()
}

func refusedCalls(t *testing.T) {
	s := newFaultyShop(t)
	for _, tt := range []struct {
		fault    string
		calls    int // of the first provider
		provider string
	}{
		{"400", 1, "offline"}, // no other would take it
		{"401", 1, "second"},
		{"403", 1, "second"},
		{"404", 1, "second"},
		{"insufficient_quota", 1, "second"},
		{"content_policy_violation", 1, "second"},
		{"context_length_exceeded", 2, "second"},
	} {
		e2e.Eventually(t, "the first provider is asked", func() bool { return s.Ask(s.question()).Provider == "first" })
		script(t, s.first, slices.Repeat([]llmsim.Step{{Fault: tt.fault}}, 3)...)
		before := calls(s.first)
		question := "Compare the return shipping of a standard parcel and of an express parcel with " + tt.fault + ": which one costs more?"
		if a := s.Ask(question); a.Provider != tt.provider || !a.Grounded {
			t.Errorf("%s: %+v, want an answer by %s", tt.fault, a, tt.provider)
		}
		if n := calls(s.first) - before; n != tt.calls {
			t.Errorf("%s: %d calls, want %d", tt.fault, n, tt.calls)
		}
		script(t, s.first)
	}
	if n := s.opened(); n != 0 {
		t.Errorf("the breaker opened %d times", n)
	}
	s.unseen()
}

func hangingProvider(t *testing.T) {
	s := newFaultyShop(t, "KEFU_MODELS_TIMEOUT="+callLimit.String())
	var usual time.Duration
	for range 20 {
		began := time.Now()
		s.askMany(1, 1)
		usual = max(usual, time.Since(began))
	}
	limit := callLimit + usual + busy
	s.first.Behave(llmsim.Config{Hang: 1})

	began := time.Now()
	a := s.Ask(s.question())
	if took := time.Since(began); a.Provider != "second" || s.site.Late(took, limit) {
		t.Errorf("%+v after %v, want an answer of the second provider within %v", a, took, limit)
	}
	told, err := s.Stream(t.Context(), s.question(), nil)
	if err != nil || told.Done == nil || told.Done.Provider != "second" || s.site.Late(told.Took, limit) {
		t.Errorf("streamed: %+v %v, want an answer of the second provider within %v", told, err, limit)
	}
	s.givenUp()
	s.first.Behave(llmsim.Config{})
	s.unseen()
}

// busy is for a machine that does something else at the same time.
const busy = 250 * time.Millisecond * e2e.Slowdown

func nonsense(t *testing.T) {
	const questions = 99
	s := newFaultyShop(t)
	var steps []llmsim.Step
	for range questions {
		for _, fault := range []string{"html", "truncate", "error"} {
			steps = append(steps, llmsim.Step{Fault: fault, CutAfter: -1}, llmsim.Step{}, llmsim.Step{}) // the breaker stays closed
		}
	}
	script(t, s.first, steps...)
	answers := s.askMany(questions, 2)
	for range questions / 3 {
		told, err := s.Stream(t.Context(), s.question(), nil)
		if err != nil || told.Done == nil || told.Text != thirtyDays {
			t.Errorf("streamed: %+v %v, want an answer", told, err)
			continue
		}
		answers = append(answers, *told.Done)
	}
	if n := by("offline", answers); n > 0 {
		t.Errorf("%d of %d answers are degraded", n, len(answers))
	}
	if n := len(steps) - len(s.first.ScriptLeft()); n < questions {
		t.Errorf("the first provider was asked %d times", n)
	}
	script(t, s.first)
	s.unseen()
}

func noProvider(t *testing.T) {
	s := newFaultyShop(t)
	known := s.question()
	s.Ask(known)
	down := func(s *faultyShop) {
		s.first.Behave(llmsim.Config{Failures: llmsim.Failures{"500": 1}})
		s.second.Behave(llmsim.Config{Failures: llmsim.Failures{"503": 1}})
	}
	down(s)
	s.askMany(20, 8) // opens the breakers
	s.site.Promptly("99 % of the degraded answers", 200*time.Millisecond*e2e.Slowdown, s.degradedP99)
	if a := s.Ask(known); !a.CacheHit || a.Degraded {
		t.Errorf("asked before: %+v, want a hit", a)
	}

	bare := newFaultyShop(t, "KEFU_CHAINS_SIMPLE=first,second", "KEFU_CHAINS_COMPLEX=first,second")
	down(bare)
	resp, err := bare.Client.Post(bare.URL+"/query", "application/json", strings.NewReader(`{"question":"`+bare.question()+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("without the offline model: %s, Retry-After %q, want 503 and a time", resp.Status, resp.Header.Get("Retry-After"))
	}
	for _, shop := range []*faultyShop{s, bare} {
		shop.first.Behave(llmsim.Config{})
		shop.second.Behave(llmsim.Config{})
	}
	s.unseen()
}

// degradedP99 asks a hundred questions that only the offline model can answer.
func (s *faultyShop) degradedP99() time.Duration {
	s.t.Helper()
	took := make([]time.Duration, 100)
	s.each(len(took), 2, func(i int) {
		began := time.Now()
		a, err := s.TryAsk(s.t.Context(), s.question())
		took[i] = time.Since(began)
		if err != nil || !a.Degraded || !a.Grounded || a.Provider != "offline" || len(a.SourceDocuments) == 0 {
			s.t.Errorf("%+v %v, want a degraded answer with its sources", a, err)
		}
	})
	slices.Sort(took)
	return took[len(took)*99/100]
}

func probes(t *testing.T) {
	s := newFaultyShop(t)
	down := slowVendor(t, "fixed:200ms")
	down.Failures = llmsim.Failures{"500": 1}
	s.first.Behave(down)
	e2e.Eventually(t, "the breaker opens", func() bool {
		s.askMany(1, 1)
		return s.opened() > 0
	})
	opened := calls(s.first)
	e2e.Eventually(t, "the first provider was probed twice", func() bool {
		if n := by("second", s.askMany(20, 20)); n != 20 {
			t.Errorf("%d of 20 answers by the second provider", n)
		}
		return s.opened() > 2
	})
	probes := s.first.Log()[opened:]
	for i, p := range probes {
		ended := p.Time.Add(time.Duration(p.Milliseconds * float64(time.Millisecond)))
		beside := 1
		for _, other := range probes[i+1:] {
			switch after := other.Time.Sub(ended); {
			case after < 0:
				beside++
			case after > busy && after < coolDown-busy: // it had learned of the failure
				t.Errorf("a call %v after a probe had failed, want none within %v", after, coolDown)
			}
		}
		if beside > 3 {
			t.Errorf("%d probes at a time, want at most 3", beside)
		}
	}
	t.Logf("%d probes while the breaker opened %d times", len(probes), s.opened())
	s.first.Behave(llmsim.Config{})
	s.unseen()
}

// script sets what happens to the next calls of a vendor.
func script(t *testing.T, v *e2e.Vendor, steps ...llmsim.Step) {
	t.Helper()
	if err := v.Script(steps...); err != nil {
		t.Fatal(err)
	}
}
