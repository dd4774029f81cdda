package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"kefu/internal/desk"
)

// Budgets are the caps on spending, with what was spent and is held.
type Budgets struct{ db *DB }

const budgetColumns = `id, tenant, subject, subject_id, period, unit, cap, at_cap, created_at`

func scanBudget(row scanner, more ...any) (desk.Budget, error) {
	var b desk.Budget
	var created int64
	err := row.Scan(append([]any{&b.ID, &b.Tenant, &b.Subject, &b.Name, &b.Period, &b.Unit, &b.Cap, &b.AtCap, &created}, more...)...)
	b.Created = fromMillis(created)
	return b, err
}

// Set makes a budget, or changes cap and action of the one with the same
// tenant, subject, period and unit; what that has spent stays spent. That of a
// key is also that of the keys before and after it. Errors are *desk.Error with
// the codes tenant_not_found, key_not_found and budget_invalid.
func (b *Budgets) Set(ctx context.Context, by desk.Actor, budget desk.Budget) (set desk.Budget, err error) {
	if err := soundBudget(budget); err != nil {
		return desk.Budget{}, err
	}
	err = b.db.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := tenantExists(ctx, tx, budget.Tenant); err != nil {
			return err
		}
		name, err := accountOf(ctx, tx, budget)
		if err != nil {
			return err
		}
		set, err = scanBudget(tx.QueryRowContext(ctx, `INSERT INTO budgets (`+budgetColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (tenant, subject, subject_id, period, unit) DO UPDATE SET cap = excluded.cap, at_cap = excluded.at_cap
			RETURNING `+budgetColumns,
			desk.NewBudgetID(), budget.Tenant, budget.Subject, name, budget.Period, budget.Unit, budget.Cap, budget.AtCap, millis(time.Now())))
		if err != nil {
			return err
		}
		return audit(ctx, tx, desk.AuditEntry{
			Actor: by, Action: "budget.set", Tenant: set.Tenant, Target: string(set.ID),
			Detail: described(set) + ", then " + string(set.AtCap),
		})
	})
	if err != nil {
		return desk.Budget{}, fmt.Errorf("set budget: %w", err)
	}
	return set, nil
}

// accountOf is whose budget it is: the name of a key must be one of the tenant's,
// since a budget for any other would cap nothing.
func accountOf(ctx context.Context, tx *sql.Tx, b desk.Budget) (string, error) {
	if b.Subject != desk.SubjectKey || b.Name == "" || b.Name == string(desk.BootstrapKey) {
		return b.Name, nil
	}
	key, err := keyByID(ctx, tx, desk.KeyID(b.Name))
	if err == nil && key.Tenant != b.Tenant {
		err = noKey(key.ID)
	}
	return string(key.Account), err
}

// described is a budget in a few words.
func described(b desk.Budget) string {
	limit := fmt.Sprintf("%d tokens", b.Cap)
	if b.Unit == desk.InUSD {
		limit = fmt.Sprintf("$%.6g", desk.MicroUSD(b.Cap).USD())
	}
	whose := "the tenant"
	switch {
	case b.Name != "":
		whose = fmt.Sprintf("the %s %q", b.Subject, b.Name)
	case b.Subject != desk.SubjectTenant:
		whose = "each " + string(b.Subject)
	}
	return fmt.Sprintf("%s a %s for %s", limit, b.Period, whose)
}

func soundBudget(b desk.Budget) error {
	bad := func(field, why string) error {
		return &desk.Error{Kind: desk.Invalid, Code: "budget_invalid", Field: field, Public: why}
	}
	switch {
	case !slices.Contains(desk.BudgetSubjects[:], b.Subject):
		return bad("subject", "A budget is for a tenant, a key or a user.")
	case b.Subject == desk.SubjectTenant && b.Name != "":
		return bad("name", "A budget of the tenant has no name of its own.")
	case !slices.Contains(desk.BudgetPeriods[:], b.Period):
		return bad("period", "A budget lasts a day or a month.")
	case !slices.Contains(desk.BudgetUnits[:], b.Unit):
		return bad("unit", "A budget is in usd or in tokens.")
	case b.Cap <= 0 || b.Cap > 1e15:
		return bad("cap", "The cap must be above 0 and at most a billion dollars.")
	case !slices.Contains(desk.AtCaps[:], b.AtCap):
		return bad("at_cap", "At the cap a question is answered by refuse, cheaper or offline.")
	}
	return nil
}

// Remove ends a budget. The error is a *desk.Error of kind NotFound, code
// budget_not_found, when there is none.
func (b *Budgets) Remove(ctx context.Context, by desk.Actor, id desk.BudgetID) error {
	err := b.db.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		budget, err := scanBudget(tx.QueryRowContext(ctx, `DELETE FROM budgets WHERE id = $1 RETURNING `+budgetColumns, id))
		if errors.Is(err, sql.ErrNoRows) {
			return &desk.Error{Kind: desk.NotFound, Code: "budget_not_found", Field: "id", Public: fmt.Sprintf("There is no budget %q.", id)}
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, desk.AuditEntry{
			Actor: by, Action: "budget.remove", Tenant: budget.Tenant, Target: string(id),
			Detail: described(budget),
		})
	})
	if err != nil {
		return fmt.Errorf("remove budget: %w", err)
	}
	return nil
}

// List returns the budgets of a tenant, of all where that is empty, each with
// what its fullest account has used of the period that now lies in.
func (b *Budgets) List(ctx context.Context, tenant desk.TenantID, now time.Time) ([]desk.BudgetState, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var states []desk.BudgetState
	err := b.db.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT `+budgetColumns+` FROM budgets WHERE tenant = $1 OR $1 = '' ORDER BY id`, string(tenant))
		states, err = collect(rows, err, func(r *sql.Rows) (s desk.BudgetState, err error) {
			s.Budget, err = scanBudget(r)
			return s, err
		})
		if err != nil {
			return err
		}
		for i := range states {
			s := &states[i]
			starts, ends := s.Period.Window(now)
			s.Resets = ends
			err := tx.QueryRowContext(ctx, `SELECT spent, held FROM budget_windows WHERE budget_id = $1 AND starts_at = $2
				ORDER BY spent + held DESC LIMIT 1`, s.ID, millis(starts)).Scan(&s.Spent, &s.Held)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list budgets: %w", err)
	}
	return states, nil
}

// Fullest returns, of the budgets in dollars of each subject and period, the one
// of whose cap an account has spent the largest share in the period that now lies
// in.
func (b *Budgets) Fullest(ctx context.Context, now time.Time) ([]desk.BudgetState, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	day, _ := desk.PerDay.Window(now)
	month, _ := desk.PerMonth.Window(now)
	rows, err := b.db.read.QueryContext(ctx, `SELECT `+budgetColumns+`, spent, held FROM (
			SELECT b.*, COALESCE(w.spent, 0) AS spent, COALESCE(w.held, 0) AS held,
				ROW_NUMBER() OVER (PARTITION BY b.subject, b.period ORDER BY COALESCE(w.spent, 0) * 1.0 / b.cap DESC, b.id) AS place
			FROM budgets b LEFT JOIN budget_windows w
				ON w.budget_id = b.id AND w.starts_at = CASE b.period WHEN $1 THEN CAST($2 AS BIGINT) ELSE CAST($3 AS BIGINT) END
			WHERE b.unit = $4
		) AS ranked WHERE place = 1 ORDER BY id`, desk.PerDay, millis(day), millis(month), desk.InUSD)
	states, err := collect(rows, err, func(r *sql.Rows) (s desk.BudgetState, err error) {
		s.Budget, err = scanBudget(r, &s.Spent, &s.Held)
		_, s.Resets = s.Period.Window(now)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("fullest budgets: %w", b.db.engine.explain(err))
	}
	return states, nil
}
