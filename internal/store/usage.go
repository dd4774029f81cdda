package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// day is the number of milliseconds in one.
const day = 24 * time.Hour / time.Millisecond

// Usage sums up what a tenant asked and spent since a moment, by day (UTC).
func (db *DB) Usage(ctx context.Context, tenant desk.TenantID, since time.Time) (desk.UsageReport, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var report desk.UsageReport
	err := db.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT started_at / $3 AS day, model, provider, COUNT(*),
				SUM(CASE WHEN failure = '' THEN 0 ELSE 1 END), SUM(prompt_tokens), SUM(completion_tokens), SUM(cost),
				SUM(CASE WHEN priced THEN 0 ELSE 1 END)
			FROM attempts WHERE tenant = $1 AND started_at >= $2
			GROUP BY 1, model, provider ORDER BY 1 DESC, model, provider`, tenant, millis(since), int64(day))
		report.Models, err = collect(rows, err, func(r *sql.Rows) (u desk.ModelUsage, err error) {
			var n int64
			err = r.Scan(&n, &u.Model, &u.Provider, &u.Calls, &u.Failed, &u.Prompt, &u.Completion, &u.Cost, &u.Unpriced)
			u.Day = fromMillis(n * int64(day))
			return u, err
		})
		if err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, `SELECT asked_at / $3 AS day, route, outcome, COUNT(*), SUM(cost)
			FROM answers WHERE tenant = $1 AND asked_at >= $2
			GROUP BY 1, route, outcome ORDER BY 1 DESC, route, outcome`, tenant, millis(since), int64(day))
		report.Routes, err = collect(rows, err, func(r *sql.Rows) (u desk.RouteUsage, err error) {
			var n int64
			err = r.Scan(&n, &u.Route, &u.Outcome, &u.Answers, &u.Cost)
			u.Day = fromMillis(n * int64(day))
			return u, err
		})
		return err
	})
	if err != nil {
		return desk.UsageReport{}, fmt.Errorf("read usage: %w", err)
	}
	return report, nil
}
