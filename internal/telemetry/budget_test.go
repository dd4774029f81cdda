package telemetry_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"kefu/internal/desk"
)

func TestTheBudgetNearestToItsCapIsExportedByKindAlone(t *testing.T) {
	tel := newTelemetry(t, io.Discard)
	var states []desk.BudgetState
	var away error
	tel.CollectBudgets(func(context.Context, time.Time) ([]desk.BudgetState, error) { return states, away })
	if got := scrape(t, tel); got["kefu_budget_limit_usd"] != nil {
		t.Error("there is a limit where there is no budget")
	}
	states = []desk.BudgetState{{
		Budget: desk.Budget{ID: "bud_1", Tenant: "acme", Subject: desk.SubjectUser, Name: "alice", Period: desk.PerMonth, Unit: desk.InUSD, Cap: 2_500_000},
		Spent:  2_000_000, Held: 400_000,
	}}
	got := scrape(t, tel)
	if v := value(t, got, "kefu_budget_limit_usd", "scope", "user", "window", "month"); v != 2.5 {
		t.Errorf("limit = %v, want 2.5", v)
	}
	if v := value(t, got, "kefu_budget_spent_usd", "scope", "user", "window", "month"); v != 2 {
		t.Errorf("spent = %v, want 2", v)
	}
	away = errors.New("away")
	if got := scrape(t, tel); got["kefu_budget_spent_usd"] != nil || got["kefu_budget_actions_total"] == nil {
		t.Error("want the other metrics alone while nobody knows what was spent")
	}
}
