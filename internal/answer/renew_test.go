package answer_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"kefu/internal/answer"
	"kefu/internal/budget"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

const lasting = "How many days do I have to return most items?"

// openRenewing is a shop where a hot answer is old at once.
func openRenewing(t *testing.T, change ...func(*answer.Config, *answer.Parts)) *shop {
	t.Helper()
	s := open(t, simple, append(change, func(_ *answer.Config, p *answer.Parts) {
		p.Cache = memory(t, true, 1-1e-9)
	})...)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return s
}

// awaitRenewals returns what became of renewals once there are n.
func (s *shop) awaitRenewals(n int) []string {
	s.t.Helper()
	return s.awaitRenewed(func(all []string) bool { return len(all) >= n })
}

// awaitRenewed returns what became of renewals once it is enough.
func (s *shop) awaitRenewed(enough func([]string) bool) (all []string) {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		s.journal.do(func() { all = slices.Clone(s.journal.renewed) })
		if enough(all) {
			return all
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("renewals = %v, want more", all)
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *shop) askOften(n int) (last desk.Answer) {
	s.t.Helper()
	for range n {
		last = s.ask(lasting)
	}
	return last
}

func TestAHotAnswerIsComposedAnewOnceWhileTheOldOneIsGiven(t *testing.T) {
	s := openRenewing(t)
	first := s.ask(lasting)
	s.model.hold = make(chan struct{})
	for range 50 {
		if a := s.ask(lasting); a.CacheTier != desk.TierMemory || a.ID != first.ID {
			t.Fatalf("answer = %+v, want the old one from memory", a)
		}
	}
	close(s.model.hold)
	if got := s.awaitRenewals(48); !slices.Contains(got, "age renewed") {
		t.Errorf("renewals = %v", got)
	}
	if n := s.model.count(); n != 2 {
		t.Errorf("%d calls of the model, want one for the question and one to renew it", n)
	}
	if a := s.ask(lasting); a.ID == first.ID || a.CacheTier != desk.TierMemory || a.Text != first.Text {
		t.Errorf("answer = %+v, want the new one from memory", a)
	}
	s.journal.do(func() {
		if n := len(s.journal.recorded); n != 2 || s.journal.asked[1].Scope != (desk.Scope{Tenant: tenant}) {
			t.Errorf("%d recorded, the last of %+v; want two, the last on behalf of the tenant alone", n, s.journal.asked[n-1].Scope)
		}
	})
}

func TestAnAnswerIsNotReplacedByAWorseOne(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		reply      func(llm.Call) (string, error)
	}{
		{"the model declines", "age kept", func(llm.Call) (string, error) { return "I do not know.", nil }},
		{"no model answers", "age failed", func(llm.Call) (string, error) { return "", errors.New("down") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openRenewing(t)
			first := s.ask(lasting)
			s.model.reply = tt.reply
			s.askOften(3)
			if got := s.awaitRenewals(1); got[0] != tt.want {
				t.Errorf("renewals = %v, want %s", got, tt.want)
			}
			if a := s.ask(lasting); a.ID != first.ID {
				t.Errorf("answer = %+v, want the old one", a)
			}
			s.journal.do(func() {
				if len(s.journal.recorded) != 1 || s.journal.handoffs != 0 {
					t.Errorf("%d answers recorded, %d handoffs; nobody asked but once", len(s.journal.recorded), s.journal.handoffs)
				}
			})
		})
	}
}

// nearlyUsed is a budget of which 85 of 100 are spent.
type nearlyUsed struct{ budget.Store }

func (nearlyUsed) Account(key desk.KeyID) desk.KeyID   { return key }
func (nearlyUsed) Budgets(desk.TenantID) []desk.Budget { return []desk.Budget{eightyFive.Budget} }

func (nearlyUsed) List(context.Context, desk.TenantID, time.Time) ([]desk.BudgetState, error) {
	return []desk.BudgetState{eightyFive}, nil
}

func (nearlyUsed) Reserve(context.Context, desk.AnswerID, time.Duration, []budget.Part) (*budget.Over, []desk.Budget, error) {
	return nil, nil, nil
}
func (nearlyUsed) Settle(context.Context, desk.AnswerID, budget.Amount) error { return nil }

var eightyFive = desk.BudgetState{Budget: desk.Budget{Tenant: tenant, Subject: desk.SubjectTenant, Period: desk.PerDay, Unit: desk.InTokens, Cap: 100_000}, Spent: 85_000}

// freeQuotes cost a token.
type freeQuotes struct{}

func (freeQuotes) Quote(llm.Call, int) (llm.Quote, error) { return llm.Quote{Tokens: 1}, nil }

type unheard struct{}

func (unheard) Budgeted(desk.BudgetSubject, string) {}

func TestNothingIsComposedAheadWhenABudgetIsNearlyUsed(t *testing.T) {
	s := openRenewing(t, func(_ *answer.Config, p *answer.Parts) {
		p.Budgets, p.Quotes = budget.New(nearlyUsed{}, nearlyUsed{}, unheard{}, slog.New(slog.DiscardHandler)), freeQuotes{}
	})
	s.ask(lasting)
	asked := s.model.count()
	s.askOften(4)
	if got := s.awaitRenewals(1); got[0] != "age budget" || s.model.count() != asked {
		t.Errorf("renewals = %v after %d calls more, want none", got, s.model.count()-asked)
	}
}

func TestWarmingUpComposesWhatDoesNotStandInTheCache(t *testing.T) {
	s := openRenewing(t)
	for _, q := range []desk.Masked{lasting, "I am me@example.com, how do I return it?", "I am ⟦EMAIL_1⟧, how do I return it?"} {
		if err := s.Warm(t.Context(), tenant, q); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.awaitRenewals(1); got[0] != "release renewed" {
		t.Fatalf("renewals = %v", got)
	}
	if a := s.ask(lasting); a.CacheTier != desk.TierMemory {
		t.Errorf("answer = %+v, want one from memory", a)
	}
	if n := s.model.count(); n != 1 {
		t.Errorf("%d calls, want one: what holds personal data is nobody else's", n)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for range 1000 { // more than may wait
		if err := s.Warm(ctx, tenant, lasting); err != nil {
			return
		}
	}
	t.Error("a warm-up goes on after its end")
}
