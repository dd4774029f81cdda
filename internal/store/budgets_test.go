package store_test

import (
	"fmt"
	"testing"
	"time"

	"kefu/internal/budget"
	"kefu/internal/desk"
)

func TestOfEachKindOfBudgetTheFullestIsKnown(t *testing.T) {
	for name, openDB := range engines {
		t.Run(name, func(t *testing.T) {
			db := openDB(t)
			now := time.Now()
			answers := 0
			set := func(b desk.Budget) func(account string, spent desk.MicroUSD) {
				b.Tenant, b.AtCap = desk.DefaultTenant, desk.RefuseAtCap
				b, err := db.Budgets().Set(t.Context(), me, b)
				if err != nil {
					t.Fatal(err)
				}
				return func(account string, spent desk.MicroUSD) {
					answers++
					id := desk.AnswerID(fmt.Sprintf("ans_%d", answers))
					p := budget.Part{Budget: b, Account: account, Amount: int64(spent)}
					p.Starts, p.Ends = b.Period.Window(now)
					if over, _, err := db.Budgets().Reserve(t.Context(), id, time.Minute, []budget.Part{p}); over != nil || err != nil {
						t.Fatal(over, err)
					}
					if err := db.Budgets().Settle(t.Context(), id, budget.Amount{Money: spent, Tokens: int64(spent)}); err != nil {
						t.Fatal(err)
					}
				}
			}
			set(desk.Budget{Subject: desk.SubjectTenant, Period: desk.PerMonth, Unit: desk.InUSD, Cap: 1000})
			large := set(desk.Budget{Subject: desk.SubjectUser, Period: desk.PerDay, Unit: desk.InUSD, Cap: 1000})
			small := set(desk.Budget{Subject: desk.SubjectUser, Name: "carol", Period: desk.PerDay, Unit: desk.InUSD, Cap: 100})
			tokens := set(desk.Budget{Subject: desk.SubjectKey, Name: string(desk.BootstrapKey), Period: desk.PerDay, Unit: desk.InTokens, Cap: 100})
			large("alice", 300)
			large("bob", 400)
			small("carol", 50)
			tokens(string(desk.BootstrapKey), 99)

			states, err := db.Budgets().Fullest(t.Context(), now)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, s := range states {
				got[fmt.Sprint(s.Subject, " ", s.Period)] = fmt.Sprint(s.Spent, " of ", s.Cap)
			}
			want := map[string]string{"tenant month": "0 of 1000", "user day": "50 of 100"}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("fullest = %v, want %v", got, want)
			}
			if states, err = db.Budgets().Fullest(t.Context(), now.AddDate(0, 1, 0)); err != nil || len(states) != 2 || states[0].Spent+states[1].Spent != 0 {
				t.Errorf("a month later: %+v, %v, want nothing spent", states, err)
			}
		})
	}
}
