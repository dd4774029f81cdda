package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/budget"
	"kefu/internal/desk"
	"kefu/internal/store"
)

// capped sets a budget of the default tenant and returns its part for today.
func capped(t testing.TB, db *store.DB, unit desk.BudgetUnit, limit int64) budget.Part {
	t.Helper()
	b, err := db.Budgets().Set(t.Context(), me, desk.Budget{
		Tenant: desk.DefaultTenant, Subject: desk.SubjectTenant, Period: desk.PerDay, Unit: unit, Cap: limit, AtCap: desk.RefuseAtCap,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := budget.Part{Budget: b}
	p.Starts, p.Ends = desk.PerDay.Window(time.Now())
	return p
}

func used(t testing.TB, db *store.DB, at time.Time) (spent, held int64) {
	t.Helper()
	states, err := db.Budgets().List(context.Background(), desk.DefaultTenant, at)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		spent, held = spent+s.Spent, held+s.Held
	}
	return spent, held
}

func TestConcurrentReservationsNeverExceedTheCap(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			cfg := place(t)
			replicas := []*store.DB{open(t, cfg), open(t, cfg), open(t, cfg)}
			const limit, each, cost = 1000, 30, 11
			part := capped(t, replicas[0], desk.InUSD, limit)
			var granted atomic.Int64
			var callers sync.WaitGroup
			for i := range 100 {
				db := replicas[i%len(replicas)]
				callers.Go(func() {
					for n := range 3 {
						id := desk.AnswerID(fmt.Sprintf("ans_%d_%d", i, n))
						p := part
						p.Amount = each
						over, _, err := db.Budgets().Reserve(t.Context(), id, time.Minute, []budget.Part{p})
						if err != nil {
							t.Error(err)
							return
						}
						if over != nil {
							continue
						}
						granted.Add(1)
						if spent, held := used(t, db, time.Now()); spent+held > limit {
							t.Errorf("spent %d and held %d, want at most %d", spent, held, limit)
						}
						if err := db.Budgets().Settle(t.Context(), id, budget.Amount{Money: cost}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			callers.Wait()
			spent, held := used(t, replicas[0], time.Now())
			if want := granted.Load() * cost; spent != want || held != 0 || spent > limit {
				t.Errorf("spent %d, held %d, want %d of %d answers and nothing held", spent, held, want, granted.Load())
			}
			if spent < limit/2 { // those that found everything held have given up
				t.Errorf("spent %d of %d: the budget was not used", spent, limit)
			}
		})
	}
}

func TestAReservationHoldsInEveryBudgetOrInNone(t *testing.T) {
	for name, openDB := range engines {
		t.Run(name, func(t *testing.T) {
			db := openDB(t)
			money, tokens := capped(t, db, desk.InUSD, 100), capped(t, db, desk.InTokens, 10)
			money.Amount, tokens.Amount = 50, 11
			over, _, err := db.Budgets().Reserve(t.Context(), "ans_1", time.Minute, []budget.Part{money, tokens})
			if err != nil || over == nil || over.Budget.ID != tokens.Budget.ID || !over.Resets.Equal(tokens.Ends) {
				t.Fatalf("over = %+v, %v, want the budget in tokens", over, err)
			}
			if spent, held := used(t, db, time.Now()); spent+held != 0 {
				t.Errorf("spent %d, held %d, want nothing", spent, held)
			}
			tokens.Amount = 10
			if over, _, err := db.Budgets().Reserve(t.Context(), "ans_2", time.Minute, []budget.Part{money, tokens}); err != nil || over != nil {
				t.Fatalf("over = %+v, %v, want both held", over, err)
			}
			settled := budget.Amount{Money: 20, Tokens: 3}
			for range 2 { // the second time there is nothing to settle
				if err := db.Budgets().Settle(t.Context(), "ans_2", settled); err != nil {
					t.Fatal(err)
				}
			}
			if spent, held := used(t, db, time.Now()); spent != 23 || held != 0 {
				t.Errorf("spent %d, held %d, want 20 micro-dollars and 3 tokens", spent, held)
			}
		})
	}
}

func TestTheHoldOfACrashedProcessIsChargedForWhatHadBegun(t *testing.T) {
	for name, openDB := range engines {
		t.Run(name, func(t *testing.T) {
			db := openDB(t)
			part := capped(t, db, desk.InUSD, 10_000)
			part.Amount = 5000
			if _, _, err := db.Budgets().Reserve(t.Context(), "ans_1", time.Millisecond, []budget.Part{part}); err != nil {
				t.Fatal(err)
			}
			begun, over, free := attempt("begun"), attempt("ended"), attempt("free")
			begun.Answer, over.Answer, free.Answer, free.Provider, free.Worst = "ans_1", "ans_1", "ans_1", "offline", 0
			stop := run(t, db.Ledger().Run)
			for _, a := range []desk.Attempt{begun, over} {
				if err := db.Ledger().Begin(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}
			db.Ledger().End(ended(over)) // 410
			db.Ledger().End(free)
			stop()
			time.Sleep(5 * time.Millisecond) // by the database's clock, which no test can turn
			if n, err := db.Budgets().Expire(t.Context()); err != nil || n != 1 {
				t.Fatalf("expired = %d, %v, want 1", n, err)
			}
			if spent, held := used(t, db, time.Now()); spent != 900+410 || held != 0 {
				t.Errorf("spent %d, held %d, want the begun call at its worst and the ended one at its cost", spent, held)
			}
			if n, err := db.Budgets().Expire(t.Context()); err != nil || n != 0 {
				t.Errorf("again: %d, %v, want none", n, err)
			}
		})
	}
}

func TestTheOwnerOfABudgetIsWarnedOnce(t *testing.T) {
	db := engines["sqlite"](t)
	part := capped(t, db, desk.InUSD, 100)
	var warnings []int
	for i := range 6 {
		p := part
		p.Amount = 20
		id := desk.AnswerID(fmt.Sprint("ans_", i))
		_, warn, err := db.Budgets().Reserve(t.Context(), id, time.Minute, []budget.Part{p})
		if err != nil {
			t.Fatal(err)
		}
		if len(warn) > 0 {
			warnings = append(warnings, i)
		}
		if err := db.Budgets().Settle(t.Context(), id, budget.Amount{Money: 20}); err != nil {
			t.Fatal(err)
		}
	}
	if len(warnings) != 1 || warnings[0] != 4 {
		t.Errorf("warned at %v, want once, when 80 of 100 were spent", warnings)
	}
}

// A window is known by its start: a clock that jumps over midnight and back
// finds what was spent on both days.
func TestAJumpingClockResetsNoBudgetTwice(t *testing.T) {
	db := engines["sqlite"](t)
	part := capped(t, db, desk.InUSD, 100)
	late := time.Date(2027, 1, 31, 23, 30, 0, 0, time.UTC)
	spend := func(now time.Time) bool {
		p := part
		p.Amount = 60
		p.Starts, p.Ends = desk.PerDay.Window(now)
		id := desk.NewAnswerID()
		over, _, err := db.Budgets().Reserve(t.Context(), id, time.Minute, []budget.Part{p})
		if err != nil {
			t.Fatal(err)
		}
		if over == nil {
			err = db.Budgets().Settle(t.Context(), id, budget.Amount{Money: 60})
		}
		if err != nil {
			t.Fatal(err)
		}
		return over == nil
	}
	for i, step := range []struct {
		now  time.Time
		fits bool
	}{
		{late, true},
		{late, false},
		{late.Add(time.Hour), true}, // jumped forward: the next day
		{late, false},               // and back: nothing was reset
		{late.Add(time.Hour), false},
		{late.Add(-time.Hour), false},
	} {
		if got := spend(step.now); got != step.fits {
			t.Errorf("step %d at %v: granted = %v, want %v", i, step.now, got, step.fits)
		}
	}
}

func TestMonthsAndDaysBeginAtMidnightUTC(t *testing.T) {
	now := time.Date(2028, 2, 29, 23, 59, 59, 0, time.FixedZone("CST", 8*3600))
	if start, end := desk.PerDay.Window(now); start.Day() != 29 || !end.Equal(start.Add(24*time.Hour)) {
		t.Errorf("day = %v to %v", start, end)
	}
	if start, end := desk.PerMonth.Window(now); start.Day() != 1 || end.Month() != time.March || end.Day() != 1 {
		t.Errorf("month = %v to %v", start, end)
	}
}

func TestBudgetsThatMakeNoSenseAreRefused(t *testing.T) {
	db := engines["sqlite"](t)
	sound := desk.Budget{Tenant: desk.DefaultTenant, Subject: desk.SubjectUser, Period: desk.PerMonth, Unit: desk.InTokens, Cap: 1, AtCap: desk.OfflineAtCap}
	for name, spoil := range map[string]func(*desk.Budget){
		"no cap": func(b *desk.Budget) { b.Cap = 0 }, "a negative cap": func(b *desk.Budget) { b.Cap = -5 },
		"an unknown period": func(b *desk.Budget) { b.Period = "week" }, "an unknown unit": func(b *desk.Budget) { b.Unit = "eur" },
		"an unknown subject": func(b *desk.Budget) { b.Subject = "team" }, "an unknown action": func(b *desk.Budget) { b.AtCap = "cry" },
		"a name for the tenant": func(b *desk.Budget) { b.Subject, b.Name = desk.SubjectTenant, "x" },
	} {
		b := sound
		spoil(&b)
		if _, err := db.Budgets().Set(t.Context(), me, b); codeOf(err) != "budget_invalid" {
			t.Errorf("%s: %v, want budget_invalid", name, err)
		}
	}
	first, err := db.Budgets().Set(t.Context(), me, sound)
	if err != nil {
		t.Fatal(err)
	}
	sound.Cap = 7
	if again, err := db.Budgets().Set(t.Context(), me, sound); err != nil || again.ID != first.ID || again.Cap != 7 {
		t.Errorf("set again: %+v, %v, want the same budget changed", again, err)
	}
}
