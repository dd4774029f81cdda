package gateway

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/llm"
)

func TestATargetIsLeftAloneWhileItCools(t *testing.T) {
	asks := func(kind llm.FailureKind, wait time.Duration) outcome {
		return outcome{err: &llm.Failure{Kind: kind, RetryAfter: wait}}
	}
	tests := []struct {
		name  string
		first outcome
		lasts time.Duration // 0: not at all
	}{
		{"for as long as a rate limit asks", asks(llm.RateLimited, 20*time.Second), 20 * time.Second},
		{"for as long as an overloaded vendor asks", asks(llm.Unavailable, 9*time.Second), 9 * time.Second},
		{"not for hours", asks(llm.QuotaExhausted, 24*time.Hour), 5 * time.Minute},
		{"when its quota is used up", fails(llm.QuotaExhausted), 30 * time.Second},
		{"when its key is refused", fails(llm.Unauthorised), 30 * time.Second},
		{"not when it asks for nothing", fails(llm.InvalidReply), 0},
		{"not for what the question did", asks(llm.BadRequest, time.Minute), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				limited, other := provider(tt.first, answers("back")), provider(answers("other"))
				g := gatewayOf(t, r, paid("acme", small, limited), paid("rival", large, other), offline(provider(answers("quote"))))
				ask(t, g, r)
				time.Sleep(max(0, tt.lasts-time.Millisecond))
				begin := time.Now()
				for range 20 {
					reply, _ := mustText(t, g, question(grant(r)))
					if cooling := reply.Provider == "rival"; cooling != (tt.lasts > 0) || reply.Degraded {
						t.Fatalf("answered by %s, degraded %t", reply.Provider, reply.Degraded)
					}
				}
				if took := time.Since(begin); took > 0 || tt.lasts > 0 && limited.count() != 1 {
					t.Errorf("%d calls while cooling, 20 questions took %s", limited.count()-1, took)
				}
				time.Sleep(time.Millisecond)
				if reply, _ := mustText(t, g, question(grant(r))); reply.Provider != "acme" {
					t.Errorf("answered by %s after the wait", reply.Provider)
				}
			})
		})
	}
}

func TestAShorterWaitDoesNotEndALongerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newCooled(provider(answers("x")), time.Second)
		d.learn(&llm.Failure{Kind: llm.RateLimited, RetryAfter: time.Minute})
		d.learn(&llm.Failure{Kind: llm.RateLimited, RetryAfter: time.Second})
		time.Sleep(59 * time.Second)
		_, err := d.Start(t.Context(), llm.Call{})
		if !errors.Is(err, ErrCooling) || llm.KindOf(err) != llm.RateLimited || retryAfter(err) != time.Second {
			t.Errorf("Start = %v, want a second more", err)
		}
	})
}
