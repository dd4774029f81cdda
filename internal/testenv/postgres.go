package testenv

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const postgresInstall = "apt-get install postgresql, or brew install postgresql"

// Where packages put the server's programs, which are rarely in PATH.
var postgresDirs = [...]string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
}

var databases atomic.Int64

// Postgres returns the URL of a new, empty database (UTF-8, C collation) in
// the binary's server; it is dropped when t ends. The server does not wait for
// the disk (fsync=off): it is no measure of commit times.
func Postgres(t testing.TB) string {
	t.Helper()
	s := env.postgres.use(t, startPostgres)
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := s.exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return s.postgresURL(name)
}

// Pgvector is Postgres where the server has the extension vector, which the
// tested code makes in its database.
func Pgvector(t testing.TB) string {
	t.Helper()
	database := Postgres(t)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var version string
	err = conn.QueryRow(ctx, "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'").Scan(&version)
	if err != nil {
		t.Fatalf("this test needs pgvector 0.8 or newer in PostgreSQL, which make test installs when run by root: %v", err)
	}
	return database
}

func (s *server) postgresURL(database string) string {
	return fmt.Sprintf("postgres://kefu@%s/%s?sslmode=disable", s.addr, database)
}

func (s *server) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.postgresURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

func startPostgres() (*server, error) {
	initdb, err := find("initdb", postgresInstall, postgresDirs[:]...)
	if err != nil {
		return nil, err
	}
	// The other programs are beside the file itself, not beside a link to it.
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return nil, err
	}
	cred, err := unprivileged()
	if err != nil {
		return nil, err
	}
	return launch("postgres", func(dir, addr string) (*server, error) {
		data := filepath.Join(dir, "data")
		if err := initialise(initdb, dir, data, cred); err != nil {
			return nil, err
		}
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return &server{
			path: filepath.Join(filepath.Dir(initdb), "postgres"),
			args: []string{
				"-D", data, "-h", "127.0.0.1", "-p", port,
				"-c", "unix_socket_directories=", "-c", "max_connections=200",
				"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off",
				"-c", "autovacuum=off", "-c", "log_min_messages=fatal",
			},
			cred:  cred,
			ready: postgresReady,
		}, nil
	})
}

// initialise makes the data directory, unless an earlier attempt did.
func initialise(initdb, dir, data string, cred *syscall.Credential) error {
	if _, err := os.Stat(data); err == nil {
		return nil
	}
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return err
		}
	}
	cmd := exec.Command(initdb, "-D", data, "-U", "kefu", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir = dir
	cmd.SysProcAttr = attributes(cred)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, tail(string(out), 20))
	}
	return nil
}

// unprivileged is whom PostgreSQL runs as when the tests are run by root, whom
// it refuses; nil for other users.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("user for PostgreSQL, which root may not run: %w", err)
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// postgresReady compares the data directory that the server names with ours.
func postgresReady(ctx context.Context, s *server) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.postgresURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var dir string
	if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&dir); err != nil {
		return err
	}
	if dir != filepath.Join(s.dir, "data") {
		return fmt.Errorf("another server listens on %s", s.addr)
	}
	return nil
}
