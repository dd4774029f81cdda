package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kefu/internal/desk"
)

// AddAskings counts how often the cache gave answers again between two moments.
// Those that are not recorded are passed over. A handoff that was resolved
// before is open again: another customer waits for the same.
func (a *Answers) AddAskings(ctx context.Context, given map[desk.AnswerID]int64, from, to time.Time) error {
	if len(given) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := a.db.transact(ctx, func(tx *sql.Tx) error {
		add, err := tx.PrepareContext(ctx, `UPDATE answers SET askings = askings + $2 WHERE id = $1`)
		if err != nil {
			return err
		}
		defer add.Close()
		wait, err := tx.PrepareContext(ctx, `UPDATE handoffs SET again_at = $2, raised_at = $2,
			state = CASE WHEN state = 'resolved' AND handled_at < $3 THEN 'open' ELSE state END WHERE answer_id = $1`)
		if err != nil {
			return err
		}
		defer wait.Close()
		for _, id := range slices.Sorted(maps.Keys(given)) { // in one order everywhere, so that no two wait for each other
			if _, err := add.ExecContext(ctx, id, given[id]); err != nil {
				return err
			}
			if _, err := wait.ExecContext(ctx, id, millis(to), millis(from)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count askings: %w", err)
	}
	return nil
}

// maxAsked bounds what is read at once: the latest count.
const maxAsked = 2000

// MostAsked lists the n questions of a tenant that were asked most since a
// moment and were answered, by the latest 2,000 answers. Those that leaned on a
// conversation are not among them.
func (a *Answers) MostAsked(ctx context.Context, tenant desk.TenantID, since time.Time, n int) ([]desk.Masked, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	type asked struct {
		question desk.Masked
		leans    bool
		times    int64
	}
	rows, err := a.db.read.QueryContext(ctx, `SELECT id, question, trace, askings + 1 FROM answers
		WHERE tenant = $1 AND asked_at >= $2 AND outcome = $3 AND NOT pleasantry ORDER BY asked_at DESC, id LIMIT $4`,
		tenant, millis(since), desk.Answered, maxAsked)
	all, err := collect(rows, err, func(r *sql.Rows) (q asked, err error) {
		var id desk.AnswerID
		var trace desk.Masked
		if err := r.Scan(&id, &q.question, &trace, &q.times); err != nil {
			return q, err
		}
		err = errors.Join(a.db.unseal(&q.question, inAnswer("question", id)), a.db.unseal(&trace, inAnswer("trace", id)))
		q.leans = strings.Contains(string(trace), `"standalone":`)
		return q, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the most asked: %w", a.db.engine.explain(err))
	}
	times := map[desk.Masked]int64{}
	for _, q := range all {
		if !q.leans {
			times[q.question] += q.times
		}
	}
	most := slices.SortedFunc(maps.Keys(times), func(x, y desk.Masked) int {
		return cmp.Or(cmp.Compare(times[y], times[x]), cmp.Compare(x, y))
	})
	return most[:min(n, len(most))], nil
}
