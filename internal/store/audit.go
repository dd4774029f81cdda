package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// Audit is the record of who changed what.
type Audit struct{ db *DB }

// Record adds an entry for a change that was made elsewhere; id and time are
// filled in.
func (a *Audit) Record(ctx context.Context, e desk.AuditEntry) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if err := a.db.transact(ctx, func(tx *sql.Tx) error { return audit(ctx, tx, e) }); err != nil {
		return fmt.Errorf("record in the audit log: %w", err)
	}
	return nil
}

// audit adds an entry to the transaction that makes the change.
func audit(ctx context.Context, tx *sql.Tx, e desk.AuditEntry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO audit (id, at, actor, action, tenant, target, detail, request_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		desk.NewAuditID(), time.Now().UnixMicro(), e.Actor.Name, e.Action, e.Tenant, e.Target, e.Detail, e.Actor.Request)
	return err
}

// List returns the entries that q chooses, newest first.
func (a *Audit) List(ctx context.Context, q desk.AuditQuery) ([]desk.AuditEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	since, until, limit := int64(0), int64(1)<<62, int64(1)<<62
	if !q.Since.IsZero() {
		since = q.Since.UnixMicro()
	}
	if !q.Until.IsZero() {
		until = q.Until.UnixMicro()
	}
	if q.Limit > 0 {
		limit = int64(q.Limit)
	}
	rows, err := a.db.read.QueryContext(ctx, `SELECT id, at, actor, action, tenant, target, detail, request_id FROM audit
		WHERE at >= $1 AND at < $2 AND (tenant = $3 OR $3 = '') AND (action = $4 OR $4 = '')
		ORDER BY at DESC, id DESC LIMIT $5`, since, until, string(q.Tenant), q.Action, limit)
	all, err := collect(rows, err, func(r *sql.Rows) (e desk.AuditEntry, err error) {
		var at int64
		err = r.Scan(&e.ID, &at, &e.Actor.Name, &e.Action, &e.Tenant, &e.Target, &e.Detail, &e.Actor.Request)
		e.At = time.UnixMicro(at).UTC()
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list audit log: %w", a.db.engine.explain(err))
	}
	return all, nil
}
