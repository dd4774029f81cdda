package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// Occupy gives the source to l until ttl from now, by the database's clock, and
// returns who has it: l, or the one who had it before and is still there.
func (d *Documents) Occupy(ctx context.Context, tenant desk.TenantID, source string, l desk.SourceLease, ttl time.Duration) (holder desk.SourceLease, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	now := d.db.engine.now()
	err = d.db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO source_leases (tenant, source, id, author, host, pid, since, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, `+now+`, `+now+` + CAST($7 AS BIGINT))
			ON CONFLICT (tenant, source) DO UPDATE SET id = excluded.id, author = excluded.author, host = excluded.host, pid = excluded.pid,
				since = excluded.since, expires_at = excluded.expires_at
			WHERE source_leases.expires_at < `+now,
			tenant, source, l.ID, l.Author, l.Host, l.PID, ttl.Milliseconds())
		if err != nil {
			return err
		}
		var since, expires int64
		err = tx.QueryRowContext(ctx, `SELECT id, author, host, pid, since, expires_at FROM source_leases WHERE tenant = $1 AND source = $2`, tenant, source).
			Scan(&holder.ID, &holder.Author, &holder.Host, &holder.PID, &since, &expires)
		holder.Since, holder.Expires = fromMillis(since), fromMillis(expires)
		return err
	})
	if err != nil {
		return desk.SourceLease{}, fmt.Errorf("occupy source: %w", err)
	}
	return holder, nil
}

// Keep prolongs a lease. The error is a *desk.Error with the code sync_lost where
// somebody else has the source.
func (d *Documents) Keep(ctx context.Context, tenant desk.TenantID, source, lease string, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := d.db.transact(ctx, func(tx *sql.Tx) error {
		return d.keep(ctx, tx, tenant, source, lease, ttl)
	})
	if err != nil {
		return fmt.Errorf("keep source: %w", err)
	}
	return nil
}

func (d *Documents) keep(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, source, lease string, ttl time.Duration) error {
	var id string
	err := tx.QueryRowContext(ctx, `UPDATE source_leases SET expires_at = `+d.db.engine.now()+` + CAST($4 AS BIGINT)
		WHERE tenant = $1 AND source = $2 AND id = $3 RETURNING id`, tenant, source, lease, ttl.Milliseconds()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return &desk.Error{
			Kind: desk.Conflict, Code: "sync_lost", Field: "source",
			Public: fmt.Sprintf("somebody else has begun to load into the source %q, because this load gave no sign for too long; nothing has changed, load again", source),
		}
	}
	return err
}

// Vacate ends a lease; one that has ended is passed over.
func (d *Documents) Vacate(ctx context.Context, tenant desk.TenantID, source, lease string) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if _, err := d.db.write.ExecContext(ctx, `DELETE FROM source_leases WHERE tenant = $1 AND source = $2 AND id = $3`, tenant, source, lease); err != nil {
		return fmt.Errorf("vacate source: %w", d.db.engine.explain(err))
	}
	return nil
}
