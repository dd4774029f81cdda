package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"kefu/internal/budget"
	"kefu/internal/desk"
)

var _ budget.Store = (*Budgets)(nil)

// errOver rolls a reservation back.
var errOver = errors.New("over budget")

// Reserve holds all parts or none.
func (b *Budgets) Reserve(ctx context.Context, answer desk.AnswerID, ttl time.Duration, parts []budget.Part) (*budget.Over, []desk.Budget, error) {
	var over *budget.Over
	var warn []desk.Budget
	err := b.db.transact(ctx, func(tx *sql.Tx) error {
		for _, p := range parts { // in one order everywhere, so that no two wait for each other
			nearly, err := b.hold(ctx, tx, answer, ttl, p)
			if errors.Is(err, sql.ErrNoRows) {
				over = &budget.Over{Budget: p.Budget, Resets: p.Ends}
				return errOver
			}
			if err != nil {
				return err
			}
			if nearly {
				warn = append(warn, p.Budget)
			}
		}
		return nil
	})
	if err != nil && over == nil {
		return nil, nil, fmt.Errorf("reserve: %w", err)
	}
	if over != nil {
		return over, nil, nil
	}
	return nil, warn, nil
}

// hold takes one part: a single statement makes the window or, where the
// amount still fits below the cap, adds to it. Its error is sql.ErrNoRows
// where it does not fit.
func (b *Budgets) hold(ctx context.Context, tx *sql.Tx, answer desk.AnswerID, ttl time.Duration, p budget.Part) (nearly bool, err error) {
	if p.Amount > p.Budget.Cap {
		return false, sql.ErrNoRows
	}
	var spent int64
	var warned bool
	err = tx.QueryRowContext(ctx, `INSERT INTO budget_windows (budget_id, account, starts_at, spent, held, warned)
		VALUES ($1, $2, $3, 0, $4, FALSE)
		ON CONFLICT (budget_id, account, starts_at) DO UPDATE SET held = budget_windows.held + excluded.held
		WHERE budget_windows.spent + budget_windows.held + excluded.held <= $5
		RETURNING spent, warned`, p.Budget.ID, p.Account, millis(p.Starts), p.Amount, p.Budget.Cap).Scan(&spent, &warned)
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO holds (answer_id, budget_id, account, starts_at, unit, amount, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, `+b.db.engine.now()+` + CAST($7 AS BIGINT))`,
		answer, p.Budget.ID, p.Account, millis(p.Starts), p.Budget.Unit, p.Amount, ttl.Milliseconds())
	if err != nil || warned || spent*100 < p.Budget.Cap*budget.WarnAt {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE budget_windows SET warned = TRUE WHERE budget_id = $1 AND account = $2 AND starts_at = $3`,
		p.Budget.ID, p.Account, millis(p.Starts))
	return true, err
}

// Settle charges what was spent and gives the rest of the hold back.
func (b *Budgets) Settle(ctx context.Context, answer desk.AnswerID, spent budget.Amount) error {
	err := b.db.transact(ctx, func(tx *sql.Tx) error {
		return settle(ctx, tx, answer, func() (budget.Amount, error) { return spent, nil })
	})
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

// settle ends the hold of an answer. Whoever deletes it charges: nobody else
// can do so again.
func settle(ctx context.Context, tx *sql.Tx, answer desk.AnswerID, spent func() (budget.Amount, error)) error {
	rows, err := tx.QueryContext(ctx, `DELETE FROM holds WHERE answer_id = $1
		RETURNING budget_id, account, starts_at, unit, amount`, answer)
	type held struct {
		budget         desk.BudgetID
		account        string
		starts, amount int64
		unit           desk.BudgetUnit
	}
	holds, err := collect(rows, err, func(r *sql.Rows) (h held, err error) {
		err = r.Scan(&h.budget, &h.account, &h.starts, &h.unit, &h.amount)
		return h, err
	})
	if err != nil || len(holds) == 0 {
		return err
	}
	slices.SortFunc(holds, func(x, y held) int { return cmp.Compare(x.budget, y.budget) }) // as they were taken
	charge, err := spent()
	if err != nil {
		return err
	}
	for _, h := range holds {
		cost := desk.Budget{Unit: h.unit}.Amount(charge.Money, charge.Tokens)
		_, err := tx.ExecContext(ctx, `UPDATE budget_windows SET held = held - $4, spent = spent + $5
			WHERE budget_id = $1 AND account = $2 AND starts_at = $3`, h.budget, h.account, h.starts, h.amount, cost)
		if err != nil {
			return err
		}
	}
	return nil
}

// expireBatch bounds the holds that one call of Expire ends.
const expireBatch = 1000

// Expire charges answers whose hold has run out. A call that had begun and
// never ended counts at its worst case, as the ledger has it.
func (b *Budgets) Expire(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	rows, err := b.db.read.QueryContext(ctx, `SELECT DISTINCT answer_id FROM holds WHERE expires_at < `+b.db.engine.now()+` LIMIT $1`, expireBatch)
	answers, err := collect(rows, err, func(r *sql.Rows) (id desk.AnswerID, err error) {
		err = r.Scan(&id)
		return id, err
	})
	for _, id := range answers {
		if err != nil {
			break
		}
		charged := false
		err = b.db.transact(ctx, func(tx *sql.Tx) error {
			return settle(ctx, tx, id, func() (budget.Amount, error) {
				charged = true
				return begun(ctx, tx, id)
			})
		})
		if charged && err == nil {
			n++
		}
	}
	if err != nil {
		return n, fmt.Errorf("expire holds: %w", b.db.engine.explain(err))
	}
	return n, nil
}

// begun is what the calls of an answer have cost or may have. The offline
// model's tokens are nobody's to pay.
func begun(ctx context.Context, tx *sql.Tx, answer desk.AnswerID) (a budget.Amount, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(SUM(cost), 0), COALESCE(SUM(prompt_tokens + completion_tokens), 0)
		FROM attempts WHERE answer_id = $1 AND provider <> 'offline'`, answer).Scan(&a.Money, &a.Tokens)
	return a, err
}
