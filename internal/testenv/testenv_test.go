package testenv_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"kefu/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	opts.MaxRetries, opts.DialerRetries, opts.ReadTimeout = -1, 1, 200*time.Millisecond
	c := redis.NewClient(opts)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestRedisGivesEachTestAnEmptyDatabase(t *testing.T) {
	for range 2 {
		c := redisClient(t, testenv.Redis(t))
		if n := c.DBSize(t.Context()).Val(); n != 0 {
			t.Fatalf("keys = %d, want 0", n)
		}
		if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOwnRedisStopsAndStartsAtTheSameAddress(t *testing.T) {
	s := testenv.OwnRedis(t)
	c := redisClient(t, s.URL())
	ping := func() error { return c.Ping(t.Context()).Err() }
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if conn, err := net.Dial("tcp", s.Addr()); err == nil {
		conn.Close()
		t.Error("a stopped server accepts connections")
	}
	s.Start()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		// The pooled connection died with the server.
		if err := ping(); err != nil {
			t.Fatal(err)
		}
	}
	s.Pause()
	if ping() == nil {
		t.Error("a paused server answers")
	}
	s.Resume()
	if err := ping(); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresGivesEachCallAnEmptyDatabase(t *testing.T) {
	for range 2 {
		conn, err := pgx.Connect(t.Context(), testenv.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), "CREATE TABLE t (s TEXT)"); err != nil {
			t.Fatal(err)
		}
		var s string
		if err := conn.QueryRow(t.Context(), "INSERT INTO t VALUES ('退货') RETURNING s").Scan(&s); err != nil || s != "退货" {
			t.Fatalf("s = %q, %v", s, err)
		}
	}
}

func TestPrometheusScrapesAndEvaluatesEverySecond(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "answer 42")
	}))
	defer target.Close()
	base := testenv.Prometheus(t, map[string]string{"toy": target.Listener.Addr().String()}, "testdata/rules.yml")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		resp, err := http.Get(base + "/api/v1/query?query=" + url.QueryEscape(`job:answer:double{job="toy"}`))
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Data struct{ Result []any } }
		err = json.NewDecoder(resp.Body).Decode(&body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if s := fmt.Sprint(body.Data.Result); strings.Contains(s, "84") {
			return
		}
		if ctx.Err() != nil {
			t.Fatal("the rule returned no data")
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func TestNoGoroutineIsLeftBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	testenv.Redis(t)
	testenv.Postgres(t)
	testenv.OwnRedis(t)
	testenv.Prometheus(t, nil)
	goleak.VerifyNone(t, before)
}
