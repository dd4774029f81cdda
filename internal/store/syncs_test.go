package store_test

import (
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestTheLastSyncOfASourceIsKnown(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		only := func() desk.Sync {
			t.Helper()
			all, err := docs.Syncs(t.Context())
			if err != nil || len(all) != 1 {
				t.Fatalf("syncs = %+v, %v, want one", all, err)
			}
			return all[0]
		}
		synced := func(source string, kind desk.SourceKind, again time.Duration) {
			t.Helper()
			if err := docs.Synced(t.Context(), desk.DefaultTenant, source, kind, again); err != nil {
				t.Fatal(err)
			}
		}
		p := document("x", 1, 0)
		publish(t, db, []desk.Prepared{p})
		source := p.Document.Source
		synced(source, desk.FromFiles, 0)
		if s := only(); s.Tenant != desk.DefaultTenant || s.Source != source || s.Kind != desk.FromFiles || time.Since(s.At).Abs() > time.Minute || !s.Due.IsZero() {
			t.Errorf("sync = %+v, want one of files now, without a promise", s)
		}
		synced(source, desk.FromWeb, time.Hour)
		if s := only(); s.Kind != desk.FromWeb || s.Due.Sub(s.At) != time.Hour {
			t.Errorf("sync = %+v, want one of the web, due within an hour", s)
		}
		synced("empty", desk.FromFiles, time.Hour)
		only()
	})
}
