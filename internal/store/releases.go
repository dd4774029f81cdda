package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"kefu/internal/desk"
)

// abandoned is the age from which on a version that was staged and is part of
// no release counts as never to be published.
const abandoned = 24 * time.Hour

const releaseColumns = `rev, kind, source, author, restored, at, added, updated, removed`

func insertRelease(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, r desk.Release) (time.Time, error) {
	at := millis(time.Now())
	_, err := tx.ExecContext(ctx, `INSERT INTO releases (tenant, `+releaseColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		tenant, r.Revision, r.Kind, r.Source, r.Author, r.Restored, at, r.Added, r.Updated, r.Removed)
	if err != nil {
		return time.Time{}, fmt.Errorf("record release: %w", err)
	}
	return fromMillis(at), nil
}

// Releases returns at most n of the tenant's releases that can be returned to,
// newest first, and only those before a revision unless that is 0.
func (d *Documents) Releases(ctx context.Context, tenant desk.TenantID, before desk.Revision, n int) ([]desk.Release, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := d.db.read.QueryContext(ctx, `SELECT `+releaseColumns+` FROM releases
		WHERE tenant = $1 AND (CAST($2 AS BIGINT) = 0 OR rev < $2) ORDER BY rev DESC LIMIT $3`, tenant, before, n)
	releases, err := collect(rows, err, func(r *sql.Rows) (desk.Release, error) {
		var out desk.Release
		var at int64
		err := r.Scan(&out.Revision, &out.Kind, &out.Source, &out.Author, &out.Restored, &at, &out.Added, &out.Updated, &out.Removed)
		out.At = fromMillis(at)
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", d.db.engine.explain(err))
	}
	return releases, nil
}

// Rollback restores, as a new release, what the tenant's documents were at an
// earlier one. No text and no vector moves: documents point to their versions
// of then. The error is a *desk.Error of kind NotFound, code
// release_not_found, when there is no such release or it has been collected.
func (d *Documents) Rollback(ctx context.Context, tenant desk.TenantID, to desk.Revision, author string) (desk.Release, error) {
	r := desk.Release{Kind: desk.ReleaseRollback, Author: author, Restored: to}
	r, err := d.publish(ctx, tenant, r, func(ctx context.Context, tx *sql.Tx, rev desk.Revision) (changed, error) {
		if err := kept(ctx, tx, tenant, to); err != nil {
			return changed{}, err
		}
		rows, err := tx.QueryContext(ctx, `UPDATE documents SET until = $3
			WHERE until IS NULL AND tenant = $1 AND revision > $2 RETURNING id`, tenant, to, rev)
		ended, err := collect(rows, err, scanID)
		if err != nil {
			return changed{}, fmt.Errorf("end what came later: %w", err)
		}
		rows, err = tx.QueryContext(ctx, `INSERT INTO documents (tenant, id, revision, hash, updated_at)
			SELECT tenant, id, CAST($3 AS BIGINT), hash, CAST($4 AS BIGINT) FROM documents
			WHERE tenant = $1 AND revision <= $2 AND until > $2 RETURNING id`, tenant, to, rev, millis(time.Now()))
		restored, err := collect(rows, err, scanID)
		if err != nil {
			return changed{}, fmt.Errorf("restore what was: %w", err)
		}
		return difference(ended, restored), nil
	})
	if err != nil {
		return desk.Release{}, fmt.Errorf("roll back: %w", err)
	}
	return r, nil
}

// kept fails unless the tenant can return to the release.
func kept(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, rev desk.Revision) error {
	var one int
	err := tx.QueryRowContext(ctx, `SELECT 1 FROM releases WHERE tenant = $1 AND rev = $2`, tenant, rev).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return &desk.Error{
			Kind: desk.NotFound, Code: "release_not_found", Field: "revision",
			Public: fmt.Sprintf("There is no release %d to return to; only the last ones are kept.", rev),
		}
	}
	return err
}

// Collect forgets the tenant's releases but for the last keep, at least 1, and
// what only they held. It works in small transactions, and what it could not
// finish the next call does.
func (d *Documents) Collect(ctx context.Context, tenant desk.TenantID, keep int) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	var oldest desk.Revision
	err := d.db.read.QueryRowContext(ctx,
		`SELECT rev FROM releases WHERE tenant = $1 ORDER BY rev DESC LIMIT 1 OFFSET $2`, tenant, max(keep, 1)-1).Scan(&oldest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // then all are kept
		return fmt.Errorf("collect: %w", d.db.engine.explain(err))
	}
	err = d.db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM releases WHERE tenant = $1 AND rev < $2`, tenant, oldest)
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM documents WHERE tenant = $1 AND until <= $2`, tenant, oldest)
		}
		return err
	})
	for more := true; err == nil && more; {
		err = d.db.transact(ctx, func(tx *sql.Tx) (err error) {
			more, err = collectVersions(ctx, tx, tenant, time.Now().Add(-abandoned))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("collect: %w", err)
	}
	return nil
}

// collectVersions deletes some versions that no document points to, and the
// vectors that nothing else needs; more tells that there may be others.
func collectVersions(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, before time.Time) (more bool, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT v.document_id, v.hash FROM versions v
		WHERE v.tenant = $1 AND v.staged_at < $2 AND NOT EXISTS (
			SELECT 1 FROM documents d WHERE d.tenant = v.tenant AND d.id = v.document_id AND d.hash = v.hash)
		LIMIT $3`, tenant, millis(before), groups[0])
	unused, err := collect(rows, err, func(r *sql.Rows) (v desk.Version, err error) {
		err = r.Scan(&v.Document, &v.Hash)
		return v, err
	})
	if err != nil {
		return false, err
	}
	for _, v := range unused {
		if err := deleteVersion(ctx, tx, tenant, v); err != nil {
			return false, err
		}
	}
	return len(unused) == groups[0], nil
}

func deleteVersion(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, v desk.Version) error {
	rows, err := tx.QueryContext(ctx,
		`DELETE FROM chunks WHERE tenant = $1 AND document_id = $2 AND hash = $3 RETURNING vector_key`, tenant, v.Document, v.Hash)
	keys, err := collect(rows, err, func(r *sql.Rows) (key any, err error) {
		err = r.Scan(&key)
		return key, err
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(keys, groups[0]) {
		_, err := tx.ExecContext(ctx, `DELETE FROM vectors WHERE tenant = $1 AND key IN (`+placeholders(2, len(some))+`)
			AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.tenant = vectors.tenant AND c.vector_key = vectors.key)`, append([]any{tenant}, some...)...)
		if err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM versions WHERE tenant = $1 AND document_id = $2 AND hash = $3`, tenant, v.Document, v.Hash)
	return err
}
