package access_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
)

// visits are sessions in memory.
type visits struct {
	mu   sync.Mutex
	open map[[sha256.Size]byte]access.OpenSession
	seen int
}

func newVisits() *visits { return &visits{open: map[[sha256.Size]byte]access.OpenSession{}} }

func (v *visits) Open(_ context.Context, s access.OpenSession) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open[s.Hash] = s
	return nil
}

func (v *visits) OpenByLink(ctx context.Context, _ [sha256.Size]byte, s access.OpenSession) (desk.Session, error) {
	s.Key = desk.Key{ID: desk.KeyID(s.ID), Role: desk.RoleOperator}
	return s.Session, v.Open(ctx, s)
}

func (v *visits) Find(_ context.Context, hash [sha256.Size]byte) (access.OpenSession, bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.open[hash]
	return s, ok, nil
}

func (v *visits) Seen(_ context.Context, id desk.SessionID, at time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen++
	for hash, s := range v.open {
		if s.ID == id {
			s.Seen = at
			v.open[hash] = s
		}
	}
	return nil
}

func (v *visits) End(context.Context, desk.Actor, desk.SessionID) error { return nil }

func TestASessionEndsWhenItIsIdleAndAfterItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisits()
		s := access.NewSessions(access.New(nil, "", quiet), v, access.SessionConfig{Idle: time.Hour, Life: 3 * time.Hour})
		ctx := t.Context()
		idle, _, err := s.ByLink(ctx, "token")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Nanosecond)
		if _, err := s.Find(ctx, idle); err != nil {
			t.Errorf("a moment before it was idle for an hour: %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := s.Find(ctx, idle); code(err) != "session_ended" {
			t.Errorf("idle for an hour: %v, want session_ended", err)
		}

		busy, opened, _ := s.ByLink(ctx, "token")
		v.seen = 0
		for time.Now().Before(opened.Expires) {
			if _, err := s.Find(ctx, busy); err != nil {
				t.Fatalf("in use, after %v: %v", time.Since(opened.Opened), err)
			}
			time.Sleep(10 * time.Second)
		}
		if _, err := s.Find(ctx, busy); code(err) != "session_ended" {
			t.Errorf("after three hours: %v, want session_ended", err)
		}
		if v.seen != 3*60-1 {
			t.Errorf("use was noted %d times in three hours, want once a minute", v.seen)
		}
	})
}

func TestASessionEndsWithTheKeyThatOpenedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := &source{}
		s := access.NewSessions(running(t, keys), newVisits(), access.SessionConfig{})
		ctx := t.Context()
		key := keys.add(desk.Key{ID: "key_1", Tenant: "acme", Role: desk.RoleOperator, Expires: time.Now().Add(30 * time.Minute)})
		secret, _, err := s.ByKey(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := s.Find(ctx, secret); err != nil || found.Key.ID != "key_1" || found.Key.Tenant != "acme" {
			t.Errorf("session = %+v, %v, want that of acme's key", found, err)
		}
		time.Sleep(30 * time.Minute)
		if _, err := s.Find(ctx, secret); code(err) != "session_ended" {
			t.Errorf("after the key expired: %v, want session_ended", err)
		}

		secret, _, err = s.ByKey(ctx, keys.add(desk.Key{ID: "key_2", Role: desk.RoleAdmin}))
		if err != nil {
			t.Fatal(err)
		}
		keys.change(func(s *source) { s.rules.Keys = nil })
		time.Sleep(5 * time.Second)
		if _, err := s.Find(ctx, secret); code(err) != "session_ended" {
			t.Errorf("five seconds after the key was revoked: %v, want session_ended", err)
		}

		secret, _, err = s.ByKey(ctx, keys.add(desk.Key{ID: "key_3", Role: desk.RoleAdmin}))
		if err != nil {
			t.Fatal(err)
		}
		keys.change(func(s *source) { s.err = errors.New("away") })
		time.Sleep(6 * time.Second)
		if _, err := s.Find(ctx, secret); code(err) != "keys_unavailable" {
			t.Errorf("while nobody can tell: %v, want keys_unavailable", err)
		}
	})
}

func TestAnotherKeyInTheConfigurationEndsTheSessionsOfTheFormer(t *testing.T) {
	const former, next = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	v := newVisits()
	ctx := t.Context()
	secret, _, err := access.NewSessions(access.New(nil, former, quiet), v, access.SessionConfig{}).ByKey(ctx, former)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := access.NewSessions(access.New(nil, former, quiet), v, access.SessionConfig{}).Find(ctx, secret); err != nil {
		t.Errorf("in another replica: %v", err)
	}
	d := access.New(nil, next, quiet)
	if _, err := access.NewSessions(d, v, access.SessionConfig{}).Find(ctx, secret); code(err) != "session_ended" {
		t.Errorf("with another key: %v, want session_ended", err)
	}
	d = access.New(&source{}, "", quiet)
	if _, err := access.NewSessions(d, v, access.SessionConfig{}).Find(ctx, secret); code(err) != "session_ended" {
		t.Errorf("without a key: %v, want session_ended", err)
	}
}

func TestAKeyThatMayOnlyAskOpensNoSession(t *testing.T) {
	keys := &source{}
	s := access.NewSessions(access.New(keys, "", quiet), newVisits(), access.SessionConfig{})
	if _, _, err := s.ByKey(t.Context(), keys.add(desk.Key{ID: "key_1", Role: desk.RoleAsk})); code(err) != "role_missing" {
		t.Errorf("err = %v, want role_missing", err)
	}
	if _, _, err := s.ByKey(t.Context(), access.NewSecret()); code(err) != "key_invalid" {
		t.Errorf("err = %v, want key_invalid", err)
	}
}
