package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"kefu/internal/desk"
)

const (
	// channel carries revisions by NOTIFY.
	channel = "kefu_kb"
	// postgresPoll is how often a listener looks for itself, since
	// notifications are lost while a connection is down.
	postgresPoll = 2 * time.Second
	// postgresConns bounds the connections of this process, listeners apart.
	postgresConns = 10
	// searchConns bounds those that search vectors, so that writers and searches
	// do not wait for each other.
	searchConns = 8
)

// postgres is one PostgreSQL database.
type postgres struct {
	config *pgx.ConnConfig
	// listener holds the idle connection that listens on channel, if any.
	listener chan *pgx.Conn
}

func newPostgres(url string) (*postgres, error) {
	invalid := &desk.Error{
		Kind: desk.Invalid, Code: "database_url_invalid", Field: "DATABASE_URL",
		Local: "DATABASE_URL is not a PostgreSQL URL. Write postgres://user:password@host:5432/database, " +
			"with special characters of the password percent-encoded, or leave it empty for SQLite.",
	}
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, invalid
	}
	config, err := pgx.ParseConfig(url)
	if err != nil { // not wrapped: it quotes the URL
		return nil, invalid
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = openTimeout / 2
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "kefu"
	}
	return &postgres{config: config, listener: make(chan *pgx.Conn, 1)}, nil
}

// settle locks none of the large tables: whoever writes to those would wait, and
// so would it for a VACUUM.
func (p *postgres) settle(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `LOCK TABLE erasures IN EXCLUSIVE MODE`)
	return err
}

// heed makes reading a lock that settle waits for, as a dump's is not.
func (p *postgres) heed() string { return ` FOR KEY SHARE` }

func (p *postgres) flush(context.Context, *sql.DB) error { return nil }

// scrub frees the versions of rows that nobody sees any more.
func (p *postgres) scrub(ctx context.Context, write *sql.DB) error {
	_, err := write.ExecContext(ctx, `VACUUM answers, turns, feedback`)
	return p.explain(err)
}

func (p *postgres) host() string {
	return net.JoinHostPort(p.config.Host, strconv.Itoa(int(p.config.Port)))
}

func (p *postgres) name() string           { return p.host() + "/" + p.config.Database }
func (p *postgres) dialect() goose.Dialect { return goose.DialectPostgres }

func (p *postgres) snapshot() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

func (p *postgres) now() string {
	return `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`
}

func (p *postgres) mark(n int) string { return "$" + strconv.Itoa(n) }

func (p *postgres) open() (write, read *sql.DB, err error) {
	pool := stdlib.OpenDB(*p.config)
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool, pool, nil
}

// searches are plans made for the values at hand: a tenant of ten chunks is
// searched one by one, one of a million by its index. Where a filter leaves few
// of what the index finds, it looks further; strict_order keeps the nearest
// first. Of 100,000 vectors 100 candidates find 0.996 of the ten nearest, the
// default of 40 finds 0.978.
func (p *postgres) searches() *sql.DB {
	pool := stdlib.OpenDB(*p.config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SELECT CAST('[1]' AS vector); -- which loads the extension
			SET plan_cache_mode = force_custom_plan; SET jit = off; SET hnsw.iterative_scan = strict_order; SET hnsw.ef_search = 100`)
		return err
	}))
	pool.SetMaxOpenConns(searchConns)
	pool.SetMaxIdleConns(searchConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool
}

func (p *postgres) reach(ctx context.Context, write *sql.DB) error { return write.PingContext(ctx) }

func (p *postgres) close() {
	select {
	case conn := <-p.listener:
		hangUp(conn)
	default:
	}
}

func (p *postgres) announce(ctx context.Context, tx *sql.Tx, rev desk.Revision) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_notify($1, $2)`, channel, strconv.FormatInt(int64(rev), 10))
	return err
}

func (p *postgres) wait(ctx context.Context, newest func(context.Context) (desk.Revision, error), since desk.Revision) error {
	conn, err := p.listen(ctx)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		// Asked after LISTEN, so that nothing can fall between.
		rev, err := newest(ctx)
		if err != nil || rev > since {
			p.putBack(conn)
			return err
		}
		poll, cancel := context.WithTimeout(ctx, postgresPoll)
		_, err = conn.WaitForNotification(poll)
		cancel()
		switch {
		case ctx.Err() != nil:
			p.putBack(conn)
			return ctx.Err()
		case err != nil && !pgconn.Timeout(err):
			hangUp(conn)
			return fmt.Errorf("wait for notification: %w", err)
		}
	}
}

// listen returns the idle listening connection, or a new one.
func (p *postgres) listen(ctx context.Context) (*pgx.Conn, error) {
	select {
	case conn := <-p.listener:
		return conn, nil
	default:
	}
	conn, err := pgx.ConnectConfig(ctx, p.config.Copy())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// putBack keeps a listening connection for the next wait.
func (p *postgres) putBack(conn *pgx.Conn) {
	if conn.IsClosed() {
		return
	}
	select {
	case p.listener <- conn:
	default:
		hangUp(conn)
	}
}

// hangUp closes conn, which is given up, without waiting long for the server.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

func (p *postgres) explain(err error) error {
	if err == nil || isDesk(err) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return p.explainServer(pg, err)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) {
		return unavailable("database_unreachable", err, "PostgreSQL at %s does not answer. "+
			"Check that it runs, that host and port in DATABASE_URL are right and that a firewall lets kefu through.", p.host())
	}
	return err
}

func (p *postgres) explainServer(pg *pgconn.PgError, err error) error {
	switch pg.Code {
	case "28P01", "28000":
		return unavailable("database_refused", err, "PostgreSQL at %s refuses the user %q. "+
			"Check user and password in DATABASE_URL and the server's pg_hba.conf.", p.host(), p.config.User)
	case "3D000":
		return unavailable("database_missing", err, "PostgreSQL at %s has no database %q. Create it: createdb %s",
			p.host(), p.config.Database, p.config.Database)
	case "42501":
		return unavailable("database_refused", err, "The user %q may not do this in the database %s. "+
			"Make it the database's owner: ALTER DATABASE … OWNER TO …", p.config.User, p.name())
	case "55P03":
		return unavailable("database_locked", err, "The database %s is locked by another process. "+
			"Wait until it has finished its migration, or stop it.", p.name())
	case "53100":
		return unavailable("database_full", err, "The disk of PostgreSQL at %s is full. Free some space; a running server goes on by itself.", p.host())
	case "53300", "57P03", "57P01", "57P02":
		return unavailable("database_unreachable", err, "PostgreSQL at %s takes no connection now: %s. "+
			"Wait for it, or raise max_connections.", p.host(), pg.Message)
	}
	return err
}
