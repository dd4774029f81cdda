package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/telemetry"
)

// observe makes everything happen that is told, once.
func observe(tel *telemetry.Telemetry) {
	ctx := context.WithValue(context.Background(), requestKey{}, "req_1")
	_, end := tel.Attempt(ctx, "openai", "gpt-6-luna", desk.PurposeAnswer)
	end(attempt())
	tel.Decided(ctx, desk.Decision{Step: desk.StepFallback, Provider: "openai", From: "gpt-6-luna", To: "claude-haiku-5-5", Reason: "rate_limited"})
	tel.CacheLookup(desk.TierMemory, "hit", time.Microsecond)
	tel.Routed(desk.Route{Kind: desk.Complex, Reason: "steps"}, time.Millisecond)
	tel.Answered("acme", desk.Answer{ID: "ans_1", Outcome: desk.Abstained, Lang: desk.Chinese, CacheTier: desk.TierMemory, Cost: 410, Text: "a secret", Handoff: &desk.Handoff{Reason: desk.HandoffNoAnswer}})
	tel.Budgeted(desk.SubjectKey, "refused")
	tel.RateLimited("key", "requests")
	tel.Guarded(desk.Verdict{Stage: "question", Rule: "override", Action: desk.Refuse})
	tel.Guarded(desk.Verdict{Stage: "question", Action: desk.Allow})
	tel.ToolUsed(desk.ToolUse{Tool: "order", Outcome: desk.ToolDone, Duration: time.Second})
}

func TestListenersAreToldWhatHappensAndHowThingsStand(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	tel.Breaker("openai", "gpt-6-luna", 1, "open")
	tel.Published(3, 0, 9, 4)
	tel.Published(3, 0, 9, 5)
	observe(tel) // nobody listens
	events, stop, err := tel.Listen()
	if err != nil {
		t.Fatal(err)
	}
	observe(tel)
	stop()
	stop() // is harmless
	observe(tel)
	var got []string
	for e := range events {
		if e.At.IsZero() {
			t.Errorf("%s has no time", e.Kind)
		}
		e.At = time.Time{}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(e.Kind)+" "+strings.Replace(string(text), `"at":"0001-01-01T00:00:00Z",`, "", 1))
	}
	want := []string{
		`breaker {"provider":"openai","model":"gpt-6-luna","deployment":1,"state":"open"}`,
		`publish {"documents":3,"chunks":9,"revision":5}`,
		`attempt {`,
		`decision {"request_id":"req_1","provider":"openai","step":"fallback","from":"gpt-6-luna","to":"claude-haiku-5-5","reason":"rate_limited"}`,
		`cache {"outcome":"hit","tier":"memory","latency_ms":0.001}`,
		`route {"reason":"steps","route":"complex","latency_ms":1}`,
		`answer {"tenant":"acme","answer_id":"ans_1","outcome":"abstained","reason":"no_answer","tier":"memory","lang":"zh","saved_usd":0.00041}`,
		`budget {"outcome":"refused"}`,
		`refused {"reason":"requests"}`,
		`guard {"name":"question","outcome":"refuse","reason":"override"}`,
		`tool {"name":"other","outcome":"done","latency_ms":1000}`,
	}
	if len(got) != len(want) {
		t.Fatalf("events = %v, want %d", got, len(want))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("event %d = %s, want %s", i, got[i], want[i])
		}
	}
	if strings.Contains(strings.Join(got, ""), "secret") {
		t.Errorf("a text was told: %v", got)
	}
}

func TestASlowListenerIsDroppedAndNoMoreThanSixteenListen(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	slow, stop, err := tel.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for range 300 {
		tel.RateLimited("key", "requests")
	}
	n := 0
	for range slow { // is closed
		n++
	}
	if n != 256 {
		t.Errorf("read %d events, want those that it was kept for", n)
	}
	for range 16 {
		_, stop, err := tel.Listen()
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
	}
	var full *desk.Error
	if _, _, err := tel.Listen(); !errors.As(err, &full) || full.Code != "too_many_listeners" || full.RetryAfter == 0 {
		t.Errorf("the 17th = %v", err)
	}
}

func TestWithoutAListenerAnEventAllocatesNothing(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	a := desk.Answer{ID: "ans_1", Outcome: desk.Answered, Lang: desk.English}
	if n := testing.AllocsPerRun(1000, func() {
		tel.CacheLookup(desk.TierMemory, "miss", time.Microsecond)
		tel.Routed(desk.Route{Kind: desk.Simple}, time.Microsecond)
		tel.Answered("acme", a)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
