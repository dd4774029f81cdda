package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"
)

// fillPart is how many vectors one transaction copies.
const fillPart = 512

// fill copies what vectors has and the index does not: all of it the first
// time, later what was written by processes that did not know of the index. The
// HNSW indexes come after the rows: so they are built in a fifth of the time.
func (v *vectorIndex) fill(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, fillTimeout)
	defer cancel()
	start := time.Now()
	copied := 0
	var last indexed
	for {
		part, err := v.copyPart(ctx, last)
		if err != nil {
			return fmt.Errorf("fill vector index: %w", err)
		}
		copied += len(part)
		if len(part) < fillPart {
			break
		}
		last = part[len(part)-1]
	}
	if err := v.indexSpaces(ctx, log); err != nil {
		return err
	}
	if copied == 0 {
		return nil
	}
	log.Info("vectors copied into the index", "vectors", copied, "took", time.Since(start))
	if _, err := v.db.write.ExecContext(ctx, `ANALYZE vector_index`); err != nil { // plans depend on it
		return fmt.Errorf("analyze vector index: %w", err)
	}
	return nil
}

// copyPart copies missing vectors that come after one in the order of their
// keys. They are locked so that nobody deletes them meanwhile.
func (v *vectorIndex) copyPart(ctx context.Context, after indexed) (part []indexed, err error) {
	err = v.db.transact(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT v.tenant, v.key, v.model, v.vector FROM vectors v
			WHERE (v.tenant, v.key, v.model) > ($1, $2, $3) AND v.dim <= $4 AND NOT EXISTS (
				SELECT 1 FROM vector_index i WHERE i.tenant = v.tenant AND i.key = v.key AND i.model = v.model)
			ORDER BY v.tenant, v.key, v.model LIMIT $5 FOR KEY SHARE OF v`, after.tenant, after.key, after.model, widest, fillPart)
		part, err = collect(rows, err, func(r *sql.Rows) (row indexed, err error) {
			var vector sql.RawBytes
			err = r.Scan(&row.tenant, &row.key, &row.model, &vector)
			row.vector = decodeVector(vector)
			return row, err
		})
		if err != nil {
			return err
		}
		return v.insert(ctx, tx, len(part), func(i int) indexed { return part[i] })
	})
	return part, err
}

// indexSpaces makes the HNSW indexes of all vectors that are there.
func (v *vectorIndex) indexSpaces(ctx context.Context, log *slog.Logger) error {
	type space struct {
		model string
		dim   int
	}
	rows, err := v.db.read.QueryContext(ctx, `SELECT DISTINCT model, dim FROM vectors`)
	spaces, err := collect(rows, err, func(r *sql.Rows) (s space, err error) {
		err = r.Scan(&s.model, &s.dim)
		return s, err
	})
	if err != nil {
		return fmt.Errorf("list spaces of vectors: %w", err)
	}
	for _, s := range spaces {
		if s.dim > widest {
			log.Warn("vectors that pgvector cannot index are not searched", "model", s.model, "dimensions", s.dim, "most", widest)
			continue
		}
		if err := v.index(ctx, s.model, s.dim); err != nil {
			return err
		}
	}
	return nil
}
