package store_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"kefu/internal/desk"
	"kefu/internal/store"
	"kefu/internal/testenv"
)

func TestOpenSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	const password = "correct-horse"
	tests := []struct {
		name  string
		cfg   func(t *testing.T) store.Config
		code  string
		kind  desk.Kind
		tells []string // parts of what the operator reads
	}{
		{"a URL of another engine", at("mysql://kefu:" + password + "@db/kefu"), "database_url_invalid", desk.Invalid, []string{"postgres://"}},
		{"a URL that cannot be parsed", at("postgres://kefu:" + password + "@db:port/kefu"), "database_url_invalid", desk.Invalid, []string{"percent-encoded"}},
		{"a port where nobody listens", func(t *testing.T) store.Config {
			return store.Config{URL: "postgres://kefu:" + password + "@" + unusedAddr(t) + "/kefu"}
		}, "database_unreachable", desk.Unavailable, []string{"127.0.0.1:", "DATABASE_URL"}},
		{"a host that does not exist", at("postgres://kefu:" + password + "@no-such-host.invalid/kefu"), "database_unreachable", desk.Unavailable, []string{"no-such-host.invalid"}},
		{"a wrong password", func(t *testing.T) store.Config {
			return store.Config{URL: "postgres://kefu:" + password + "@" + refusingServer(t) + "/kefu?sslmode=disable"}
		}, "database_refused", desk.Unavailable, []string{`"kefu"`, "password"}},
		{"no such database", func(t *testing.T) store.Config {
			u, err := url.Parse(testenv.Postgres(t))
			if err != nil {
				t.Fatal(err)
			}
			u.Path += "_missing"
			return store.Config{URL: u.String()}
		}, "database_missing", desk.Unavailable, []string{"createdb"}},
		{"a file where the directory should be", func(t *testing.T) store.Config {
			file := filepath.Join(t.TempDir(), "file")
			write(t, file, "")
			return store.Config{Dir: filepath.Join(file, "data")}
		}, "directory_unwritable", desk.Unavailable, []string{"KEFU_DATA_DIR"}},
		{"a file that is no database", func(t *testing.T) store.Config {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "kefu.db"), strings.Repeat("not a database ", 500))
			return store.Config{Dir: dir}
		}, "database_damaged", desk.Unavailable, []string{"backup"}},
		{"a newer SQLite file", newerThanUs("sqlite"), "database_newer", desk.Unavailable, []string{"9999", "newer kefu"}},
		{"a newer PostgreSQL database", newerThanUs("postgresql"), "database_newer", desk.Unavailable, []string{"9999", "newer kefu"}},
		{"a file that another process holds", lockedFile, "database_locked", desk.Unavailable, []string{"another process"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := store.Open(t.Context(), tt.cfg(t))
			var problem *desk.Error
			if !errors.As(err, &problem) || problem.Code != tt.code || problem.Kind != tt.kind {
				t.Fatalf("open = %v, want %s", err, tt.code)
			}
			for _, part := range tt.tells {
				if !strings.Contains(problem.Local, part) {
					t.Errorf("message %q does not mention %q", problem.Local, part)
				}
			}
			if problem.Public != "" {
				t.Errorf("callers are told %q", problem.Public)
			}
			if strings.Contains(err.Error()+problem.Local, password) {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

func at(u string) func(*testing.T) store.Config {
	return func(*testing.T) store.Config { return store.Config{URL: u} }
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newerThanUs(engine string) func(t *testing.T) store.Config {
	return func(t *testing.T) store.Config {
		cfg := places[engine](t)
		open(t, cfg).Exec(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
		return cfg
	}
}

func TestAWriteThatALockOutlastsSaysThatTheDatabaseIsLocked(t *testing.T) {
	t.Parallel()
	cfg := store.Config{Dir: t.TempDir()}
	db := open(t, cfg)
	store.LockFile(t, filepath.Join(cfg.Dir, "kefu.db"))
	_, err := db.Documents().Join(t.Context(), "replica", 1, time.Minute)
	if problem, _ := errors.AsType[*desk.Error](err); problem == nil || problem.Code != "database_locked" || problem.Kind != desk.Unavailable {
		t.Errorf("join = %v, want database_locked", err)
	}
}

// lockedFile is a database that a transaction of somebody else locks.
func lockedFile(t *testing.T) store.Config {
	cfg := store.Config{Dir: t.TempDir()}
	store.LockFile(t, filepath.Join(cfg.Dir, "kefu.db"))
	return cfg
}

func unusedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// refusingServer speaks as much PostgreSQL as it takes to refuse a password.
func refusingServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			server := pgproto3.NewBackend(conn, conn)
			if _, err := server.ReceiveStartupMessage(); err == nil {
				server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: `password authentication failed for user "kefu"`})
				server.Flush()
			}
			conn.Close()
		}
	})
	return l.Addr().String()
}

func TestProcessesThatStartTogetherMigrateOnce(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := place(t)
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					db, err := store.Open(t.Context(), cfg)
					if err != nil {
						t.Error(err)
						return
					}
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestAFileThatManyMakeAtOnceIsRefusedToNone(t *testing.T) {
	for range 300 {
		dir := t.TempDir()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := store.ReachFile(t.Context(), dir); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

func TestASecondStartFindsTheFirstOnesData(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := place(t)
			publish(t, open(t, cfg), []desk.Prepared{document("a", 1, 4)})
			if n := len(itemsOf(t, open(t, cfg), tenant, "m", 0)); n != 1 {
				t.Errorf("%d items, want 1", n)
			}
		})
	}
}

func TestMigrationsGoDownAndUpAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		db.Remigrate(t, 0)
		publish(t, db, []desk.Prepared{document("a", 1, 4)})
	})
}

func TestAKnowledgeBaseFromBeforeThereWereReleasesIsServedAsItWas(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		const before = 2 // the last migration without releases
		publish(t, db, []desk.Prepared{document("a", 3, 4), document("b", 2, 4)})
		publish(t, db, []desk.Prepared{edited("a", "a2")}, "b")
		want := said(t, db)
		db.Remigrate(t, before)
		if got := said(t, db); !reflect.DeepEqual(got, want) {
			t.Errorf("served = %v, want %v", got, want)
		}
		chunks, err := db.Documents().Stale(t.Context(), tenant, "new")
		if err != nil || len(chunks) != 1 {
			t.Fatalf("%d stale chunks, %v, want 1", len(chunks), err)
		}
		if err := db.Documents().PutVectors(t.Context(), tenant, "new", chunks, [][]float32{vector(6, 1)}); err != nil {
			t.Fatal(err)
		}
		if items := itemsOf(t, db, tenant, "new", 0); len(items) != 1 || items[0].Vector == nil {
			t.Errorf("items = %+v, want one with its new vector", items)
		}
		publish(t, db, []desk.Prepared{edited("a", "a3")})
		if _, err := db.Documents().Rollback(t.Context(), tenant, 2, "tester"); err != nil {
			t.Fatal(err)
		}
		if got := said(t, db); !reflect.DeepEqual(got, want) {
			t.Errorf("after a rollback = %v, want %v", got, want)
		}
	})
}

func TestAPathMayHoldAnyCharacter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "数据 a?b#c%20d&e=f")
	publish(t, open(t, store.Config{Dir: dir}), []desk.Prepared{document("a", 1, 0)})
	if _, err := os.Stat(filepath.Join(dir, "kefu.db")); err != nil {
		t.Error(err)
	}
}

func TestTheFilesAreNotForEverybody(t *testing.T) {
	dir := t.TempDir()
	db := open(t, store.Config{Dir: dir})
	if err := db.Turns().Append(t.Context(), desk.Scope{Tenant: desk.DefaultTenant, User: "ann"}, "c1", desk.Turn{Answer: "ans_1", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kefu.db", "kefu.db-wal", "kefu.db-shm"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s is %v, %v: others may read what customers said", name, info.Mode(), err)
		}
	}
}
