package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// Expect replaces what is known of a source's files on their way in, by those
// that are queued now. Failures of before are forgotten.
func (d *Documents) Expect(ctx context.Context, tenant desk.TenantID, source string, paths []string) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	queued := make([]desk.Intake, len(paths))
	for i, p := range paths {
		queued[i] = desk.Intake{Source: source, Path: p, State: desk.Queued}
	}
	err := d.db.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM intake WHERE tenant = $1 AND source = $2`, tenant, source); err != nil {
			return err
		}
		return d.insertIntake(ctx, tx, tenant, queued)
	})
	if err != nil {
		return fmt.Errorf("queue files: %w", err)
	}
	return nil
}

// Note records how far files have come.
func (d *Documents) Note(ctx context.Context, tenant desk.TenantID, files []desk.Intake) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := d.db.transact(ctx, func(tx *sql.Tx) error { return d.insertIntake(ctx, tx, tenant, files) })
	if err != nil {
		return fmt.Errorf("note the state of files: %w", err)
	}
	return nil
}

func (d *Documents) insertIntake(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, files []desk.Intake) error {
	now := millis(time.Now())
	in := insert{
		mark: d.db.engine.mark, table: "intake",
		columns: []string{"tenant", "source", "path", "document_id", "state", "code", "reason", "since"},
		conflict: `ON CONFLICT (tenant, source, path) DO UPDATE SET document_id = excluded.document_id, state = excluded.state,
			code = excluded.code, reason = excluded.reason, since = excluded.since`,
	}
	return in.exec(ctx, tx, len(files), func(args []any, i int) []any {
		f := files[i]
		return append(args, tenant, f.Source, clean(f.Path), f.Document, f.State, f.Code, clean(f.Reason), now)
	})
}

// Settle forgets a source's files but for those that failed: the others are
// published, or as they were.
func (d *Documents) Settle(ctx context.Context, tenant desk.TenantID, source string) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	_, err := d.db.write.ExecContext(ctx,
		`DELETE FROM intake WHERE tenant = $1 AND source = $2 AND state <> $3`, tenant, source, desk.Failed)
	if err != nil {
		return fmt.Errorf("settle files: %w", d.db.engine.explain(err))
	}
	return nil
}

// Forget drops what is known of files on their way in: they are published.
func (d *Documents) Forget(ctx context.Context, tenant desk.TenantID, files []desk.Intake) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := d.db.transact(ctx, func(tx *sql.Tx) error {
		for _, f := range files {
			_, err := tx.ExecContext(ctx, `DELETE FROM intake WHERE tenant = $1 AND source = $2 AND path = $3`, tenant, f.Source, f.Path)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget files: %w", err)
	}
	return nil
}

// Intake lists the tenant's files that are on their way in or failed, by
// source and path.
func (d *Documents) Intake(ctx context.Context, tenant desk.TenantID) ([]desk.Intake, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := d.db.read.QueryContext(ctx, `SELECT source, path, document_id, state, code, reason, since
		FROM intake WHERE tenant = $1 ORDER BY source, path`, tenant)
	files, err := collect(rows, err, func(r *sql.Rows) (f desk.Intake, err error) {
		var since int64
		err = r.Scan(&f.Source, &f.Path, &f.Document, &f.State, &f.Code, &f.Reason, &since)
		f.Since = fromMillis(since)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("list files: %w", d.db.engine.explain(err))
	}
	return files, nil
}
