package budget_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"kefu/internal/budget"
	"kefu/internal/desk"
	"kefu/internal/store"
)

var quiet = slog.New(slog.DiscardHandler)

// rules are the budgets of every tenant.
type rules []desk.Budget

func (r rules) Budgets(desk.TenantID) []desk.Budget { return r }
func (r rules) Account(key desk.KeyID) desk.KeyID   { return key }

// seen counts actions.
type seen map[did]int

type did struct {
	of     desk.BudgetSubject
	action string
}

func (s seen) Budgeted(of desk.BudgetSubject, action string) { s[did{of, action}]++ }

func openStore(t *testing.T) *store.Budgets {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db.Budgets()
}

func capAt(limit int64, action desk.AtCap) desk.Budget {
	return desk.Budget{
		ID: "bud_1", Tenant: desk.DefaultTenant, Subject: desk.SubjectTenant, Period: desk.PerDay, Unit: desk.InUSD, Cap: limit, AtCap: action,
	}
}

var (
	alice = desk.Scope{Tenant: desk.DefaultTenant, Key: "key_1", User: "alice"}
	need  = budget.Need{
		Whole: budget.Amount{Money: 400, Tokens: 4000}, Once: budget.Amount{Money: 100, Tokens: 1000},
		Cheap: budget.Amount{Money: 10, Tokens: 1000},
	}
)

func reserve(t *testing.T, b *budget.Book, id desk.AnswerID) (*budget.Hold, error) {
	t.Helper()
	return b.Reserve(t.Context(), alice, id, need, time.Now().Add(time.Minute))
}

func TestNearTheCapLessIsReservedAndThenTheConfiguredActionIsTaken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limit  int64
		action desk.AtCap
		held   desk.MicroUSD
		code   string
		did    string
	}{
		{"enough for the worst case", 400, desk.RefuseAtCap, 400, "", ""},
		{"enough for one call", 399, desk.RefuseAtCap, 100, "", ""},
		{"not enough for one call", 99, desk.RefuseAtCap, 0, "over_budget", budget.Refused},
		{"enough for the cheap model", 99, desk.CheaperAtCap, 10, "", budget.Cheaper},
		{"not even for that", 9, desk.CheaperAtCap, 0, "", budget.Offline},
		{"offline at the cap", 99, desk.OfflineAtCap, 0, "", budget.Offline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := seen{}
			h, err := reserve(t, budget.New(rules{capAt(tt.limit, tt.action)}, openStore(t), seen, quiet), "ans_1")
			var said *desk.Error
			if errors.As(err, &said); tt.code != "" {
				if said == nil || said.Code != tt.code || said.Kind != desk.OverBudget || said.RetryAfter <= 0 {
					t.Errorf("err = %+v, want %s and when it begins anew", said, tt.code)
				}
			} else if err != nil || h.Held.Money != tt.held || !h.CapsMoney || h.CapsTokens {
				t.Errorf("hold = %+v, %v, want %d", h, err, tt.held)
			}
			if tt.did != "" && seen[did{desk.SubjectTenant, tt.did}] != 1 || tt.did == "" && len(seen) > 0 {
				t.Errorf("actions = %v, want %q", seen, tt.did)
			}
		})
	}
}

func TestWhatWasNotSpentIsGivenBack(t *testing.T) {
	b := budget.New(rules{capAt(450, desk.RefuseAtCap)}, openStore(t), seen{}, quiet)
	for i, want := range []desk.MicroUSD{400, 400, 100, 100} { // 40, 80, 120, … are spent
		h, err := reserve(t, b, desk.NewAnswerID())
		if err != nil || h.Held.Money != want {
			t.Fatalf("answer %d: held %+v, %v, want %d", i, h, err, want)
		}
		h.Settle(t.Context(), budget.Amount{Money: 40})
	}
}

// away is a store that does not answer.
type away struct{ budget.Store }

func (away) Reserve(context.Context, desk.AnswerID, time.Duration, []budget.Part) (*budget.Over, []desk.Budget, error) {
	return nil, nil, errors.New("away")
}

func TestNothingIsSpentWhileNobodyKnowsWhatIsLeft(t *testing.T) {
	seen := seen{}
	h, err := reserve(t, budget.New(rules{capAt(1000, desk.RefuseAtCap)}, away{}, seen, quiet), "ans_1")
	if err != nil || h.Held != (budget.Amount{}) || !h.CapsMoney || seen[did{"", budget.Failed}] != 1 {
		t.Errorf("hold = %+v, %v, want one that allows nothing", h, err)
	}
	h.Settle(t.Context(), budget.Amount{}) // there is nothing to settle
}

func TestAModelWithoutAPriceIsRefusedOnlyWhereDollarsAreCapped(t *testing.T) {
	unpriced := need
	unpriced.Unpriced = "house-model"
	for unit, want := range map[desk.BudgetUnit]string{desk.InUSD: "model_unpriced", desk.InTokens: ""} {
		capped := capAt(10_000, desk.RefuseAtCap)
		capped.Unit = unit
		_, err := budget.New(rules{capped}, openStore(t), seen{}, quiet).Reserve(t.Context(), alice, "ans_1", unpriced, time.Now().Add(time.Minute))
		var said *desk.Error
		if errors.As(err, &said); (said == nil) != (want == "") || said != nil && said.Code != want {
			t.Errorf("%s: %v, want %q", unit, err, want)
		}
	}
}

func TestBudgetsCoverTenantsKeysAndUsers(t *testing.T) {
	tests := []struct {
		name    string
		budget  desk.Budget
		covers  bool
		sharing string
	}{
		{"the tenant", desk.Budget{Subject: desk.SubjectTenant}, true, ""},
		{"another tenant", desk.Budget{Tenant: "acme", Subject: desk.SubjectTenant}, false, ""},
		{"the key", desk.Budget{Subject: desk.SubjectKey, Name: "key_1"}, true, `|key="key_1"`},
		{"another key", desk.Budget{Subject: desk.SubjectKey, Name: "key_2"}, false, ""},
		{"each user", desk.Budget{Subject: desk.SubjectUser}, true, `|user="alice"`},
		{"another user", desk.Budget{Subject: desk.SubjectUser, Name: "bob"}, false, ""},
	}
	for _, tt := range tests {
		if tt.budget.Tenant == "" {
			tt.budget.Tenant = desk.DefaultTenant
		}
		b := budget.New(rules{tt.budget}, nil, nil, quiet)
		if got := b.Covers(alice); got != tt.covers || b.Sharing(alice) != tt.sharing {
			t.Errorf("%s: covers = %v, sharing = %q, want %v, %q", tt.name, got, b.Sharing(alice), tt.covers, tt.sharing)
		}
	}
}

func TestAnAnswerWithoutABudgetReservesNothing(t *testing.T) {
	h, err := reserve(t, budget.New(rules{}, nil, nil, quiet), "ans_1")
	if h != nil || err != nil {
		t.Errorf("hold = %+v, %v, want none", h, err)
	}
	h.Settle(t.Context(), budget.Amount{})
}

func BenchmarkCoversWithoutABudget(b *testing.B) {
	book := budget.New(rules{}, nil, nil, quiet)
	for b.Loop() {
		if book.Covers(alice) {
			b.Fatal("covered")
		}
	}
}

func TestABudgetIsNearItsCapFromEightyPercentOnWithWhatIsHeld(t *testing.T) {
	store := openStore(t)
	set, err := store.Set(t.Context(), desk.Actor{Name: "test"}, capAt(1000, desk.RefuseAtCap))
	if err != nil {
		t.Fatal(err)
	}
	b := budget.New(rules{set}, store, seen{}, quiet)
	if b.Near(t.Context(), desk.DefaultTenant) {
		t.Error("an unused budget is near its cap")
	}
	if _, err := reserve(t, b, "ans_1"); err != nil {
		t.Fatal(err)
	}
	if b.Near(t.Context(), desk.DefaultTenant) {
		t.Error("a budget of which 400 of 1,000 are held is near its cap")
	}
	if _, err := reserve(t, b, "ans_2"); err != nil {
		t.Fatal(err)
	}
	if !b.Near(t.Context(), desk.DefaultTenant) {
		t.Error("a budget of which 800 of 1,000 are held is not near its cap")
	}
	if budget.New(rules{}, store, seen{}, quiet).Near(t.Context(), desk.DefaultTenant) {
		t.Error("without a budget there is a cap")
	}
}
