package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"kefu/internal/desk"
	"kefu/migrations"
)

const (
	// widest is how many dimensions pgvector can index at most, and widestFull
	// up to how many it does with 32 bits each instead of 16.
	widest, widestFull = 4000, 2000
	// fillTimeout bounds the copying of all vectors into a new index.
	fillTimeout = time.Hour
)

// vectorIndex keeps the table vector_index in step with vectors, and searches
// it where that was asked for. A database that has the table keeps it whoever
// writes, so that processes with other settings leave no gaps. Its methods may
// be called on nil, which is no index.
type vectorIndex struct {
	db     *DB
	pool   *sql.DB  // for searches; nil: replicas hold the vectors
	spaces sync.Map // of string: those whose HNSW index is there
}

// searched tells whether the database is asked for the nearest vectors.
func (v *vectorIndex) searched() bool { return v != nil && v.pool != nil }

func (v *vectorIndex) close() error {
	if !v.searched() {
		return nil
	}
	return v.pool.Close()
}

// openVectors makes the index where it is asked for, and keeps one that is
// there.
func (db *DB) openVectors(ctx context.Context, asked bool, log *slog.Logger) error {
	pool := db.engine.searches()
	if pool == nil {
		if asked {
			return needsPostgres()
		}
		return nil
	}
	v := &vectorIndex{db: db, pool: pool}
	if !asked {
		if err := pool.Close(); err != nil {
			return err
		}
		v.pool = nil
		if there, err := db.hasVectorIndex(ctx); err != nil || !there {
			return err
		}
	}
	db.vectors = v // which close ends
	if err := db.needExtension(ctx); err != nil {
		return err
	}
	schema, err := fs.Sub(migrations.FS, "pgvector")
	if err != nil {
		return err
	}
	if err := db.migrateTo(ctx, schema, goose.WithTableName("goose_pgvector_version")); err != nil {
		return err
	}
	if !asked {
		return nil
	}
	return v.fill(ctx, log)
}

func (db *DB) hasVectorIndex(ctx context.Context) (there bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = db.read.QueryRowContext(ctx, `SELECT to_regclass('vector_index') IS NOT NULL`).Scan(&there)
	return there, err
}

// needExtension makes the extension where the user may, and says what to do
// where it cannot be had.
func (db *DB) needExtension(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	version, err := db.extension(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		// Two that make it at once may collide in spite of IF NOT EXISTS.
		_, made := db.write.ExecContext(ctx, `CREATE EXTENSION IF NOT EXISTS vector`)
		if version, err = db.extension(ctx); errors.Is(err, sql.ErrNoRows) {
			return db.noExtension(made)
		}
	}
	if err != nil {
		return fmt.Errorf("look for the extension vector: %w", err)
	}
	var major, minor int
	if n, err := fmt.Sscanf(version, "%d.%d", &major, &minor); n == 2 && err == nil && major == 0 && minor < 8 {
		return unavailable("vector_extension_old", nil, "The database %s has the extension vector in version %s; kefu needs 0.8 or newer. "+
			"Install it, then run in this database: ALTER EXTENSION vector UPDATE", db.Name(), version)
	}
	return nil
}

func (db *DB) extension(ctx context.Context) (version string, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT extversion FROM pg_extension WHERE extname = 'vector'`).Scan(&version)
	return version, err
}

// noExtension says why the extension could not be made.
func (db *DB) noExtension(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && pg.Code == "42501":
		return unavailable("vector_extension_missing", err, "The database %s has no extension vector, and the user of DATABASE_URL may not make it. "+
			"Run in this database as a superuser: CREATE EXTENSION vector", db.Name())
	case errors.As(err, &pg):
		return unavailable("vector_extension_missing", err, "PostgreSQL at %s has no extension vector (pgvector): install the package postgresql-NN-pgvector "+
			"of the server's version NN, or use the image pgvector/pgvector:pg17. Without it, set retrieval.vector_index to memory.", db.Name())
	}
	return fmt.Errorf("create extension vector: %w", err)
}

func needsPostgres() error {
	return &desk.Error{
		Kind: desk.Invalid, Code: "vectors_need_postgresql", Field: "retrieval.vector_index",
		Local: "pgvector is an extension of PostgreSQL: set DATABASE_URL, or retrieval.vector_index to memory.",
	}
}

// indexed is a row of vector_index.
type indexed struct {
	tenant     desk.TenantID
	key, model string
	vector     []float32
}

// insert writes the n vectors of row, which the table vectors has.
func (v *vectorIndex) insert(ctx context.Context, tx *sql.Tx, n int, row func(i int) indexed) error {
	if v == nil {
		return nil
	}
	in := insert{
		mark: v.db.engine.mark, table: "vector_index", columns: []string{"tenant", "key", "model", "dim", "vector"},
		conflict: `ON CONFLICT (tenant, key, model) DO UPDATE SET dim = excluded.dim, vector = excluded.vector
			WHERE vector_index.vector IS DISTINCT FROM excluded.vector`,
	}
	return in.exec(ctx, tx, n, func(args []any, i int) []any {
		r := row(i)
		return append(args, r.tenant, r.key, r.model, len(r.vector), vectorText(r.vector))
	})
}

// vectorText is a vector as pgvector reads it.
func vectorText(v []float32) string {
	b := make([]byte, 0, 12*len(v))
	b = append(b, '[')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(x), 'g', -1, 32)
	}
	return string(append(b, ']'))
}

// prepare makes the HNSW index of a space before its first vectors are
// written: made beside them it would wait for other writers, who wait for it.
func (v *vectorIndex) prepare(ctx context.Context, model string, vectors [][]float32) error {
	if v == nil || model == "" {
		return nil
	}
	for _, some := range vectors {
		if some == nil {
			continue
		}
		return v.index(ctx, model, len(some)) // all have one dimension
	}
	return nil
}

// index makes the HNSW index of a space unless it is there.
func (v *vectorIndex) index(ctx context.Context, model string, dim int) error {
	if dim > widest {
		return &desk.Error{
			Kind: desk.Invalid, Code: "vectors_too_wide", Field: "retrieval.vector_index",
			Local: fmt.Sprintf("%s makes vectors of %d dimensions, and pgvector indexes %d at most: choose another embedding model, or set retrieval.vector_index to memory.", model, dim, widest),
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", model, dim))
	name := "vector_index_" + hex.EncodeToString(sum[:8])
	if _, there := v.spaces.Load(name); there {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, fillTimeout)
	defer cancel()
	column, ops := column(dim)
	err := v.db.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('vector_index'))`); err != nil {
			return err
		}
		var there bool // else all writers were waited for, to find that out
		if err := tx.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil || there {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`CREATE INDEX %s ON vector_index USING hnsw ((%s) %s) WHERE model = '%s' AND dim = %d`,
			name, column, ops, strings.ReplaceAll(model, "'", "''"), dim))
		return err
	})
	if err != nil {
		return fmt.Errorf("index vectors of %s: %w", model, err)
	}
	v.spaces.Store(name, true)
	return nil
}

// column is what is indexed of vectors of a dimension, and by which operators.
func column(dim int) (expression, ops string) {
	if dim > widestFull {
		return fmt.Sprintf("CAST(vector AS halfvec(%d))", dim), "halfvec_cosine_ops"
	}
	return fmt.Sprintf("CAST(vector AS vector(%d))", dim), "vector_cosine_ops"
}
