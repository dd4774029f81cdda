package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// Synced records, by the database's clock, that a source was made equal to what
// it comes from and is to be again within that time; 0: nobody promised. A source
// without documents is forgotten.
func (d *Documents) Synced(ctx context.Context, tenant desk.TenantID, source string, kind desk.SourceKind, again time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := d.db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO syncs (tenant, source, kind, at, again) VALUES ($1, $2, $3, `+d.db.engine.now()+`, $4)
			ON CONFLICT (tenant, source) DO UPDATE SET kind = excluded.kind, at = excluded.at, again = excluded.again`,
			tenant, source, kind, again.Milliseconds())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM syncs WHERE tenant = $1 AND source = $2 AND NOT EXISTS (
			SELECT 1 FROM documents d JOIN versions v ON v.tenant = d.tenant AND v.document_id = d.id AND v.hash = d.hash
			WHERE d.tenant = $1 AND d.until IS NULL AND v.source = $2)`, tenant, source)
		return err
	})
	if err != nil {
		return fmt.Errorf("record the sync: %w", err)
	}
	return nil
}

// Syncs lists when the sources of all tenants were last synced, by tenant and
// source.
func (d *Documents) Syncs(ctx context.Context) ([]desk.Sync, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := d.db.read.QueryContext(ctx, `SELECT tenant, source, kind, at, again FROM syncs ORDER BY tenant, source`)
	syncs, err := collect(rows, err, func(r *sql.Rows) (s desk.Sync, err error) {
		var at, again int64
		err = r.Scan(&s.Tenant, &s.Source, &s.Kind, &at, &again)
		s.At = fromMillis(at)
		if again != 0 {
			s.Due = fromMillis(at + again)
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list syncs: %w", d.db.engine.explain(err))
	}
	return syncs, nil
}
