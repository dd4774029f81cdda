// Package migrations holds the schema as goose migrations, one text for
// SQLite and PostgreSQL. What both understand: BIGINT milliseconds for time,
// TEXT for JSON (decoded in Go), BYTEA for bytes (SQLite stores a blob as it
// is under any declared type).
package migrations

import "embed"

// FS holds the migrations in its root, named NNNNN_effect.sql, and below
// pgvector those of the index that only databases with that extension have.
//
//go:embed *.sql pgvector/*.sql
var FS embed.FS
