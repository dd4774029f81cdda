package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"kefu/internal/desk"
)

// Tenants are the customers of the installation.
type Tenants struct{ db *DB }

// tenantID is what a tenant may be called: it stands in URLs, keys of Redis
// and command lines.
var tenantID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Create makes a tenant. Errors are *desk.Error with the codes
// tenant_id_invalid and tenant_exists.
func (t *Tenants) Create(ctx context.Context, by desk.Actor, tenant desk.Tenant) (desk.Tenant, error) {
	if !tenantID.MatchString(string(tenant.ID)) {
		return desk.Tenant{}, &desk.Error{
			Kind: desk.Invalid, Code: "tenant_id_invalid", Field: "id",
			Public: "A tenant is named with 1 to 63 small letters, digits, - and _, and begins with a letter or digit.",
		}
	}
	if tenant.Name == "" {
		tenant.Name = string(tenant.ID)
	}
	tenant.Created = fromMillis(millis(time.Now()))
	err := t.db.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
			tenant.ID, tenant.Name, millis(tenant.Created)))
		if err == nil && n == 0 {
			err = &desk.Error{Kind: desk.Conflict, Code: "tenant_exists", Field: "id", Public: fmt.Sprintf("There is a tenant %q already.", tenant.ID)}
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, desk.AuditEntry{Actor: by, Action: "tenant.create", Tenant: tenant.ID, Target: string(tenant.ID)})
	})
	if err != nil {
		return desk.Tenant{}, fmt.Errorf("create tenant: %w", err)
	}
	return tenant, nil
}

const selectTenants = `SELECT id, name, created_at FROM tenants ORDER BY id`

func scanTenant(r *sql.Rows) (t desk.Tenant, err error) {
	var created int64
	err = r.Scan(&t.ID, &t.Name, &created)
	t.Created = fromMillis(created)
	return t, err
}

// List returns all tenants by their ids.
func (t *Tenants) List(ctx context.Context) ([]desk.Tenant, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := t.db.read.QueryContext(ctx, selectTenants)
	all, err := collect(rows, err, scanTenant)
	if err != nil {
		return nil, fmt.Errorf("list tenants: %w", t.db.engine.explain(err))
	}
	return all, nil
}

// Check returns a *desk.Error of kind NotFound, code tenant_not_found, where
// there is no such tenant.
func (t *Tenants) Check(ctx context.Context, id desk.TenantID) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := tenantExists(ctx, t.db.read, id); err != nil {
		return fmt.Errorf("check tenant: %w", t.db.engine.explain(err))
	}
	return nil
}

func tenantExists(ctx context.Context, q queryer, id desk.TenantID) error {
	var one int
	err := q.QueryRowContext(ctx, `SELECT 1 FROM tenants WHERE id = $1`, id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return &desk.Error{
			Kind: desk.NotFound, Code: "tenant_not_found", Field: "tenant",
			Public: fmt.Sprintf("There is no tenant %q.", id),
		}
	}
	return err
}

// change runs f, which changes what keys and budgets there are, in one
// transaction that also tells every replica to look.
func (db *DB) change(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	return db.transact(ctx, func(tx *sql.Tx) error {
		if err := f(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE access_version SET version = version + 1 WHERE id = 1`)
		return err
	})
}

// affected is the number of rows that a statement changed.
func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
