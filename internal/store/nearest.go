package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// Vectors searches the tenant's vectors of an embedding model; nil where the
// items of Changes carry them.
func (d *Documents) Vectors(tenant desk.TenantID, model string) retrieval.Vectors {
	if !d.db.vectors.searched() {
		return nil
	}
	return space{d.db.vectors, tenant, model}
}

// space is the vectors of a tenant and a model.
type space struct {
	index  *vectorIndex
	tenant desk.TenantID
	model  string
}

// Nearest asks once for both. Which release a vector belongs to is not asked:
// vectors are those of texts, which many versions share, and the caller knows
// what its own says.
func (s space) Nearest(ctx context.Context, to []float32, n int, keys []string) (nearest, others []retrieval.Similar, err error) {
	if len(to) > widest {
		return nil, nil, fmt.Errorf("a vector of %d dimensions: pgvector indexes %d at most", len(to), widest)
	}
	column, _ := column(len(to))
	const ours = `FROM vector_index WHERE tenant = $1 AND model = $2 AND dim = $3`
	const cosine = `1 - (vector <=> CAST($4 AS vector))`
	asked := "CAST(CAST($4 AS vector)" + column[len("CAST(vector"):]
	rows, err := s.index.pool.QueryContext(ctx, `(SELECT key, `+cosine+`, TRUE `+ours+` ORDER BY `+column+` <=> `+asked+` LIMIT $5)
		UNION ALL (SELECT key, `+cosine+`, FALSE `+ours+` AND key = ANY($6))`, s.tenant, s.model, len(to), vectorText(to), n, keys)
	_, err = collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var found retrieval.Similar
		var near bool
		if err := r.Scan(&found.Key, &found.Cosine, &near); err != nil || math.IsNaN(found.Cosine) { // of a vector of zeros
			return none, err
		}
		if near {
			nearest = append(nearest, found)
		} else {
			others = append(others, found)
		}
		return none, nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("search vectors: %w", s.index.db.engine.explain(err))
	}
	return nearest, others, nil
}
