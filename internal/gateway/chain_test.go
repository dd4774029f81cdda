package gateway

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

func TestTheFirstTargetAnswers(t *testing.T) {
	r := &recorder{}
	first, second := provider(answers("hello")), provider(answers("no"))
	g := gatewayOf(t, r, paid("acme", small, first), paid("acme", large, second), offline(provider(answers("quote"))))
	reply, text := mustText(t, g, question(grant(r)))
	if text != "hello" || reply.Provider != "acme" || reply.Model != small || reply.Degraded {
		t.Errorf("reply = %q by %s/%s, degraded %t", text, reply.Provider, reply.Model, reply.Degraded)
	}
	if second.count() != 0 || len(r.heard()) != 0 {
		t.Errorf("second target was called %d times, events %v", second.count(), r.heard())
	}
	if c := first.calls[0]; c.Model != small || c.MaxTokens != 1024 {
		t.Errorf("call = model %s, max tokens %d", c.Model, c.MaxTokens)
	}
}

// What follows from a failure of the first target. The chain is small and
// large of acme, the third of another provider, then the last resort.
func TestWhatFollowsFromAFailure(t *testing.T) {
	tests := []struct {
		kind  llm.FailureKind
		calls [3]int // of small, large, third
		by    string
	}{
		{llm.RateLimited, [3]int{2, 1, 0}, large},
		{llm.Unavailable, [3]int{2, 1, 0}, large},
		{llm.Cut, [3]int{2, 1, 0}, large},
		{llm.TimedOut, [3]int{1, 1, 0}, large},
		{llm.InvalidReply, [3]int{1, 1, 0}, large},
		{llm.ModelGone, [3]int{1, 1, 0}, large},
		{llm.Unknown, [3]int{1, 1, 0}, large},
		{llm.ContextTooLong, [3]int{2, 1, 0}, large},
		{llm.Unauthorised, [3]int{1, 0, 1}, third},
		{llm.QuotaExhausted, [3]int{1, 0, 1}, third},
		{llm.Unreachable, [3]int{1, 0, 1}, third},
		{llm.Refused, [3]int{1, 0, 1}, third},
		{llm.BadRequest, [3]int{1, 0, 0}, "extractive"},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				a, b, c := provider(fails(tt.kind)), provider(answers("b")), provider(answers("c"))
				g := gatewayOf(t, r, paid("acme", small, a), paid("acme", large, b), paid("other", third, c), offline(provider(answers("quote"))))
				call := question(grant(r))
				call.Prompt.Sources = make([]desk.Passage, 4)
				reply, _ := mustText(t, g, call)
				if got := [3]int{a.count(), b.count(), c.count()}; got != tt.calls || reply.Model != tt.by {
					t.Errorf("calls = %v, answered by %s, want %v and %s", got, reply.Model, tt.calls, tt.by)
				}
				if reply.Degraded != (tt.by == "extractive") {
					t.Errorf("degraded = %t", reply.Degraded)
				}
				if n := len(r.ended); n != len(r.attempts) || n != tt.calls[0]+tt.calls[1]+tt.calls[2]+map[bool]int{true: 1}[reply.Degraded] {
					t.Errorf("%d rows in the ledger, %d observations of calls %v", n, len(r.attempts), tt.calls)
				}
			})
		})
	}
}

func TestThreeTargetsNeverBecomeTwelveCalls(t *testing.T) {
	for attempts := 1; attempts <= 12; attempts++ {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			down := []*fake{provider(fails(llm.Unavailable)), provider(fails(llm.Unavailable)), provider(fails(llm.Unavailable))}
			g := gatewayOf(t, r, paid("a", small, down[0]), paid("b", large, down[1]), paid("c", third, down[2]), offline(provider(answers("quote"))))
			a := grant(r, func(g *llm.Grant) { g.Attempts = attempts })
			reply, text := mustText(t, g, question(a))
			if text != "quote" || !reply.Degraded {
				t.Errorf("reply = %q, degraded %t", text, reply.Degraded)
			}
			total := down[0].count() + down[1].count() + down[2].count()
			if want := min(attempts, 9); total != want {
				t.Errorf("%d calls under an allowance of %d, want %d", total, attempts, want)
			}
			if attempts >= 3 && down[2].count() == 0 {
				t.Error("retries left no attempt to the last target")
			}
			if len(r.begun) != total {
				t.Errorf("%d intents for %d calls", len(r.begun), total)
			}
		})
	}
}

func TestRetriesWaitLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		p := provider(fails(llm.Unavailable), fails(llm.Unavailable), answers("at last"))
		begin := time.Now()
		mustText(t, gatewayOf(t, r, paid("acme", small, p)), question(grant(r)))
		if took := time.Since(begin); took >= 3*time.Second {
			t.Errorf("two retries took %s, want below 1 s + 2 s", took)
		}
		equal(t, "events", r.heard(), []string{"retry acme unavailable", "retry acme unavailable"})
	})
	s := time.Second
	for _, tt := range []struct {
		config Config
		limits []time.Duration
	}{
		{Config{}, []time.Duration{s, 2 * s, 4 * s, 8 * s, 8 * s}},
		{Config{Backoff: 2 * s, Factor: 3, MaxBackoff: 60 * s}, []time.Duration{2 * s, 6 * s, 18 * s, 54 * s, 60 * s}},
	} {
		for n, limit := range tt.limits {
			seen := map[bool]bool{}
			for range 200 {
				wait := tt.config.withDefaults().backoff(n)
				if wait < 0 || wait >= limit {
					t.Fatalf("backoff before retry %d = %s, want below %s", n, wait, limit)
				}
				seen[wait < limit/2] = true
			}
			if len(seen) != 2 {
				t.Errorf("backoff before retry %d is not spread over [0, %s)", n, limit)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	limited := func(after time.Duration) outcome {
		return outcome{err: &llm.Failure{Kind: llm.RateLimited, RetryAfter: after}}
	}
	tests := []struct {
		name     string
		after    time.Duration
		deadline time.Duration
		retried  bool
	}{
		{"is waited for", 5 * time.Second, time.Minute, true},
		{"is not waited for beyond the deadline", 5 * time.Second, 5 * time.Second, false},
		{"is not waited for when it is too long", 9 * time.Second, time.Minute, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				p := provider(limited(tt.after), answers("hello"))
				g := gatewayOf(t, r, paid("acme", small, p), offline(provider(answers("quote"))))
				begin := time.Now()
				reply, _ := mustText(t, g, question(grant(r, within(tt.deadline))))
				took := time.Since(begin)
				if tt.retried != (p.count() == 2) || reply.Degraded == tt.retried {
					t.Errorf("%d calls, degraded %t", p.count(), reply.Degraded)
				}
				if tt.retried && took < tt.after || !tt.retried && took > 0 {
					t.Errorf("took %s with Retry-After %s", took, tt.after)
				}
			})
		})
	}
}

func TestNobodyWaitsForOneTargetWhileAnotherCouldAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		limited := provider(outcome{err: &llm.Failure{Kind: llm.RateLimited, RetryAfter: 5 * time.Second}})
		begin := time.Now()
		reply, _ := mustText(t, gatewayOf(t, r, paid("acme", small, limited), paid("rival", large, provider(answers("b")))), question(grant(r)))
		if took := time.Since(begin); reply.Provider != "rival" || took > 0 {
			t.Errorf("answered by %s after %s", reply.Provider, took)
		}
	})
}

func TestTheLastResortAnswersWhateverIsUsedUp(t *testing.T) {
	tests := []struct {
		name  string
		grant func(*llm.Grant)
		calls int
	}{
		{"attempts", func(g *llm.Grant) { g.Attempts = 0 }, 0},
		{"time", within(50 * time.Millisecond), 0},
		{"money", func(g *llm.Grant) { g.Capped, g.Held = true, 1 }, 0},
		{"nothing but the patience with a hanging provider", within(5 * time.Second), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				p := provider(outcome{after: time.Hour, deltas: []string{"late"}})
				g := gatewayOf(t, r, paid("acme", small, p), offline(provider(answers("quote"))))
				begin := time.Now()
				a := grant(r, tt.grant)
				reply, text := mustText(t, g, question(a))
				if text != "quote" || !reply.Degraded || reply.Provider != "offline" || p.count() != tt.calls {
					t.Errorf("reply = %q by %s after %d calls", text, reply.Provider, p.count())
				}
				if d := a.Deadline(); !d.IsZero() && time.Now().After(d) {
					t.Errorf("answered %s after the question, past the deadline", time.Since(begin))
				}
			})
		})
	}
}

func TestTheLastResortAnswersAfterTheDeadlineOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := gatewayOf(t, r, paid("acme", small, provider(outcome{after: time.Hour})), offline(provider(answers("quote"))))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		reply, err := g.Start(ctx, question(grant(r)))
		if err != nil || !reply.Degraded {
			t.Errorf("Start = %v, want the last resort", err)
		}
	})
}

func TestACallerWhoLeftGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, script := range []outcome{{after: time.Hour}, fails(llm.Unavailable)} {
			r := &recorder{}
			last, next := provider(answers("quote")), provider(answers("b"))
			g := New(Config{Prices: prices(t), Backoff: time.Hour, MaxBackoff: time.Hour},
				map[llm.Tier][]Target{llm.Cheap: {paid("acme", small, provider(script)), paid("acme", large, next), offline(last)}}, r)
			ctx, leave := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, leave)
			_, err := g.Start(ctx, question(grant(r)))
			if llm.KindOf(err) != llm.Cancelled || last.count() != 0 || next.count() != 0 {
				t.Errorf("Start = %v, want cancelled and no further call", err)
			}
		}
	})
}

func TestALastResortAloneIsNotDegraded(t *testing.T) {
	r := &recorder{}
	reply, _ := mustText(t, gatewayOf(t, r, offline(provider(answers("quote")))), question(grant(r)))
	if reply.Degraded || len(r.heard()) != 0 {
		t.Errorf("degraded = %t, events %v", reply.Degraded, r.heard())
	}
	if len(r.begun) != 0 || len(r.ended) != 1 || r.ended[0].Cost != 0 || !r.ended[0].Priced {
		t.Errorf("ledger: begun %v, ended %+v, want one free end", r.begun, r.ended)
	}
}

func TestATargetNamedTwiceInAChainIsTriedOnce(t *testing.T) {
	r := &recorder{}
	p := provider(fails(llm.InvalidReply))
	g := gatewayOf(t, r, paid("acme", small, p), paid("acme", small, p), offline(provider(answers("quote"))))
	mustText(t, g, question(grant(r)))
	if p.count() != 1 {
		t.Errorf("%d calls, want 1", p.count())
	}
}

func TestTheFailureThatIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := gatewayOf(t, r, paid("acme", small, provider(fails(llm.Unavailable))))
		a := grant(r, func(g *llm.Grant) { g.Attempts = 1 })
		if _, err := g.Start(t.Context(), question(a)); llm.KindOf(err) != llm.Unavailable {
			t.Errorf("Start = %v, want the failure that used up the attempts", err)
		}
		if _, err := g.Start(t.Context(), question(a)); !errors.Is(err, llm.ErrNoAttempts) {
			t.Errorf("Start without attempts = %v", err)
		}
		c := question(grant(r))
		c.Tier = llm.Strong
		if _, err := g.Start(t.Context(), c); !errors.Is(err, ErrNoTarget) {
			t.Errorf("Start of an empty tier = %v, want ErrNoTarget", err)
		}
	})
}

func TestCallsMayAskForAModelOrProvider(t *testing.T) {
	tests := []struct {
		name            string
		model, provider string
		by              string
		code            string
	}{
		{"nothing", "", "", small, ""},
		{"a model of the tier", large, "", large, ""},
		{"a model of another tier", third, "", third, ""},
		{"a provider", "", "other", third, ""},
		{"both", third, "other", third, ""},
		{"the last resort by model", "extractive", "", "extractive", ""},
		{"the last resort by provider", "", "offline", "extractive", ""},
		{"an unknown model", "gpt-9", "", "", "unknown_model"},
		{"a model by its name in the configuration", "second", "", third, ""},
		{"an unknown provider", "", "nobody", "", "unknown_provider"},
		{"a model of another provider", small, "other", "", "unknown_model"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			ok := func() llm.Provider { return provider(answers("x")) }
			second := paid("other", third, ok())
			second.Name = "second"
			g := New(Config{Prices: prices(t)}, map[llm.Tier][]Target{
				llm.Cheap:  {paid("acme", small, ok()), paid("acme", large, ok()), offline(ok())},
				llm.Strong: {second, offline(ok())},
			}, r)
			c := question(grant(r))
			c.Model, c.Provider = tt.model, tt.provider
			reply, err := g.Start(t.Context(), c)
			if tt.code != "" {
				var e *desk.Error
				if !errors.As(err, &e) || e.Code != tt.code || e.Kind != desk.Invalid || e.Code != "unknown_"+e.Field {
					t.Errorf("Start = %+v, want %s", err, tt.code)
				}
				return
			}
			if err != nil || reply.Model != tt.by || reply.Degraded {
				t.Errorf("Start = %+v, %v, want %s", reply, err, tt.by)
			}
		})
	}
}

func TestARestrictedCallStillHasTheLastResort(t *testing.T) {
	r := &recorder{}
	g := gatewayOf(t, r, paid("acme", small, provider(fails(llm.Unreachable))), paid("other", large, provider(answers("b"))), offline(provider(answers("quote"))))
	c := question(grant(r))
	c.Provider = "acme"
	if reply, text := mustText(t, g, c); text != "quote" || !reply.Degraded {
		t.Errorf("reply = %q by %s, want the last resort and no other provider", text, reply.Provider)
	}
	equal(t, "events", r.heard(), []string{"fallback gpt-4o-mini extractive unreachable"})
}

func TestModelsAreListedByTier(t *testing.T) {
	p := provider(answers("x"))
	g := New(Config{Prices: prices(t)}, map[llm.Tier][]Target{
		llm.Strong: {paid("acme", large, p), offline(p)},
		llm.Cheap:  {paid("acme", small, p), paid("acme", large, p), offline(p)},
	}, &recorder{})
	want := []Model{
		{small, "acme", llm.Cheap},
		{large, "acme", llm.Cheap},
		{"extractive", "offline", llm.Cheap},
		{large, "acme", llm.Strong},
		{"extractive", "offline", llm.Strong},
	}
	if got := g.Models(); !slices.Equal(got, want) {
		t.Errorf("Models = %v, want %v", got, want)
	}
}

func TestEveryFailureLeavesTheTargetInTheEnd(t *testing.T) {
	failures := []error{ErrOpen, ErrCooling, ErrLimit, llm.ErrNoMoney, llm.ErrNoPrice, llm.ErrNoLedger, llm.ErrNoAttempts}
	for _, kind := range llm.FailureKinds {
		failures = append(failures, &llm.Failure{Kind: kind})
	}
	for _, err := range failures {
		steps := decide(err)
		for i, s := range steps {
			if last := i == len(steps)-1; last != (s >= otherModel) {
				t.Errorf("steps after %v = %v, want only the last to leave the target", err, steps)
			}
		}
	}
}
