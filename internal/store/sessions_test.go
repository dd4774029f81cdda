package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
	"kefu/internal/store"
)

func openSession(secret string, life time.Duration) access.OpenSession {
	now := time.Now()
	return access.OpenSession{Session: desk.Session{ID: desk.NewSessionID(), Opened: now, Seen: now, Expires: now.Add(life)}, Hash: access.Hash(secret)}
}

func TestALinkLetsOneInOnEveryReplica(t *testing.T) {
	for engine, place := range places {
		t.Run(engine, func(t *testing.T) {
			cfg := place(t)
			replicas := []*store.Sessions{open(t, cfg).Sessions(), open(t, cfg).Sessions()}
			ctx := t.Context()
			token, err := replicas[0].MakeLink(ctx, me, desk.Link{Tenant: desk.DefaultTenant, Role: desk.RoleAdmin, Expires: time.Now().Add(time.Minute)})
			if err != nil {
				t.Fatal(err)
			}
			if visited, err := replicas[1].Visited(ctx); err != nil || visited {
				t.Errorf("visited = %v, %v before anybody signed in", visited, err)
			}
			var in, refused atomic.Int64
			var all sync.WaitGroup
			for i := range 10 {
				all.Go(func() {
					_, err := replicas[i%2].OpenByLink(ctx, access.Hash(token), openSession(access.NewToken(), time.Hour))
					switch {
					case err == nil:
						in.Add(1)
					case codeOf(err) == "link_invalid":
						refused.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			if in.Load() != 1 || refused.Load() != 9 {
				t.Errorf("%d got in and %d were refused, want 1 and 9", in.Load(), refused.Load())
			}
			if visited, err := replicas[1].Visited(ctx); err != nil || !visited {
				t.Errorf("visited = %v, %v, want true", visited, err)
			}
		})
	}
}

func TestASessionIsSeenAndEndedOnEveryReplica(t *testing.T) {
	for engine, place := range places {
		t.Run(engine, func(t *testing.T) {
			cfg := place(t)
			db := open(t, cfg)
			one, other := db.Sessions(), open(t, cfg).Sessions()
			ctx := t.Context()
			s := openSession("secret", time.Hour)
			s.Key, s.Binding = desk.Key{ID: "key_1", Tenant: desk.DefaultTenant, Role: desk.RoleOperator}, access.Hash("binding")
			if err := one.Open(ctx, s); err != nil {
				t.Fatal(err)
			}
			later := time.UnixMilli(time.Now().Add(time.Minute).UnixMilli()).UTC()
			if err := one.Seen(ctx, s.ID, later); err != nil {
				t.Fatal(err)
			}
			found, ok, err := other.Find(ctx, access.Hash("secret"))
			if err != nil || !ok || found.ID != s.ID || found.Key.ID != "key_1" || found.Binding != s.Binding || !found.Seen.Equal(later) {
				t.Errorf("found %+v, %v, %v", found, ok, err)
			}
			if list, err := other.List(ctx); err != nil || len(list) != 1 || list[0].ID != s.ID {
				t.Errorf("list = %+v, %v", list, err)
			}
			if err := other.End(ctx, me, s.ID); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := one.Find(ctx, access.Hash("secret")); err != nil || ok {
				t.Errorf("after its end: %v, %v", ok, err)
			}
			if err := one.End(ctx, me, s.ID); codeOf(err) != "session_not_found" {
				t.Errorf("ended twice: %v, want session_not_found", err)
			}

			if err := one.Open(ctx, openSession("old", -time.Minute)); err == nil {
				t.Error("a session of no tenant was opened")
			}
			expired := openSession("old", -time.Minute)
			expired.Key.Tenant = desk.DefaultTenant
			if err := one.Open(ctx, expired); err != nil {
				t.Fatal(err)
			}
			if gone, err := db.Forget(ctx, store.Retention{Ended: time.Now()}); err != nil || gone.Sessions != 1 {
				t.Errorf("forgotten = %+v, %v, want the session that had expired", gone, err)
			}
		})
	}
}

func TestLinksAreForThoseWhoMayWorkThere(t *testing.T) {
	s := open(t, store.Config{Dir: t.TempDir()}).Sessions()
	hour := time.Now().Add(time.Hour)
	for want, link := range map[string]desk.Link{
		"tenant_not_found": {Tenant: "nobody", Role: desk.RoleOperator, Expires: hour},
		"key_role_invalid": {Tenant: desk.DefaultTenant, Role: desk.RoleAsk, Expires: hour},
		"key_admin_tenant": {Tenant: "acme", Role: desk.RoleAdmin, Expires: hour},
		"key_expired":      {Tenant: desk.DefaultTenant, Role: desk.RoleAdmin, Expires: time.Now()},
	} {
		if _, err := s.MakeLink(t.Context(), me, link); codeOf(err) != want {
			t.Errorf("%+v: %v, want %s", link, err, want)
		}
	}
}

// A database that was stolen opens nothing.
func TestNeitherLinksNorSessionsStandInTheDatabase(t *testing.T) {
	dir := t.TempDir()
	db := open(t, store.Config{Dir: dir})
	ctx := t.Context()
	token, err := db.Sessions().MakeLink(ctx, me, desk.Link{Tenant: desk.DefaultTenant, Role: desk.RoleAdmin, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	secret := access.NewToken()
	s := openSession(secret, time.Hour)
	s.Key.Tenant = desk.DefaultTenant
	if err := db.Sessions().Open(ctx, s); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"link": token, "session": secret} {
			if bytes.Contains(content, []byte(text)) {
				t.Errorf("the %s stands in %s", name, file)
			}
		}
	}
}
