// Package store keeps the truth in SQL: documents with their vectors, the
// answers given and the ledger of every call. One SQL text serves SQLite (the
// default) and PostgreSQL; the few things in which they differ are behind
// engine.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/pressly/goose/v3"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// Deadlines of single operations, beside those of the caller's context.
const (
	openTimeout    = 10 * time.Second
	migrateTimeout = 2 * time.Minute
	readTimeout    = 10 * time.Second
	loadTimeout    = time.Minute // reading the whole knowledge base
	publishTimeout = time.Minute
	recordTimeout  = 5 * time.Second // one batch of attempts or answers
)

// Config says where the data is.
type Config struct {
	// URL is a PostgreSQL URL, postgres://user:password@host:port/database.
	// Empty means SQLite.
	URL string
	// Dir is the directory of the SQLite file kefu.db, made when missing;
	// default data.
	Dir string
	// Pgvector lets PostgreSQL search vectors, which needs URL and the extension
	// vector from 0.8 on: replicas hold none of them then.
	Pgvector bool
	// Seals encrypts what customers said; nil: nothing is encrypted.
	Seals *seal.Ring
	// Logger receives what would otherwise be lost; default slog.Default().
	Logger *slog.Logger
}

// DB is an open database. It and everything it gives out are safe for
// concurrent use.
type DB struct {
	engine engine
	write  *sql.DB
	read   *sql.DB // write itself on PostgreSQL
	seals  *seal.Ring
	// vectors is nil where the database has no index of them.
	vectors *vectorIndex

	documents *Documents
	answers   *Answers
	turns     *Turns
	ledger    *Ledger
	tenants   *Tenants
	keys      *Keys
	budgets   *Budgets
	audit     *Audit
	once      *Idempotency
}

// engine is what SQLite and PostgreSQL do differently.
type engine interface {
	// name identifies the database without secrets.
	name() string
	dialect() goose.Dialect
	open() (write, read *sql.DB, err error)
	// reach makes the first connection.
	reach(ctx context.Context, write *sql.DB) error
	close()
	// searches opens a pool to search vectors with; nil: the engine cannot.
	searches() *sql.DB
	// snapshot is how to begin a transaction that sees one state.
	snapshot() *sql.TxOptions
	// mark is the placeholder for the nth argument of a generated statement;
	// written ones use $n, which both engines take.
	mark(n int) string
	// now is the engine's clock in milliseconds, as SQL.
	now() string
	// announce tells waiting processes that tx publishes rev.
	announce(ctx context.Context, tx *sql.Tx, rev desk.Revision) error
	// wait returns once something newer than since may have been published.
	wait(ctx context.Context, newest func(context.Context) (desk.Revision, error), since desk.Revision) error
	// settle waits until the transactions that have read erasures with heed have
	// ended, and keeps others from it until tx ends.
	settle(ctx context.Context, tx *sql.Tx) error
	// heed ends a SELECT of erasures that settle is to wait for.
	heed() string
	// flush empties what the engine keeps of pages as they were.
	flush(ctx context.Context, write *sql.DB) error
	// scrub frees what rows were before they were changed.
	scrub(ctx context.Context, write *sql.DB) error
	// explain returns a *desk.Error where an operator can do something, err
	// itself otherwise.
	explain(err error) error
}

// Open connects to the database and brings its schema up to date. Errors that
// an operator can do something about are *desk.Error of kind Unavailable or
// Invalid; their codes are database_url_invalid, database_unreachable,
// database_refused, database_missing, database_newer, database_locked,
// database_damaged, database_full, directory_unwritable,
// encryption_key_missing, vectors_need_postgresql, vector_extension_missing and
// vector_extension_old. None holds a password.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	e, err := newEngine(cfg)
	if err != nil {
		return nil, err
	}
	db := &DB{engine: e, seals: cfg.Seals}
	if db.seals == nil {
		db.seals = &seal.Ring{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if err := db.open(ctx, cfg); err != nil {
		db.closePools()
		return nil, fmt.Errorf("open %s: %w", e.name(), e.explain(err))
	}
	return db, nil
}

func newEngine(cfg Config) (engine, error) {
	if cfg.URL != "" {
		return newPostgres(cfg.URL)
	}
	if cfg.Dir == "" {
		cfg.Dir = "data"
	}
	return newSQLite(cfg.Dir), nil
}

func (db *DB) open(ctx context.Context, cfg Config) (err error) {
	if db.write, db.read, err = db.engine.open(); err != nil {
		return err
	}
	reach, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := db.engine.reach(reach, db.write); err != nil {
		return err
	}
	if err := db.migrate(ctx); err != nil {
		return err
	}
	if err := db.checkKeys(ctx); err != nil {
		return err
	}
	if err := db.openVectors(ctx, cfg.Pgvector, cfg.Logger); err != nil {
		return err
	}
	db.documents = &Documents{db: db}
	db.turns = &Turns{db}
	db.tenants, db.keys, db.budgets, db.audit = &Tenants{db}, &Keys{db}, &Budgets{db}, &Audit{db}
	db.once = &Idempotency{db}
	// A deadline of its own: migrations may have taken longer than reaching may.
	prepare, cancelPrepare := context.WithTimeout(ctx, openTimeout)
	defer cancelPrepare()
	if db.answers, err = newAnswers(prepare, db); err != nil {
		return err
	}
	db.ledger, err = newLedger(prepare, db, cfg.Logger)
	return err
}

// Close ends every connection. The Run methods of the ledger and of recorders
// must have returned.
func (db *DB) Close() error {
	db.engine.close()
	return db.closePools()
}

func (db *DB) closePools() error {
	if db.write == nil {
		return nil
	}
	return errors.Join(db.vectors.close(), db.read.Close(), db.write.Close())
}

// Ping tells whether the database answers, for readiness.
func (db *DB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var one int
	if err := db.read.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("ping: %w", db.engine.explain(err))
	}
	return nil
}

// Name says which database it is, without secrets: the path of the SQLite
// file, or host and database of PostgreSQL.
func (db *DB) Name() string { return db.engine.name() }

// Documents is the knowledge base.
func (db *DB) Documents() *Documents { return db.documents }

// Turns are the conversations.
func (db *DB) Turns() *Turns { return db.turns }

// Users is what is kept of customers.
func (db *DB) Users() *Users { return &Users{db} }

// Answers are the answers given.
func (db *DB) Answers() *Answers { return db.answers }

// Handoffs are the customers whom answers sent to a person.
func (db *DB) Handoffs() *Handoffs { return &Handoffs{db} }

// Ledger is the record of every call to a provider. Its Run must be started.
func (db *DB) Ledger() *Ledger { return db.ledger }

// Tenants are the customers of the installation.
func (db *DB) Tenants() *Tenants { return db.tenants }

// Keys are what callers show.
func (db *DB) Keys() *Keys { return db.keys }

// Sessions are those signed in to the console.
func (db *DB) Sessions() *Sessions { return &Sessions{db} }

// Budgets are the caps on spending.
func (db *DB) Budgets() *Budgets { return db.budgets }

// Audit is the record of who changed what.
func (db *DB) Audit() *Audit { return db.audit }

// Idempotency remembers the replies to requests that are carried out once.
func (db *DB) Idempotency() *Idempotency { return db.once }

// transact runs f in a writing transaction.
func (db *DB) transact(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return db.engine.explain(err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err = f(tx); err == nil {
		err = tx.Commit()
	}
	if errors.Is(err, driver.ErrBadConn) && ctx.Err() != nil {
		err = ctx.Err() // PostgreSQL's driver gives up the connection that it was to wait for
	}
	return db.engine.explain(err)
}

// snapshot runs f in a transaction that sees one state of the database.
func (db *DB) snapshot(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := db.read.BeginTx(ctx, db.engine.snapshot())
	if err != nil {
		return db.engine.explain(err)
	}
	defer tx.Rollback() // nothing was written
	return db.engine.explain(f(tx))
}

// collect reads every row of a query with scan.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// millis is how times are stored.
func millis(t time.Time) int64 { return t.UnixMilli() }

// upTo is before which moment, in ms, a list of the latest goes on; the zero
// time is none.
func upTo(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return millis(t)
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
