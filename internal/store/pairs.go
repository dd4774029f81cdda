package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"kefu/internal/desk"
)

// Pairs lists the n latest pairs that q chooses: documents that are one question
// with its answer and nothing else.
func (d *Documents) Pairs(ctx context.Context, tenant desk.TenantID, q desk.PairQuery, n int) ([]desk.Pair, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	before := int64(math.MaxInt64)
	if !q.Before.IsZero() {
		before = millis(q.Before)
	}
	rows, err := d.db.read.QueryContext(ctx, `SELECT d.id, v.path, c.question, c.text, v.url, c.lang, c.flag, d.revision, d.updated_at
		FROM documents d `+withVersion+` `+withChunks+`
		WHERE d.until IS NULL AND d.tenant = $1 AND v.source = $2 AND v.chunks = 1 AND c.question <> ''
			AND (d.id = $3 OR $3 = '') AND (c.question = $4 OR $4 = '') AND (v.path = $5 OR $5 = '') AND (d.updated_at, d.id) < ($6, $7)
		ORDER BY d.updated_at DESC, d.id DESC LIMIT $8`,
		tenant, q.Source, string(q.Document), q.Question, q.Path, before, string(q.BeforeID), n)
	all, err := collect(rows, err, func(r *sql.Rows) (p desk.Pair, err error) {
		var updated int64
		err = r.Scan(&p.Document, &p.Path, &p.Question, &p.Answer, &p.URL, &p.Lang, &p.Flag, &p.Revision, &updated)
		p.UpdatedAt = fromMillis(updated)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list pairs: %w", d.db.engine.explain(err))
	}
	return all, nil
}
