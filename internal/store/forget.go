package store

import (
	"context"
	"fmt"
	"time"
)

// Retention says until when things are kept: what is older is removed. Zero
// times keep everything.
type Retention struct {
	Turns   time.Time // of conversations
	Answers time.Time // with their questions and traces
	Ledger  time.Time // calls to providers, and past days and months of budgets
	Ended   time.Time // sessions and sign-in links, by when they expired
	Erased  time.Time // that somebody was deleted
}

// Forgotten counts what was removed.
type Forgotten struct{ Turns, Answers, Attempts, Windows, Sessions, Links, Erasures int64 }

// Any tells whether anything was removed.
func (f Forgotten) Any() bool { return f != Forgotten{} }

// Forget removes what is older than r. Windows of budgets with a hold stay.
// After an error the counts are those of what was removed before it.
func (db *DB) Forget(ctx context.Context, r Retention) (f Forgotten, err error) {
	for _, part := range []struct {
		before    time.Time
		statement string
		count     *int64
	}{
		{r.Turns, `DELETE FROM turns WHERE at < $1`, &f.Turns},
		{r.Answers, `DELETE FROM answers WHERE asked_at < $1`, &f.Answers},
		{r.Ledger, `DELETE FROM attempts WHERE started_at < $1`, &f.Attempts},
		{r.Ledger, `DELETE FROM budget_windows WHERE starts_at < $1 AND held = 0`, &f.Windows},
		{r.Ended, `DELETE FROM sessions WHERE expires_at < $1`, &f.Sessions},
		{r.Ended, `DELETE FROM sign_in_links WHERE expires_at < $1`, &f.Links},
		{r.Erased, `DELETE FROM erasures WHERE at < $1`, &f.Erasures},
	} {
		if part.before.IsZero() {
			continue
		}
		if *part.count, err = db.remove(ctx, part.statement, part.before); err != nil {
			return f, fmt.Errorf("forget: %w", err)
		}
	}
	return f, nil
}

func (db *DB) remove(ctx context.Context, statement string, before time.Time) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	n, err := affected(db.write.ExecContext(ctx, statement, millis(before)))
	return n, db.engine.explain(err)
}
