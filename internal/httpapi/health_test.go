package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/httpapi"
)

func TestHealthIsConstant(t *testing.T) {
	r := serve(t, httpapi.Config{}, says(answer())).do(t, "GET", "/health", "")
	if r.StatusCode != http.StatusOK || r.body != `{"status":"healthy"}`+"\n" {
		t.Errorf("health = %d %s", r.StatusCode, r.body)
	}
}

func TestReadinessDependsOnWhatIsRequired(t *testing.T) {
	up := func(context.Context) error { return nil }
	down := func(context.Context) error { return errors.New("password hunter2") }
	for _, tt := range []struct {
		name     string
		database func(context.Context) error
		redis    func(context.Context) error
		drain    bool
		code     int
		want     string
	}{
		{"everything up", up, up, false, 200, `{"status":"ready","dependencies":{"database":{"status":"up","required":true},"redis":{"status":"up","required":false}}}`},
		{"a cache that is down is only reported", up, down, false, 200, `{"status":"ready","dependencies":{"database":{"status":"up","required":true},"redis":{"status":"down","required":false}}}`},
		{"a database that is down", down, up, false, 503, `{"status":"unready","dependencies":{"database":{"status":"down","required":true},"redis":{"status":"up","required":false}}}`},
		{"a process that ends", up, up, true, 503, `{"status":"draining","dependencies":{"database":{"status":"up","required":true},"redis":{"status":"up","required":false}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := serve(t, httpapi.Config{Checks: []httpapi.Check{{Name: "database", Required: true, Up: tt.database}, {Name: "redis", Up: tt.redis}}}, says(answer()))
			if tt.drain {
				f.api.Drain()
			}
			r := f.do(t, "GET", "/readyz", "")
			if r.StatusCode != tt.code || r.body != tt.want+"\n" {
				t.Errorf("readyz = %d %s\nwant %d %s", r.StatusCode, r.body, tt.code, tt.want)
			}
			if log := f.log.String(); !strings.Contains(log, `"level":"DEBUG"`) || strings.Contains(log, "hunter2") {
				t.Errorf("log = %s, want one line at debug", log)
			}
		})
	}
}

func TestReadinessIsCheckedAtMostOnceASecondAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checks := 0
		hangs := func(ctx context.Context) error { checks++; <-ctx.Done(); return ctx.Err() }
		api := httpapi.New(httpapi.Config{Logger: quietLog, Checks: []httpapi.Check{{Name: "database", Required: true, Up: hangs}}}, says(answer()), &observed{})
		readyz := func() int {
			w := httptest.NewRecorder()
			api.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			return w.Code
		}
		began := time.Now()
		if code := readyz(); code != http.StatusServiceUnavailable || time.Since(began) != time.Second {
			t.Errorf("readyz = %d after %s, want 503 after 1s", code, time.Since(began))
		}
		readyz()
		if checks != 1 {
			t.Errorf("checks = %d, want the result to be reused", checks)
		}
		time.Sleep(2 * time.Second) // of the bubble's clock
		if readyz(); checks != 2 {
			t.Errorf("checks = %d, want 2", checks)
		}
	})
}
