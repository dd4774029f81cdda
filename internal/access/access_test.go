package access_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
)

// source is a database in memory.
type source struct {
	mu    sync.Mutex
	rules access.Rules
	err   error
	asked int
}

func (s *source) Access(_ context.Context, since int64) (access.Rules, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.rules, s.rules.Version != since, s.err
}

func (s *source) change(f func(*source)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules.Version++
	f(s)
}

// add puts a key into the database and returns its secret.
func (s *source) add(k desk.Key) string {
	secret := access.NewSecret()
	k.Prefix = access.Prefix(secret)
	s.change(func(s *source) {
		s.rules.Keys = append(s.rules.Keys, access.HashedKey{Key: k, Hash: access.Hash(secret)})
		s.rules.Asking = s.rules.Asking || k.Role == desk.RoleAsk
	})
	return secret
}

var quiet = slog.New(slog.DiscardHandler)

// running is a directory that follows s until the test ends.
func running(t *testing.T, s *source) *access.Directory {
	d := access.New(s, "", quiet)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.Run(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return d
}

func code(err error) string {
	var e *desk.Error
	errors.As(err, &e)
	if e == nil {
		return ""
	}
	return e.Code
}

func TestASecretHoldsMoreThan256BitsAndShowsLittle(t *testing.T) {
	secret, other := access.NewSecret(), access.NewSecret()
	// Each of the 52 characters is one of 32: 260 bits.
	if random := strings.TrimPrefix(secret, "kefu_"); len(random) != 52 || secret == other {
		t.Errorf("secrets %s and %s, want 52 random characters each", secret, other)
	}
	if shown := access.Prefix(secret); len(shown) != 13 {
		t.Errorf("prefix %s, want 8 of the random characters", shown)
	}
}

func TestAKeyMadeAMomentAgoIsTakenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		d := running(t, s)
		time.Sleep(10 * time.Second)
		time.Sleep(300 * time.Millisecond)
		secret := s.add(desk.Key{ID: "key_1", Tenant: "acme", Role: desk.RoleAsk})
		k, err := d.Key(t.Context(), secret)
		if err != nil || k.Tenant != "acme" {
			t.Errorf("key = %+v, %v", k, err)
		}
	})
}

func TestARevokedKeyIsRefusedWithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		d := running(t, s)
		secret := s.add(desk.Key{ID: "key_1", Role: desk.RoleAsk})
		if _, err := d.Key(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		s.change(func(s *source) { s.rules.Keys = nil })
		time.Sleep(5 * time.Second)
		if _, err := d.Key(t.Context(), secret); code(err) != "key_invalid" {
			t.Errorf("err = %v, want key_invalid", err)
		}
		if d.Open() {
			t.Error("revoking the last key opened the door")
		}
	})
}

func TestAnExpiredKeyIsRefusedAtItsMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		d := running(t, s)
		secret := s.add(desk.Key{ID: "key_1", Role: desk.RoleAsk, Expires: time.Now().Add(time.Minute)})
		time.Sleep(time.Minute - time.Nanosecond)
		if _, err := d.Key(t.Context(), secret); err != nil {
			t.Errorf("a moment before: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := d.Key(t.Context(), secret); code(err) != "key_invalid" {
			t.Errorf("err = %v, want key_invalid", err)
		}
	})
}

func TestNobodysWordIsTakenWhileTheDatabaseIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		d := running(t, s)
		secret := s.add(desk.Key{ID: "key_1", Role: desk.RoleAsk})
		if _, err := d.Key(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		s.change(func(s *source) { s.err = errors.New("away") })
		if _, err := d.Key(t.Context(), secret); err != nil {
			t.Errorf("at once: %v, want the key taken for a while", err)
		}
		time.Sleep(6 * time.Second)
		if _, err := d.Key(t.Context(), secret); code(err) != "keys_unavailable" {
			t.Errorf("err = %v, want keys_unavailable", err)
		}
		s.change(func(s *source) { s.err = nil })
		time.Sleep(time.Second)
		if _, err := d.Key(t.Context(), secret); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}

func TestUnknownKeysDoNotLoadTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		d := access.New(s, "", quiet)
		for range 1000 {
			if _, err := d.Key(t.Context(), access.NewSecret()); code(err) != "key_invalid" {
				t.Fatal(err)
			}
		}
		if s.asked != 5 {
			t.Errorf("asked %d times, want 5", s.asked)
		}
	})
}

func TestTheKeyOfTheConfigurationIsTheAdministrators(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	d := access.New(nil, secret, quiet)
	k, err := d.Key(t.Context(), secret)
	if err != nil || k.ID != desk.BootstrapKey || k.Role != desk.RoleAdmin || d.Open() || !d.Keyed() {
		t.Errorf("key = %+v, %v", k, err)
	}
	for _, wrong := range []string{secret[1:], secret + "0", "kefu_", "x"} {
		if _, err := d.Key(t.Context(), wrong); code(err) != "key_invalid" {
			t.Errorf("%q: %v, want key_invalid", wrong, err)
		}
	}
}

func TestAskingIsOpenUntilThereIsAKeyForIt(t *testing.T) {
	s := &source{}
	d := access.New(s, "", quiet)
	s.add(desk.Key{ID: "key_1", Role: desk.RoleAdmin})
	if err := d.Refresh(t.Context()); err != nil || !d.Open() {
		t.Errorf("with an administrator's key: open = %v, %v, want true", d.Open(), err)
	}
	s.add(desk.Key{ID: "key_2", Role: desk.RoleAsk})
	if err := d.Refresh(t.Context()); err != nil || d.Open() {
		t.Errorf("with a key for asking: open = %v, %v, want false", d.Open(), err)
	}
}

func BenchmarkKey(b *testing.B) {
	s := &source{}
	d := access.New(s, "", quiet)
	secret := s.add(desk.Key{ID: "key_1", Role: desk.RoleAsk})
	for b.Loop() {
		if _, err := d.Key(b.Context(), secret); err != nil {
			b.Fatal(err)
		}
	}
}
