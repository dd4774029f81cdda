package main_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

func slowVendor(t *testing.T, latency string) llmsim.Config {
	t.Helper()
	var c llmsim.Config
	if err := c.Latency.UnmarshalText([]byte(latency)); err != nil {
		t.Fatal(err)
	}
	return c
}

func identicalQuestions(t *testing.T) {
	for name, question := range map[string]string{"simple": simpleEN, "complex": complexZH} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor := e2e.NewVendor(t, llmsim.Config{})
			server := newShop(t, vendor.Env()...).Serve()
			before := vendor.Calls("/embeddings")
			vendor.Behave(slowVendor(t, "fixed:500ms"))

			var asked sync.WaitGroup
			answers := make([]e2e.Answer, 500)
			for i := range answers {
				asked.Go(func() {
					var err error
					if answers[i], err = server.TryAsk(t.Context(), question); err != nil {
						t.Error(err)
					}
				})
			}
			asked.Wait()
			for _, a := range answers {
				if a.Answer != answers[0].Answer || !a.Grounded || a.Degraded {
					t.Fatalf("answer = %+v, want that of the others: %+v", a, answers[0])
				}
			}
			if n := vendor.Calls("/chat/completions"); n != 1 {
				t.Errorf("%d calls of the model, want 1", n)
			}
			if n := vendor.Calls("/embeddings") - before; n > 1 {
				t.Errorf("%d calls of the embedder, want at most 1", n)
			}
			if code := server.Stop(); code != 0 {
				t.Errorf("exit status %d", code)
			}
			healthy(t, server.Log)
		})
	}
}

func TestACallerWhoLeavesFailsNobodyElse(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := newShop(t, vendor.Env()...).Serve()
	vendor.Hold(0)

	leaderCtx, leave := context.WithCancel(t.Context())
	var gone, asked sync.WaitGroup
	gone.Go(func() {
		if _, err := server.TryAsk(leaderCtx, simpleEN); !errors.Is(err, context.Canceled) {
			t.Errorf("the one who left: %v", err)
		}
	})
	e2e.Eventually(t, "the question is at the provider", func() bool { return vendor.Held() == 1 })
	for range 20 {
		asked.Go(func() {
			if a, err := server.TryAsk(t.Context(), simpleEN); err != nil || !a.Grounded || a.Degraded {
				t.Errorf("one who stayed: %+v %v", a, err)
			}
		})
	}
	e2e.Eventually(t, "the others are aboard", func() bool {
		_, metrics := server.Get("/metrics")
		return sample(metrics, "http_requests_in_flight") >= 21
	})
	leave()
	gone.Wait()
	vendor.LetGo()
	asked.Wait()
	if n := vendor.Calls("/chat/completions"); n != 1 {
		t.Errorf("%d calls of the model, want 1", n)
	}
}

func TestTheLastCallerWhoLeavesStopsTheSpending(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := newShop(t, vendor.Env()...).Serve()
	vendor.Behave(llmsim.Config{Hang: 1})
	ctx, leave := context.WithCancel(t.Context())
	var asked sync.WaitGroup
	asked.Go(func() {
		if _, err := server.TryAsk(ctx, simpleEN); !errors.Is(err, context.Canceled) {
			t.Errorf("the one who left: %v", err)
		}
	})
	e2e.Eventually(t, "the question is at the provider", func() bool { return vendor.Stats().InFlight > 0 })
	leave()
	asked.Wait()
	e2e.Eventually(t, "the call has been given up", func() bool { return vendor.Stats().InFlight == 0 })
	if n := vendor.Calls("/chat/completions"); n != 1 {
		t.Errorf("%d calls of the model, want 1 and no other one after it", n)
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}
