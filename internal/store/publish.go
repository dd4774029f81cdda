package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"kefu/internal/desk"
)

// Publish shows staged documents and takes others away, all at once, as the
// release that it returns: one revision, one transaction, a row a document.
// What changes nothing is no release: putting what is served already, removing
// what is not there. When nothing is left to do, the release returned has the
// revision that stands and counts nothing. Replicas see the change a little
// later: see WaitAcknowledged. The error has the code sync_lost where the lease
// of the change has gone to somebody else.
func (d *Documents) Publish(ctx context.Context, tenant desk.TenantID, c desk.Change) (desk.Release, error) {
	r := desk.Release{Kind: c.Kind, Source: c.Source, Author: c.Author}
	return d.publish(ctx, tenant, r, func(ctx context.Context, tx *sql.Tx, rev desk.Revision) (changed, error) {
		if c.Lease != "" {
			if err := d.keep(ctx, tx, tenant, c.Source, c.Lease, publishTimeout); err != nil {
				return changed{}, err
			}
		}
		served, err := served(ctx, tx, tenant, c.Put)
		if err != nil {
			return changed{}, err
		}
		put := slices.DeleteFunc(slices.Clone(c.Put), func(v desk.Version) bool { return served[v.Document] == v.Hash })
		begun := make([]desk.DocumentID, len(put))
		for i, v := range put {
			begun[i] = v.Document
		}
		ended, err := endDocuments(ctx, tx, tenant, rev, slices.Concat(c.Remove, begun))
		if err != nil {
			return changed{}, err
		}
		return difference(ended, begun), d.pointTo(ctx, tx, tenant, rev, put)
	})
}

// changed are the documents that a publish changes.
type changed struct{ added, updated, removed []desk.DocumentID }

// difference tells what became of documents of which some ended and some began.
func difference(ended, begun []desk.DocumentID) changed {
	left := make(map[desk.DocumentID]bool, len(ended))
	for _, id := range ended {
		left[id] = true
	}
	var c changed
	for _, id := range begun {
		if left[id] {
			c.updated = append(c.updated, id)
			delete(left, id)
		} else {
			c.added = append(c.added, id)
		}
	}
	c.removed = slices.Sorted(maps.Keys(left))
	return c
}

// publish runs change under a new revision and records it as the release r.
func (d *Documents) publish(ctx context.Context, tenant desk.TenantID, r desk.Release, change func(context.Context, *sql.Tx, desk.Revision) (changed, error)) (desk.Release, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := d.db.transact(ctx, func(tx *sql.Tx) (err error) {
		if r.Revision, err = advance(ctx, tx); err != nil {
			return err
		}
		now, err := change(ctx, tx, r.Revision)
		if err != nil {
			return err
		}
		r.Added, r.Updated, r.Removed = len(now.added), len(now.updated), len(now.removed)
		if r.Changed() == 0 {
			return errNothing
		}
		if r.At, err = insertRelease(ctx, tx, tenant, r); err != nil {
			return err
		}
		if err := audit(ctx, tx, released(tenant, r)); err != nil {
			return err
		}
		return d.log(ctx, tx, tenant, r.Revision, slices.Concat(now.added, now.updated), now.removed)
	})
	if errors.Is(err, errNothing) {
		r.Revision, err = d.Revision(ctx)
	}
	if err != nil {
		return desk.Release{}, fmt.Errorf("publish: %w", err)
	}
	return r, nil
}

// released is a release as it stands in the audit log: a change of the knowledge
// base by whom it came, also by the command line.
func released(tenant desk.TenantID, r desk.Release) desk.AuditEntry {
	detail := fmt.Sprintf("%d added, %d updated, %d removed", r.Added, r.Updated, r.Removed)
	if r.Source != "" {
		detail = r.Source + ": " + detail
	}
	if r.Restored != 0 {
		detail = fmt.Sprintf("to %d: %s", r.Restored, detail)
	}
	return desk.AuditEntry{
		Actor: desk.Actor{Name: r.Author}, Action: "kb." + string(r.Kind), Tenant: tenant,
		Target: strconv.FormatInt(int64(r.Revision), 10), Detail: detail,
	}
}

// errNothing rolls back a publish that changes nothing.
var errNothing = errors.New("nothing to publish")

// advance takes the next revision. Until the transaction ends no other
// publish gets past this point.
func advance(ctx context.Context, tx *sql.Tx) (rev desk.Revision, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE kb_revision SET rev = rev + 1 WHERE id = 1 RETURNING rev`).Scan(&rev)
	return rev, err
}

// served returns the hashes of those documents that are served now.
func served(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, of []desk.Version) (map[desk.DocumentID]string, error) {
	hashes := make(map[desk.DocumentID]string, len(of))
	for some := range slices.Chunk(of, groups[0]) {
		args := []any{tenant}
		for _, v := range some {
			args = append(args, v.Document)
		}
		rows, err := tx.QueryContext(ctx,
			`SELECT id, hash FROM documents WHERE until IS NULL AND tenant = $1 AND id IN (`+placeholders(2, len(some))+`)`, args...)
		_, err = collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var id desk.DocumentID
			var hash string
			err = r.Scan(&id, &hash)
			hashes[id] = hash
			return none, err
		})
		if err != nil {
			return nil, fmt.Errorf("read hashes: %w", err)
		}
	}
	return hashes, nil
}

// endDocuments ends the time of documents and returns those that were served.
func endDocuments(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, rev desk.Revision, ids []desk.DocumentID) ([]desk.DocumentID, error) {
	var ended []desk.DocumentID
	for some := range slices.Chunk(ids, groups[0]) {
		args := []any{tenant, rev}
		for _, id := range some {
			args = append(args, id)
		}
		rows, err := tx.QueryContext(ctx, `UPDATE documents SET until = $2
			WHERE until IS NULL AND tenant = $1 AND id IN (`+placeholders(3, len(some))+`) RETURNING id`, args...)
		found, err := collect(rows, err, scanID)
		if err != nil {
			return nil, fmt.Errorf("end documents: %w", err)
		}
		ended = append(ended, found...)
	}
	return ended, nil
}

func scanID(r *sql.Rows) (id desk.DocumentID, err error) {
	err = r.Scan(&id)
	return id, err
}

func (d *Documents) pointTo(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, rev desk.Revision, put []desk.Version) error {
	now := millis(time.Now())
	in := insert{mark: d.db.engine.mark, table: "documents", columns: []string{"tenant", "id", "revision", "hash", "updated_at"}}
	return in.exec(ctx, tx, len(put), func(args []any, i int) []any {
		return append(args, tenant, put[i].Document, rev, put[i].Hash, now)
	})
}

// log records what changed at rev and tells who waits.
func (d *Documents) log(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, rev desk.Revision, put, removed []desk.DocumentID) error {
	at := millis(time.Now())
	in := insert{
		mark: d.db.engine.mark, table: "kb_log", columns: []string{"tenant", "document_id", "rev", "removed", "at"},
		conflict: `ON CONFLICT (tenant, document_id) DO UPDATE SET rev = excluded.rev, removed = excluded.removed, at = excluded.at`,
	}
	err := in.exec(ctx, tx, len(put)+len(removed), func(args []any, i int) []any {
		if i < len(removed) {
			return append(args, tenant, removed[i], rev, true, at)
		}
		return append(args, tenant, put[i-len(removed)], rev, false, at)
	})
	if err != nil {
		return err
	}
	return d.db.engine.announce(ctx, tx, rev)
}
