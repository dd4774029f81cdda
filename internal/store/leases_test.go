package store_test

import (
	"errors"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestASourceHasOneHolderUntilItsLeaseEnds(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		occupy := func(source, id string, ttl time.Duration) desk.SourceLease {
			t.Helper()
			l, err := docs.Occupy(t.Context(), desk.DefaultTenant, source, desk.SourceLease{ID: id, Author: "cli:" + id, Host: "h", PID: 7}, ttl)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		code := func(err error) string {
			var said *desk.Error
			if errors.As(err, &said) {
				return said.Code
			}
			return ""
		}
		if l := occupy("docs", "a", time.Hour); l.ID != "a" {
			t.Fatalf("holder = %+v, want a", l)
		}
		if l := occupy("docs", "b", time.Hour); l.ID != "a" || l.Author != "cli:a" || l.PID != 7 || l.Since.IsZero() || time.Until(l.Expires) < 50*time.Minute {
			t.Errorf("holder = %+v, want a for about an hour", l)
		}
		if l := occupy("other", "b", time.Hour); l.ID != "b" {
			t.Errorf("holder of another source = %+v, want b", l)
		}
		if err := docs.Keep(t.Context(), desk.DefaultTenant, "docs", "a", -time.Minute); err != nil {
			t.Fatal(err) // and so it has ended
		}
		if l := occupy("docs", "b", time.Hour); l.ID != "b" {
			t.Errorf("holder = %+v, want b after the lease of a has ended", l)
		}
		if err := docs.Keep(t.Context(), desk.DefaultTenant, "docs", "a", time.Hour); code(err) != "sync_lost" {
			t.Errorf("keep of a lost source = %v, want sync_lost", err)
		}
		p := document("x", 1, 0)
		if err := docs.Stage(t.Context(), desk.DefaultTenant, []desk.Prepared{p}); err != nil {
			t.Fatal(err)
		}
		change := desk.Change{Kind: desk.ReleaseSync, Source: "docs", Put: []desk.Version{{Document: p.Document.ID, Hash: p.Document.Hash}}, Lease: "a"}
		if _, err := docs.Publish(t.Context(), desk.DefaultTenant, change); code(err) != "sync_lost" {
			t.Errorf("publish without the source = %v, want sync_lost", err)
		}
		change.Lease = "b"
		if r, err := docs.Publish(t.Context(), desk.DefaultTenant, change); err != nil || r.Added != 1 {
			t.Errorf("publish of the holder = %+v, %v", r, err)
		}
		for _, id := range []string{"a", "b"} { // of a, nothing is left to end
			if err := docs.Vacate(t.Context(), desk.DefaultTenant, "docs", id); err != nil {
				t.Error(err)
			}
		}
		if l := occupy("docs", "c", time.Hour); l.ID != "c" {
			t.Errorf("holder = %+v, want c", l)
		}
	})
}
