package llm

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
)

// memoryLedger keeps rows; err is what Begin returns.
type memoryLedger struct {
	mu           sync.Mutex
	begun, ended []desk.Attempt
	err          error
}

func (l *memoryLedger) Begin(_ context.Context, a desk.Attempt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = append(l.begun, a)
	return l.err
}

func (l *memoryLedger) Note(a desk.Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = append(l.begun, a)
}

func (l *memoryLedger) End(a desk.Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = append(l.ended, a)
}

func intent(worst desk.MicroUSD) Intent {
	return Intent{Provider: "acme", Model: "m", Purpose: desk.PurposeAnswer, Worst: worst, Priced: true}
}

func TestBeginRefuses(t *testing.T) {
	unpriced := intent(0)
	unpriced.Priced = false
	tests := []struct {
		name   string
		grant  Grant
		intent Intent
		want   error
	}{
		{"when no attempt is left", Grant{Attempts: 0}, intent(1), ErrNoAttempts},
		{"after the deadline", Grant{Attempts: 1, Deadline: time.Now().Add(-time.Second)}, intent(1), ErrNoTime},
		{"an unpriced model under a budget", Grant{Attempts: 1, Held: 10, Capped: true}, unpriced, ErrNoPrice},
		{"a worst case above the money held", Grant{Attempts: 1, Held: 10, Capped: true}, intent(11), ErrNoMoney},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ledger := &memoryLedger{}
			_, err := NewAllowance(tt.grant, ledger).Begin(t.Context(), tt.intent)
			if !errors.Is(err, tt.want) || KindOf(err) != Exhausted {
				t.Errorf("Begin = %v, want an exhausted failure by %v", err, tt.want)
			}
			if len(ledger.begun) != 0 {
				t.Error("a refused attempt reached the ledger")
			}
		})
	}
}

func TestWithoutACapNeitherPriceNorMoneyBinds(t *testing.T) {
	a := NewAllowance(Grant{Attempts: 2}, &memoryLedger{})
	for _, in := range []Intent{intent(1_000_000), {Provider: "acme", Model: "unpriced"}} {
		if _, err := a.Begin(t.Context(), in); err != nil {
			t.Errorf("Begin = %v", err)
		}
	}
}

func TestEndGivesBackWhatWasNotSpent(t *testing.T) {
	a := NewAllowance(Grant{Attempts: 3, Held: 100, Capped: true}, &memoryLedger{})
	first, err := a.Begin(t.Context(), intent(80))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Begin(t.Context(), intent(80)); !errors.Is(err, ErrNoMoney) {
		t.Fatalf("Begin while 80 of 100 are drawn = %v, want ErrNoMoney", err)
	}
	first.End(desk.Usage{}, 20, 0, nil)
	if _, err := a.Begin(t.Context(), intent(80)); err != nil {
		t.Errorf("Begin after 60 came back = %v", err)
	}
	if _, err := a.Begin(t.Context(), intent(1)); !errors.Is(err, ErrNoMoney) {
		t.Errorf("Begin beyond the money held = %v, want ErrNoMoney", err)
	}
}

func TestAFailingLedgerStopsOnlyABudgetedAnswer(t *testing.T) {
	broken := errors.New("disk full")
	capped := NewAllowance(Grant{Attempts: 1, Held: 10, Capped: true}, &memoryLedger{err: broken})
	_, err := capped.Begin(t.Context(), intent(10))
	if KindOf(err) != Unavailable || !errors.Is(err, ErrNoLedger) || !errors.Is(err, broken) {
		t.Errorf("capped Begin = %v, want an unavailable failure by ErrNoLedger", err)
	}
	if capped.Left() != 1 {
		t.Errorf("attempts left = %d, want the attempt back", capped.Left())
	}
	if _, err := NewAllowance(Grant{Attempts: 1}, &memoryLedger{err: broken}).Begin(t.Context(), intent(1)); err != nil {
		t.Errorf("uncapped Begin = %v", err)
	}
}

func TestAnAttemptIsRecordedTwiceWithOneID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &memoryLedger{}
		a := NewAllowance(Grant{Answer: "ans_1", Tenant: "t", Attempts: 1}, ledger)
		at, err := a.Begin(t.Context(), intent(9))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		row := at.End(desk.Usage{Prompt: 3, Completion: 2}, 4, 11, &Failure{Kind: Cut, Provider: "openai", Model: "m", Status: 200, Err: errors.New("stream ended")})
		if len(ledger.ended) != 1 || ledger.ended[0] != row || ledger.begun[0].ID != row.ID {
			t.Fatalf("ledger = %+v, want begin and end of one id", ledger)
		}
		if row.Latency != time.Second || row.Failure != "cut" || row.Cause != "openai/m: cut (HTTP 200): stream ended" || row.Number != 1 || row.ResponseLength != 11 {
			t.Errorf("row = %+v", row)
		}
		if got := a.Attempts(); len(got) != 1 || got[0] != row {
			t.Errorf("Attempts = %+v", got)
		}
	})
}

func TestAnAttemptThatFailsUnknownStillHasItsCause(t *testing.T) {
	a := NewAllowance(Grant{Attempts: 1}, &memoryLedger{})
	at, err := a.Begin(t.Context(), intent(1))
	if err != nil {
		t.Fatal(err)
	}
	if row := at.End(desk.Usage{}, 0, 0, errors.New("broken pipe")); row.Failure != "unknown" || row.Cause != "broken pipe" {
		t.Errorf("row = %+v", row)
	}
}

func TestAFreeAttemptNeedsNothingAndIsStillRecorded(t *testing.T) {
	ledger := &memoryLedger{err: errors.New("down")}
	a := NewAllowance(Grant{Attempts: 0, Deadline: time.Now().Add(-time.Hour), Capped: true}, ledger)
	a.Free(Intent{Provider: "offline", Model: "x"}).End(desk.Usage{Prompt: 1}, 0, 5, nil)
	if len(ledger.begun) != 0 || len(ledger.ended) != 1 || !ledger.ended[0].Priced {
		t.Errorf("ledger = %+v, want one priced end", ledger)
	}
	if len(a.Attempts()) != 1 {
		t.Error("a free attempt is missing from the trace")
	}
}

func TestConcurrentAttemptsNeverExceedTheAllowance(t *testing.T) {
	a := NewAllowance(Grant{Attempts: 50, Held: 100, Capped: true}, &memoryLedger{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	begun := 0
	for range 200 {
		wg.Go(func() {
			at, err := a.Begin(t.Context(), intent(10))
			if err != nil {
				return
			}
			mu.Lock()
			begun++
			mu.Unlock()
			at.End(desk.Usage{}, 10, 0, nil)
		})
	}
	wg.Wait()
	if begun != 10 {
		t.Errorf("%d attempts of 10 each began on 100 held, want 10", begun)
	}
	seen := map[int]bool{}
	for _, row := range a.Attempts() {
		if seen[row.Number] {
			t.Errorf("number %d was given twice", row.Number)
		}
		seen[row.Number] = true
	}
}

func TestTokensAreHeldAndGivenBackLikeMoney(t *testing.T) {
	a := NewAllowance(Grant{Attempts: 3, HeldTokens: 100, TokensCapped: true}, &memoryLedger{})
	in := Intent{Provider: "acme", Model: "unpriced", Bound: desk.Usage{Prompt: 50, Completion: 30}}
	first, err := a.Begin(t.Context(), in)
	if err != nil {
		t.Fatalf("Begin = %v: tokens need no price", err)
	}
	if _, err := a.Begin(t.Context(), in); !errors.Is(err, ErrNoMoney) {
		t.Errorf("Begin while 80 of 100 are drawn = %v, want ErrNoMoney", err)
	}
	first.End(desk.Usage{Prompt: 15, Completion: 5}, 0, 0, nil)
	a.Free(in).End(desk.Usage{Prompt: 1000}, 0, 0, nil)
	if _, tokens := a.Spent(); tokens != 20 {
		t.Errorf("spent %d tokens, want the 20 of the paid call", tokens)
	}
	if _, err := a.Begin(t.Context(), in); err != nil {
		t.Errorf("Begin after 60 came back = %v", err)
	}
	if _, tokens := a.Spent(); tokens != 100 {
		t.Errorf("spent %d tokens, want the call under way at its bound", tokens)
	}
}
