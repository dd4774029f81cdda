package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/retrieval"
)

// acknowledgePoll is how often WaitAcknowledged looks.
const acknowledgePoll = 20 * time.Millisecond

var _ knowledge.Source = (*Documents)(nil)

// Revision is the newest published revision, 0 for a new database.
func (d *Documents) Revision(ctx context.Context) (desk.Revision, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rev, err := revision(ctx, d.db.read)
	if err != nil {
		return 0, fmt.Errorf("read revision: %w", d.db.engine.explain(err))
	}
	return rev, nil
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func revision(ctx context.Context, q queryer) (rev desk.Revision, err error) {
	err = q.QueryRowContext(ctx, `SELECT rev FROM kb_revision WHERE id = 1`).Scan(&rev)
	return rev, err
}

// Changes reads all that was published after since, as one state.
func (d *Documents) Changes(ctx context.Context, model string, since desk.Revision) (knowledge.Delta, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	var delta knowledge.Delta
	err := d.db.snapshot(ctx, func(tx *sql.Tx) (err error) {
		if delta.Revision, err = revision(ctx, tx); err != nil || delta.Revision <= since {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT tenant, document_id, removed, rev FROM kb_log WHERE rev > $1`, since)
		delta.Changes, err = collect(rows, err, func(r *sql.Rows) (c knowledge.Change, err error) {
			err = r.Scan(&c.Tenant, &c.Document, &c.Removed, &c.Revision)
			return c, err
		})
		if err != nil {
			return err
		}
		delta.Items, err = d.items(ctx, tx, model, since)
		return err
	})
	if err != nil {
		return knowledge.Delta{}, fmt.Errorf("read changes: %w", err)
	}
	return delta, nil
}

// items reads the chunks of all documents that changed after since, with their
// vectors or, where the database searches these, the names of them.
func (d *Documents) items(ctx context.Context, tx *sql.Tx, model string, since desk.Revision) (map[desk.TenantID][]retrieval.Item, error) {
	key, vector, withVectors := `''`, `e.vector`, `LEFT JOIN vectors e ON e.tenant = c.tenant AND e.key = c.vector_key AND e.model = $2`
	args := []any{since, model}
	if d.db.vectors.searched() {
		key, vector, withVectors, args = `c.vector_key`, `NULL`, ``, args[:1]
	}
	rows, err := tx.QueryContext(ctx, `SELECT c.tenant, `+chunkColumns+`, v.title,
			CASE WHEN c.url = '' THEN v.url ELSE c.url END, v.kind, d.hash, d.revision, v.source, v.path, v.translation_key, `+key+`, `+vector+`
		FROM kb_log l
		JOIN documents d ON d.until IS NULL AND d.tenant = l.tenant AND d.id = l.document_id
		`+withVersion+`
		`+withChunks+`
		`+withVectors+`
		WHERE l.rev > $1`, args...)
	all := make(map[desk.TenantID][]retrieval.Item)
	_, err = collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var tenant desk.TenantID
		var it retrieval.Item
		var vector sql.RawBytes
		var source, path string
		c := &it.Chunk
		err = r.Scan(&tenant, &c.ID, &c.Document, &c.Ordinal, &c.Heading, &c.Question, &c.URL, &c.Text, &c.Lang, &c.Tokens, &c.LocalOnly, &c.Flag,
			&it.Title, &it.URL, &it.Kind, &it.Hash, &it.Revision, &source, &path, &it.TranslationKey, &it.Key, &vector)
		it.Origin = source + "/" + path
		if vector != nil {
			it.Vector = decodeVector(vector)
		}
		all[tenant] = append(all[tenant], it)
		return none, err
	})
	return all, err
}

// Join says that the replica serves rev and that publishers have to wait for
// it until ttl from now, by the database's clock. It returns how many replicas
// have a live lease.
func (d *Documents) Join(ctx context.Context, replica string, rev desk.Revision, ttl time.Duration) (alive int, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	now := d.db.engine.now()
	err = d.db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO replicas (id, rev, expires_at) VALUES ($1, $2, `+now+` + CAST($3 AS BIGINT))
			ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, expires_at = excluded.expires_at`, replica, rev, ttl.Milliseconds())
		if err != nil {
			return err
		}
		// Those who never left; a day late, so that operators can see them.
		if _, err = tx.ExecContext(ctx, `DELETE FROM replicas WHERE expires_at < `+now+` - 86400000`); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM replicas WHERE expires_at > `+now).Scan(&alive)
	})
	if err != nil {
		return 0, fmt.Errorf("renew lease: %w", err)
	}
	return alive, nil
}

// Leave ends the replica's lease.
func (d *Documents) Leave(ctx context.Context, replica string) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if _, err := d.db.write.ExecContext(ctx, `DELETE FROM replicas WHERE id = $1`, replica); err != nil {
		return fmt.Errorf("end lease: %w", d.db.engine.explain(err))
	}
	return nil
}

// Wait returns once there may be a revision newer than since: within 0.3 s of
// a publish on SQLite, at once on PostgreSQL.
func (d *Documents) Wait(ctx context.Context, since desk.Revision) error {
	if err := d.db.engine.wait(ctx, d.Revision, since); err != nil {
		return fmt.Errorf("wait for a publish: %w", d.db.engine.explain(err))
	}
	return nil
}

// WaitAcknowledged returns once every replica with a live lease serves rev or
// a newer revision. A replica that died is waited for until its lease ends.
func (d *Documents) WaitAcknowledged(ctx context.Context, rev desk.Revision) error {
	tick := time.NewTicker(acknowledgePoll)
	defer tick.Stop()
	for {
		behind, err := d.behind(ctx, rev)
		if err != nil || behind == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d replicas to serve revision %d: %w", behind, rev, ctx.Err())
		}
	}
}

// behind counts the live replicas that do not serve rev yet.
func (d *Documents) behind(ctx context.Context, rev desk.Revision) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = d.db.read.QueryRowContext(ctx,
		`SELECT COUNT(*) FROM replicas WHERE rev < $1 AND expires_at > `+d.db.engine.now(), rev).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read leases: %w", d.db.engine.explain(err))
	}
	return n, nil
}
