package store

import (
	"context"
	"fmt"
)

// Index is how the passages that are served, of all tenants, stand with what
// searches their embeddings.
type Index struct {
	Passages int
	// Pgvector is the version of PostgreSQL's extension; empty where each
	// replica holds the embeddings in memory.
	Pgvector string
	// Missing counts the passages whose embedding is stored and not in
	// PostgreSQL's index: they are found by their words alone.
	Missing int
}

// Index looks at what searches the embeddings of a model.
func (d *Documents) Index(ctx context.Context, model string) (Index, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var found Index
	err := d.db.read.QueryRowContext(ctx, `SELECT COALESCE(SUM(v.chunks), 0) FROM documents d `+withVersion+` WHERE d.until IS NULL`).Scan(&found.Passages)
	if err == nil && d.db.vectors.searched() {
		err = d.db.vectors.look(ctx, model, &found)
	}
	if err != nil {
		return Index{}, fmt.Errorf("look at the index of vectors: %w", d.db.engine.explain(err))
	}
	return found, nil
}

// look asks by the connections that searches use.
func (v *vectorIndex) look(ctx context.Context, model string, found *Index) error {
	err := v.pool.QueryRowContext(ctx, `SELECT COUNT(*) FROM documents d `+withChunks+`
		JOIN vectors v ON v.tenant = c.tenant AND v.key = c.vector_key AND v.model = $1
		LEFT JOIN vector_index i ON i.tenant = v.tenant AND i.key = v.key AND i.model = v.model
		WHERE d.until IS NULL AND i.key IS NULL`, model).Scan(&found.Missing)
	if err != nil {
		return err
	}
	found.Pgvector, err = v.db.extension(ctx)
	return err
}
