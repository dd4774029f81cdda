package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
)

// Keys are the keys that callers show, without their secrets.
type Keys struct{ db *DB }

const keyColumns = `id, tenant, name, role, prefix, created_at, expires_at, revoked_at, account`

// Create makes a key of k's tenant, name, role and expiry. The secret is
// returned this once. Errors are *desk.Error with the codes tenant_not_found,
// key_role_invalid, key_admin_tenant and key_expired.
func (k *Keys) Create(ctx context.Context, by desk.Actor, key desk.Key) (made desk.Key, secret string, err error) {
	if err := soundKey(key); err != nil {
		return desk.Key{}, "", err
	}
	err = k.db.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := tenantExists(ctx, tx, key.Tenant); err != nil {
			return err
		}
		made, secret, err = insertKey(ctx, tx, by, "key.create", key)
		return err
	})
	if err != nil {
		return desk.Key{}, "", fmt.Errorf("create key: %w", err)
	}
	return made, secret, nil
}

func soundKey(key desk.Key) error {
	switch {
	case !key.Role.Allows(desk.RoleWidget):
		return &desk.Error{
			Kind: desk.Invalid, Code: "key_role_invalid", Field: "role",
			Public: fmt.Sprintf("There is no role %q; the roles are widget, ask, operator and admin.", key.Role),
		}
	case key.Role == desk.RoleAdmin && key.Tenant != desk.DefaultTenant:
		return &desk.Error{
			Kind: desk.Invalid, Code: "key_admin_tenant", Field: "tenant",
			Public: "An admin key is for the whole installation and belongs to the default tenant; give a tenant's people the role operator.",
		}
	case !key.Expires.IsZero() && !key.Expires.After(time.Now()):
		return &desk.Error{Kind: desk.Invalid, Code: "key_expired", Field: "expires_at", Public: "The key would have expired already."}
	}
	return nil
}

func insertKey(ctx context.Context, tx *sql.Tx, by desk.Actor, action string, key desk.Key) (desk.Key, string, error) {
	secret := access.NewSecret()
	key.ID, key.Prefix = desk.NewKeyID(), access.Prefix(secret)
	key.Created, key.Revoked = fromMillis(millis(time.Now())), time.Time{}
	key.Name, key.Account = cmp.Or(key.Name, string(key.Role)), cmp.Or(key.Account, key.ID)
	hash := access.Hash(secret)
	_, err := tx.ExecContext(ctx, `INSERT INTO api_keys (id, tenant, name, role, prefix, hash, created_at, expires_at, revoked_at, account)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)`,
		key.ID, key.Tenant, key.Name, key.Role, key.Prefix, hash[:], millis(key.Created), orZero(key.Expires), key.Account)
	if err != nil {
		return desk.Key{}, "", err
	}
	err = audit(ctx, tx, desk.AuditEntry{
		Actor: by, Action: action, Tenant: key.Tenant, Target: string(key.ID),
		Detail: fmt.Sprintf("%s %q %s…", key.Role, key.Name, key.Prefix),
	})
	return key, secret, err
}

// Rotate makes a key like another, which ends after overlap. Both spend from the
// same budgets. Errors are those of Revoke, and key_revoked for one that may not
// be used any more.
func (k *Keys) Rotate(ctx context.Context, by desk.Actor, id desk.KeyID, overlap time.Duration) (made desk.Key, secret string, err error) {
	err = k.db.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		old, err := keyByID(ctx, tx, id)
		if err != nil {
			return err
		}
		now := time.Now()
		if !old.Live(now) {
			return &desk.Error{Kind: desk.Conflict, Code: "key_revoked", Field: "id", Public: fmt.Sprintf("The key %q has ended; make a new one.", id)}
		}
		ends := now.Add(overlap)
		if !old.Expires.IsZero() && old.Expires.Before(ends) {
			ends = old.Expires
		}
		next := old
		if !old.Expires.IsZero() { // as long a life as the other had
			next.Expires = now.Add(old.Expires.Sub(old.Created))
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET expires_at = $1 WHERE id = $2`, millis(ends), id); err != nil {
			return err
		}
		made, secret, err = insertKey(ctx, tx, by, "key.rotate", next)
		return err
	})
	if err != nil {
		return desk.Key{}, "", fmt.Errorf("rotate key: %w", err)
	}
	return made, secret, nil
}

// Revoke ends a key: within 5 s no replica takes it. The error is a
// *desk.Error of kind NotFound, code key_not_found, when there is none.
func (k *Keys) Revoke(ctx context.Context, by desk.Actor, id desk.KeyID) error {
	err := k.db.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		key, err := keyByID(ctx, tx, id)
		if err != nil || !key.Revoked.IsZero() {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET revoked_at = $1 WHERE id = $2`, millis(time.Now()), id); err != nil {
			return err
		}
		return audit(ctx, tx, desk.AuditEntry{
			Actor: by, Action: "key.revoke", Tenant: key.Tenant, Target: string(id), Detail: fmt.Sprintf("%q %s…", key.Name, key.Prefix),
		})
	})
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	return nil
}

// Get returns a key. The error is that of Revoke.
func (k *Keys) Get(ctx context.Context, id desk.KeyID) (desk.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	key, err := keyByID(ctx, k.db.read, id)
	if err != nil {
		return desk.Key{}, fmt.Errorf("get key: %w", k.db.engine.explain(err))
	}
	return key, nil
}

func keyByID(ctx context.Context, q queryer, id desk.KeyID) (desk.Key, error) {
	key, err := scanKey(q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = noKey(id)
	}
	return key, err
}

func noKey(id desk.KeyID) error {
	return &desk.Error{Kind: desk.NotFound, Code: "key_not_found", Field: "id", Public: fmt.Sprintf("There is no key %q.", id)}
}

// List returns the keys of a tenant, of all where that is empty, oldest first.
func (k *Keys) List(ctx context.Context, tenant desk.TenantID) ([]desk.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := k.db.read.QueryContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE tenant = $1 OR $1 = '' ORDER BY created_at, id`, string(tenant))
	keys, err := collect(rows, err, func(r *sql.Rows) (desk.Key, error) { return scanKey(r) })
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", k.db.engine.explain(err))
	}
	return keys, nil
}

func scanKey(row scanner, more ...any) (desk.Key, error) {
	var key desk.Key
	var created, expires, revoked int64
	err := row.Scan(append([]any{&key.ID, &key.Tenant, &key.Name, &key.Role, &key.Prefix, &created, &expires, &revoked, &key.Account}, more...)...)
	key.Account = cmp.Or(key.Account, key.ID)
	key.Created, key.Expires, key.Revoked = fromMillis(created), timeOrZero(expires), timeOrZero(revoked)
	return key, err
}

// orZero stores the zero time as 0.
func orZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return millis(t)
}

func timeOrZero(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return fromMillis(ms)
}

var _ access.Source = (*DB)(nil)

// Access returns what keys, budgets and tenants there are, where their version is
// another than since; ok tells whether it is.
func (db *DB) Access(ctx context.Context, since int64) (rules access.Rules, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	version := `SELECT version FROM access_version WHERE id = 1`
	if err := db.read.QueryRowContext(ctx, version).Scan(&rules.Version); err != nil || rules.Version == since {
		return rules, false, db.explainRules(err)
	}
	err = db.snapshot(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, version).Scan(&rules.Version); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM api_keys WHERE role IN ('ask', 'widget')`).Scan(&rules.Asking)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT `+keyColumns+`, hash FROM api_keys WHERE revoked_at = 0`)
		if rules.Keys, err = collect(rows, err, scanHashedKey); err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, `SELECT `+budgetColumns+` FROM budgets ORDER BY id`)
		if rules.Budgets, err = collect(rows, err, func(r *sql.Rows) (desk.Budget, error) { return scanBudget(r) }); err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, selectTenants)
		rules.Tenants, err = collect(rows, err, scanTenant)
		return err
	})
	return rules, err == nil, db.explainRules(err)
}

func (db *DB) explainRules(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read keys and budgets: %w", db.engine.explain(err))
}

func scanHashedKey(r *sql.Rows) (k access.HashedKey, err error) {
	var hash []byte
	k.Key, err = scanKey(r, &hash)
	copy(k.Hash[:], hash)
	return k, err
}
