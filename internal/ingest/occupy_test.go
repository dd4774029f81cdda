package ingest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
)

func codeOf(err error) string {
	var said *desk.Error
	if errors.As(err, &said) {
		return said.Code
	}
	return ""
}

func TestASecondLoadOfASourceIsToldWhoLoads(t *testing.T) {
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{})
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.md"), "# A\n\nText of a.")
	req := Request{Paths: []string{dir}, Root: dir, Source: "docs", Author: "cli:ann", Exact: true}
	var second error
	docs.onStage = func() {
		docs.onStage = nil
		_, second = l.Load(t.Context(), desk.DefaultTenant, req, nil)
	}
	if r, err := l.Load(t.Context(), desk.DefaultTenant, req, nil); err != nil || r.Added != 1 {
		t.Fatalf("load = %+v, %v", r, err)
	}
	var said *desk.Error
	if !errors.As(second, &said) || said.Code != "sync_running" || said.Kind != desk.Conflict || said.RetryAfter <= 0 {
		t.Fatalf("second load = %v, want sync_running with a time to wait", second)
	}
	for _, part := range []string{"cli:ann", `"docs"`} {
		if !strings.Contains(said.Public, part) {
			t.Errorf("%q does not name %s", said.Public, part)
		}
	}
	if len(docs.leases) != 0 {
		t.Errorf("leases = %v after the end, want none", docs.leases)
	}
}

func TestASourceWhoseLoaderWasKilledIsFree(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{})
	for _, tt := range []struct {
		name, want string
		holder     desk.SourceLease
	}{
		{"its process is gone", "", desk.SourceLease{ID: "x", Host: host, PID: gone.Process.Pid}},
		{"its process runs", "sync_running", desk.SourceLease{ID: "x", Host: host, PID: os.Getppid()}},
		{"it runs elsewhere", "sync_running", desk.SourceLease{ID: "x", Host: host + "-other", PID: gone.Process.Pid}},
	} {
		docs.leases["docs"] = tt.holder
		_, _, free, err := l.occupy(t.Context(), desk.DefaultTenant, "docs", "me")
		if codeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if err == nil {
			free()
		}
	}
}

func TestALoadThatLosesItsSourceEndsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := newShelf()
		l := &Loader{docs: docs}
		held, _, free, err := l.occupy(t.Context(), desk.DefaultTenant, "docs", "me")
		if err != nil {
			t.Fatal(err)
		}
		defer free()
		time.Sleep(10 * leaseFor)
		if held.Err() != nil {
			t.Fatalf("lost without a reason: %v", context.Cause(held))
		}
		docs.mu.Lock()
		docs.leases["docs"] = desk.SourceLease{ID: "other"}
		docs.mu.Unlock()
		time.Sleep(2 * signEvery)
		if codeOf(context.Cause(held)) != "sync_lost" {
			t.Errorf("cause = %v, want sync_lost", context.Cause(held))
		}
	})
}
