package gateway

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/llm"
)

func TestLimitsOfAnAttempt(t *testing.T) {
	hang := outcome{after: time.Hour, deltas: []string{"late"}}
	tests := []struct {
		name     string
		stream   bool
		deadline time.Duration // 0: none
		want     time.Duration
		cause    error
	}{
		{"a whole reply has 30 s", false, 0, 30 * time.Second, errSlow},
		{"the first delta has 10 s", true, 0, 10 * time.Second, errSlow},
		{"a deadline ends it 100 ms sooner", false, 20 * time.Second, 20*time.Second - 100*time.Millisecond, errSlow},
		{"a near deadline is no fault of the provider", false, 10 * time.Second, 10*time.Second - 100*time.Millisecond, llm.ErrNoTime},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				g := gatewayOf(t, r, paid("acme", small, provider(hang)))
				a := grant(r)
				if tt.deadline > 0 {
					a = grant(r, within(tt.deadline))
				}
				c := question(a)
				c.Stream = tt.stream
				begin := time.Now()
				_, err := g.Start(t.Context(), c)
				if took := time.Since(begin); took != tt.want {
					t.Errorf("gave up after %s, want %s", took, tt.want)
				}
				if llm.KindOf(err) != llm.TimedOut || !errors.Is(err, tt.cause) {
					t.Errorf("Start = %v, want timed out by %v", err, tt.cause)
				}
			})
		})
	}
}

func TestATargetMayHaveALimitOfItsOwn(t *testing.T) {
	for _, stream := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			slow := paid("acme", small, provider(outcome{after: time.Hour, deltas: []string{"late"}}))
			slow.Timeout = time.Minute
			c := question(grant(r))
			c.Stream = stream
			begin := time.Now()
			_, err := gatewayOf(t, r, slow).Start(t.Context(), c)
			if took := time.Since(begin); took != time.Minute || llm.KindOf(err) != llm.TimedOut {
				t.Errorf("stream %v: Start = %v after %s, want timed out after 1m", stream, err, took)
			}
		})
	}
}

func TestASilentStreamEndsAfterItsIdleLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := gatewayOf(t, r, paid("acme", small, provider(outcome{deltas: []string{"a", "b"}, pause: time.Minute})))
		c := question(grant(r))
		c.Stream = true
		reply, err := g.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Close()
		begin := time.Now()
		text, err := reply.Text()
		if text != "a" || llm.KindOf(err) != llm.TimedOut || time.Since(begin) != 15*time.Second {
			t.Errorf("Text = %q, %v after %s, want timed out after 15 s", text, err, time.Since(begin))
		}
	})
}

func TestASlowReaderIsNotASilentStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := gatewayOf(t, r, paid("acme", small, provider(outcome{deltas: []string{"a", "b", "c"}, pause: 14 * time.Second})))
		c := question(grant(r))
		c.Stream = true
		reply, err := g.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		reply.Next()
		time.Sleep(time.Hour)
		if text, err := reply.Text(); text != "bc" || err != nil {
			t.Errorf("Text = %q, %v", text, err)
		}
	})
}

func TestAStreamMayUseTheWholeDeadlineAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		drip := outcome{deltas: make([]string, 1000), pause: time.Second}
		g := gatewayOf(t, r, paid("acme", small, provider(drip)), offline(provider(answers("quote"))))
		c := question(grant(r, within(20*time.Second+time.Millisecond)))
		c.Stream = true
		begin := time.Now()
		reply, err := g.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		_, err = reply.Text()
		if took := time.Since(begin); llm.KindOf(err) != llm.TimedOut || took != 20*time.Second+time.Millisecond {
			t.Errorf("Text = %v after %s, want timed out at the deadline", err, took)
		}
	})
}

func TestTheLimitEndsTheProvidersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g := gatewayOf(t, r, paid("acme", small, provider(answers("x"))))
		var inner context.Context
		g.chains[llm.Cheap].paid[0].deployments[0].decorated = timed{
			next: providerFunc(func(ctx context.Context, _ llm.Call) (*llm.Reply, error) {
				inner = ctx
				return nil, wait(ctx, time.Hour)
			}),
			limits: Timeouts{}.withDefaults(),
		}
		g.Start(t.Context(), question(grant(r)))
		if inner.Err() == nil {
			t.Error("the provider's context outlived the attempt")
		}
	})
}

type providerFunc func(context.Context, llm.Call) (*llm.Reply, error)

func (f providerFunc) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) { return f(ctx, c) }

func TestAFirstDeltaThatMeetsItsLimitIsTooLate(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			p := provider(outcome{after: 10 * time.Second, deltas: []string{"late"}})
			c := question(grant(r))
			c.Stream = true
			reply, err := gatewayOf(t, r, paid("acme", small, p)).Start(t.Context(), c)
			if err == nil {
				_, err = reply.Text()
			}
			if err != nil && llm.KindOf(err) != llm.TimedOut {
				t.Errorf("Start = %v, want an answer or timed out", err)
			}
		})
	}
}
