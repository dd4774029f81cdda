package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"kefu/migrations"
)

// Exec runs a statement behind the store's back.
func (db *DB) Exec(t testing.TB, statement string) {
	t.Helper()
	if _, err := db.write.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// Heed ends a SELECT of erasures that a deletion waits for.
func (db *DB) Heed() string { return db.engine.heed() }

// Begin runs a statement in a transaction that commit ends.
func (db *DB) Begin(t testing.TB, statement string) (commit func()) {
	t.Helper()
	tx, err := db.write.BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.ExecContext(t.Context(), statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// Count counts the rows of a table.
func (db *DB) Count(t testing.TB, table string) (n int) {
	t.Helper()
	if err := db.write.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Holding names the tables with a row that holds text, in any column.
func (db *DB) Holding(t testing.TB, text string) (holding []string) {
	t.Helper()
	list := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if db.engine.dialect() == goose.DialectPostgres {
		list = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	}
	rows, err := db.read.QueryContext(t.Context(), list)
	tables, err := collect(rows, err, func(r *sql.Rows) (name string, err error) { return name, r.Scan(&name) })
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		rows, err := db.read.QueryContext(t.Context(), `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		found, err := anyHolds(rows, text)
		if err != nil {
			t.Fatal(err)
		}
		if found {
			holding = append(holding, table)
		}
	}
	return holding
}

func anyHolds(rows *sql.Rows, text string) (found bool, err error) {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return false, err
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return false, err
		}
		for _, v := range values {
			found = found || strings.Contains(fmt.Sprintf("%s", *v.(*any)), text)
		}
	}
	return found, rows.Err()
}

// Remigrate takes the migrations after one back and applies them again.
func (db *DB) Remigrate(t testing.TB, after int64) {
	t.Helper()
	p, err := db.provider(migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), after); err != nil {
		t.Fatal(err)
	}
	if err := db.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ReachFile makes the first connection to the database of dir, as Open does.
func ReachFile(ctx context.Context, dir string) error {
	s := newSQLite(dir)
	write, read, err := s.open()
	if err != nil {
		return err
	}
	return errors.Join(s.reach(ctx, write), write.Close(), read.Close())
}

// LockFile makes path a database that is locked until the test ends.
func LockFile(t testing.TB, path string) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1)
	t.Cleanup(func() { pool.Close() })
	for _, statement := range []string{`CREATE TABLE other (id BIGINT)`, `BEGIN EXCLUSIVE`} {
		if _, err := pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// Age makes all that was staged look that many hours older.
func (db *DB) Age(t testing.TB, hours int) {
	t.Helper()
	if _, err := db.write.ExecContext(t.Context(), `UPDATE versions SET staged_at = staged_at - $1`, hours*3_600_000); err != nil {
		t.Fatal(err)
	}
}
