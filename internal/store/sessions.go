package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
)

// Sessions are those signed in to the console, and the links that let them in.
type Sessions struct{ db *DB }

var _ access.SessionStore = (*Sessions)(nil)

const sessionColumns = `id, tenant, role, key_id, opened_at, seen_at, expires_at`

// MakeLink makes a link and returns its token this once. Errors are
// *desk.Error with the codes tenant_not_found, key_role_invalid,
// key_admin_tenant and key_expired.
func (s *Sessions) MakeLink(ctx context.Context, by desk.Actor, link desk.Link) (token string, err error) {
	if err := soundKey(desk.Key{Tenant: link.Tenant, Role: link.Role, Expires: link.Expires}); err != nil {
		return "", err
	}
	if !link.Role.Allows(desk.RoleOperator) {
		return "", &desk.Error{Kind: desk.Invalid, Code: "key_role_invalid", Field: "role", Public: "The console is for the roles operator and admin."}
	}
	token = access.NewToken()
	hash := access.Hash(token)
	err = s.edit(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := tenantExists(ctx, tx, link.Tenant); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sign_in_links (hash, tenant, role, made_by, expires_at) VALUES ($1, $2, $3, $4, $5)`,
			hash[:], link.Tenant, link.Role, by.Name, millis(link.Expires))
		if err != nil {
			return err
		}
		return audit(ctx, tx, desk.AuditEntry{Actor: by, Action: "link.create", Tenant: link.Tenant, Detail: string(link.Role)})
	})
	if err != nil {
		return "", fmt.Errorf("make link: %w", err)
	}
	return token, nil
}

// Open keeps a session that a key opened.
func (s *Sessions) Open(ctx context.Context, open access.OpenSession) error {
	err := s.edit(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return insertSession(ctx, tx, string(open.Key.ID), open)
	})
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	return nil
}

// OpenByLink spends a link and keeps a session of its tenant and role. Of
// several at a time one succeeds, for the others the error is a *desk.Error of
// kind Unauthorised, code link_invalid.
func (s *Sessions) OpenByLink(ctx context.Context, link [sha256.Size]byte, open access.OpenSession) (desk.Session, error) {
	err := s.edit(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var by string
		err := tx.QueryRowContext(ctx, `DELETE FROM sign_in_links WHERE hash = $1 AND expires_at > $2 RETURNING tenant, role, made_by`,
			link[:], millis(time.Now())).Scan(&open.Key.Tenant, &open.Key.Role, &by)
		if errors.Is(err, sql.ErrNoRows) {
			return &desk.Error{
				Kind: desk.Unauthorised, Code: "link_invalid",
				Public: "This link was used or has expired. 'kefu console link' makes a new one.",
			}
		}
		if err != nil {
			return err
		}
		open.Key = byLink(open.Session).Key
		return insertSession(ctx, tx, by, open)
	})
	if err != nil {
		return desk.Session{}, fmt.Errorf("open session: %w", err)
	}
	return open.Session, nil
}

// byLink gives a session of a link its own key.
func byLink(s desk.Session) desk.Session {
	s.Key.ID, s.Key.Name, s.Key.Created, s.Key.Expires = desk.KeyID(s.ID), "sign-in link", s.Opened, s.Expires
	return s
}

func insertSession(ctx context.Context, tx *sql.Tx, by string, o access.OpenSession) error {
	keyID := o.Key.ID
	bound := o.Binding[:]
	if o.Binding == [sha256.Size]byte{} {
		keyID, bound = "", []byte{}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO sessions (hash, binding, `+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		o.Hash[:], bound, o.ID, o.Key.Tenant, o.Key.Role, keyID, millis(o.Opened), millis(o.Seen), millis(o.Expires))
	if err != nil {
		return err
	}
	return audit(ctx, tx, desk.AuditEntry{
		Actor: desk.Actor{Name: by}, Action: "session.open", Tenant: o.Key.Tenant, Target: string(o.ID), Detail: string(o.Key.Role),
	})
}

// Find returns the session with that hash; ok is false where there is none.
func (s *Sessions) Find(ctx context.Context, hash [sha256.Size]byte) (found access.OpenSession, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	var bound []byte
	found.Session, err = scanSession(s.db.read.QueryRowContext(ctx, `SELECT `+sessionColumns+`, binding FROM sessions WHERE hash = $1`, hash[:]), &bound)
	if errors.Is(err, sql.ErrNoRows) {
		return access.OpenSession{}, false, nil
	}
	if err != nil {
		return access.OpenSession{}, false, fmt.Errorf("find session: %w", s.db.engine.explain(err))
	}
	found.Hash = hash
	copy(found.Binding[:], bound)
	return found, true, nil
}

// Seen notes that a session was used at a time.
func (s *Sessions) Seen(ctx context.Context, id desk.SessionID, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if _, err := s.db.write.ExecContext(ctx, `UPDATE sessions SET seen_at = $1 WHERE id = $2`, millis(at), id); err != nil {
		return fmt.Errorf("note use of session: %w", s.db.engine.explain(err))
	}
	return nil
}

// End removes a session: no replica takes it any more. The error is a
// *desk.Error of kind NotFound, code session_not_found, where there is none.
func (s *Sessions) End(ctx context.Context, by desk.Actor, id desk.SessionID) error {
	err := s.edit(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var tenant desk.TenantID
		err := tx.QueryRowContext(ctx, `DELETE FROM sessions WHERE id = $1 RETURNING tenant`, id).Scan(&tenant)
		if errors.Is(err, sql.ErrNoRows) {
			return &desk.Error{Kind: desk.NotFound, Code: "session_not_found", Field: "id", Public: fmt.Sprintf("There is no session %q.", id)}
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, desk.AuditEntry{Actor: by, Action: "session.end", Tenant: tenant, Target: string(id)})
	})
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

func (s *Sessions) edit(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	return s.db.transact(ctx, func(tx *sql.Tx) error { return f(ctx, tx) })
}

// List returns the sessions that have not expired, oldest first.
func (s *Sessions) List(ctx context.Context) ([]desk.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := s.db.read.QueryContext(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE expires_at > $1 ORDER BY opened_at, id`, millis(time.Now()))
	all, err := collect(rows, err, func(r *sql.Rows) (desk.Session, error) { return scanSession(r) })
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", s.db.engine.explain(err))
	}
	return all, nil
}

// Visited tells whether anybody ever signed in.
func (s *Sessions) Visited(ctx context.Context) (bool, error) {
	entries, err := s.db.audit.List(ctx, desk.AuditQuery{Action: "session.open", Limit: 1})
	return len(entries) > 0, err
}

func scanSession(row scanner, more ...any) (desk.Session, error) {
	var s desk.Session
	var opened, seen, expires int64
	err := row.Scan(append([]any{&s.ID, &s.Key.Tenant, &s.Key.Role, &s.Key.ID, &opened, &seen, &expires}, more...)...)
	s.Opened, s.Seen, s.Expires = fromMillis(opened), fromMillis(seen), fromMillis(expires)
	if s.Key.ID == "" {
		s = byLink(s)
	}
	return s, err
}
