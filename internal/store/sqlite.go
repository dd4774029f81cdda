package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kefu/internal/desk"
)

// sqlitePoll is how often a waiting process looks for a publish: one indexed
// read, about 20 µs.
const sqlitePoll = 200 * time.Millisecond

// lockWait is how long a write waits for another process. It is shorter than
// any deadline of a write, which would not say that the file is locked.
const lockWait = recordTimeout - time.Second

// sqliteReaders bounds the connections that read at the same time.
const sqliteReaders = 8

// sqliteFile is one database file. All writing goes through one connection,
// so that writers of this process queue in Go instead of polling for SQLite's
// lock; WAL lets readers go on meanwhile.
type sqliteFile struct{ path string }

func newSQLite(dir string) sqliteFile { return sqliteFile{filepath.Join(dir, "kefu.db")} }

func (s sqliteFile) name() string             { return s.path }
func (s sqliteFile) dialect() goose.Dialect   { return goose.DialectSQLite3 }
func (s sqliteFile) close()                   {}
func (s sqliteFile) snapshot() *sql.TxOptions { return nil }

// settle does nothing: one transaction writes at a time.
func (s sqliteFile) settle(context.Context, *sql.Tx) error { return nil }
func (s sqliteFile) heed() string                          { return "" }

func (s sqliteFile) scrub(ctx context.Context, write *sql.DB) error { return s.flush(ctx, write) }

// flush empties the log, which holds pages as they were.
func (s sqliteFile) flush(ctx context.Context, write *sql.DB) error {
	_, err := write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return s.explain(err)
}

func (s sqliteFile) now() string {
	return `CAST((julianday('now') - 2440587.5) * 86400000 AS BIGINT)`
}

// mark is not $n, which SQLite takes as a name: binding looks every name up in
// the list of all, half the cost of writing a batch.
func (s sqliteFile) mark(int) string { return "?" }

func (s sqliteFile) open() (write, read *sql.DB, err error) {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o750); err != nil {
		return nil, nil, s.unwritable(err)
	}
	// SQLite would let everybody read a new file, and what it puts beside it.
	if f, err := os.OpenFile(s.path, os.O_CREATE|os.O_EXCL, 0o640); err == nil {
		f.Close()
	}
	// immediate: a transaction that reads first and writes later would fail
	// with SQLITE_BUSY instead of waiting.
	write, err = sql.Open("sqlite", s.dsn("immediate"))
	if err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	read, err = sql.Open("sqlite", s.dsn("deferred", "query_only(1)"))
	if err != nil {
		write.Close()
		return nil, nil, err
	}
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	return write, read, nil
}

// reach tries again for a second. To turn a new file into one with a log SQLite
// takes all its locks at once, and does not wait for them: of processes that
// start together, one in a thousand is refused.
func (s sqliteFile) reach(ctx context.Context, write *sql.DB) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(time.Second); ; {
		err := write.PingContext(ctx)
		if err == nil || !busy(err) || time.Now().After(until) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// dsn asks for synchronous=NORMAL: a commit survives the death of the process,
// and a power failure loses at most the last moments, never the file's
// integrity. Waiting for the disk at every commit (FULL) measured 0.5 ms more
// for each attempt that begins. temp_store keeps the undo log of an INSERT of
// many rows in memory instead of a file. secure_delete overwrites what is
// deleted or changed, which otherwise stays in the file until its place is used.
func (s sqliteFile) dsn(txlock string, pragmas ...string) string {
	q := url.Values{"_txlock": {txlock}}
	q["_pragma"] = append([]string{
		fmt.Sprintf("busy_timeout(%d)", lockWait.Milliseconds()), "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "temp_store(MEMORY)", "secure_delete(1)",
	}, pragmas...)
	return "file:" + (&url.URL{Path: s.path}).EscapedPath() + "?" + q.Encode()
}

func (s sqliteFile) searches() *sql.DB { return nil }

// announce does nothing: other processes look by themselves.
func (s sqliteFile) announce(context.Context, *sql.Tx, desk.Revision) error { return nil }

func (s sqliteFile) wait(ctx context.Context, newest func(context.Context) (desk.Revision, error), since desk.Revision) error {
	tick := time.NewTicker(sqlitePoll)
	defer tick.Stop()
	for {
		if rev, err := newest(ctx); err != nil || rev > since {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// primary masks the low byte of SQLite's extended codes.
const primary = 0xff

func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&primary == sqlite3.SQLITE_BUSY
}

func (s sqliteFile) explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) || isDesk(err) {
		return err
	}
	switch e.Code() & primary {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return unavailable("database_locked", err, "The database %s is locked by another process. "+
			"Wait until it has finished, or stop it: only one kefu may migrate or write for long at a time.", s.path)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return s.unwritable(err)
	case sqlite3.SQLITE_FULL:
		return unavailable("database_full", err, "The disk that holds %s is full. Free some space; a running server goes on by itself.", s.path)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return unavailable("database_damaged", err, "%s is damaged or not a database. "+
			"Restore a backup, or move the file away and load the documents again.", s.path)
	}
	return err
}

func (s sqliteFile) unwritable(err error) error {
	return unavailable("directory_unwritable", err, "The directory %s cannot be written. "+
		"Give this user the right to write there, or choose another with KEFU_DATA_DIR.", filepath.Dir(s.path))
}

// unavailable says what to do to whoever runs the program: callers learn no
// paths and hosts.
func unavailable(code string, err error, format string, args ...any) error {
	return &desk.Error{Kind: desk.Unavailable, Code: code, Local: fmt.Sprintf(format, args...), Err: err}
}

// isDesk tells whether err has been explained already.
func isDesk(err error) bool {
	var e *desk.Error
	return errors.As(err, &e)
}
