package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"kefu/internal/desk"
)

// seenEvery is how often a session that is used is marked as used.
const seenEvery = time.Minute

// SessionConfig says how long somebody stays signed in.
type SessionConfig struct {
	Idle time.Duration // without a request; default 1 h
	Life time.Duration // at most; default 12 h
}

// OpenSession is a session with the hash of its secret.
type OpenSession struct {
	desk.Session
	Hash [sha256.Size]byte
	// Binding holds it to the key that opened it; zero: a link did.
	Binding [sha256.Size]byte
}

// SessionStore is where sessions are kept, for all replicas.
type SessionStore interface {
	// Open keeps a session that a key opened.
	Open(ctx context.Context, s OpenSession) error
	// OpenByLink spends the link with that hash and keeps a session of its
	// tenant and role. The error is a *desk.Error, code link_invalid, where the
	// link was used or has expired.
	OpenByLink(ctx context.Context, link [sha256.Size]byte, s OpenSession) (desk.Session, error)
	// Find returns the session with that hash; ok is false where there is none.
	Find(ctx context.Context, hash [sha256.Size]byte) (s OpenSession, ok bool, err error)
	// Seen notes that it was used at a time.
	Seen(ctx context.Context, id desk.SessionID, at time.Time) error
	// End removes it.
	End(ctx context.Context, by desk.Actor, id desk.SessionID) error
}

// Sessions are those signed in to the console. It is safe for concurrent use.
type Sessions struct {
	keys  *Directory
	store SessionStore
	cfg   SessionConfig
}

// NewSessions returns the sessions in store, of the keys that keys knows.
func NewSessions(keys *Directory, store SessionStore, cfg SessionConfig) *Sessions {
	if cfg.Idle == 0 {
		cfg.Idle = time.Hour
	}
	if cfg.Life == 0 {
		cfg.Life = 12 * time.Hour
	}
	return &Sessions{keys, store, cfg}
}

// tokenLength is the number of characters of a token, each one of 32.
const tokenLength = 52

// NewToken makes the secret of a session or a link: 260 random bits.
func NewToken() string { return rand.Text() + rand.Text() }

// ByKey opens a session for the holder of a key. Errors are those of
// Directory.Key, and role_missing for a key that may only ask.
func (s *Sessions) ByKey(ctx context.Context, key string) (secret string, opened desk.Session, err error) {
	k, err := s.keys.Key(ctx, key)
	if err != nil {
		return "", desk.Session{}, err
	}
	if !k.Role.Allows(desk.RoleOperator) {
		return "", desk.Session{}, &desk.Error{
			Kind: desk.Forbidden, Code: "role_missing", Public: "The console needs a key with the role operator or admin; this one may only ask.",
		}
	}
	secret, next := s.next()
	next.Key, next.Binding = k, binding(secret, Hash(key))
	return secret, next.Session, s.store.Open(ctx, next)
}

// ByLink opens a session for the first who comes with a link's token. The
// error is a *desk.Error, code link_invalid, for all others.
func (s *Sessions) ByLink(ctx context.Context, token string) (secret string, opened desk.Session, err error) {
	secret, next := s.next()
	opened, err = s.store.OpenByLink(ctx, Hash(token), next)
	return secret, opened, err
}

func (s *Sessions) next() (secret string, next OpenSession) {
	secret = NewToken()
	now := time.Now()
	next.ID, next.Opened, next.Seen, next.Expires, next.Hash = desk.NewSessionID(), now, now, now.Add(s.cfg.Life), Hash(secret)
	return secret, next
}

// binding is made of both secrets, so that the database alone can tell nothing
// about a key of the configuration, which somebody may have thought up.
func binding(session string, key [sha256.Size]byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte("kefu session\x00"+session+"\x00"), key[:]...))
}

// Find returns the session with that secret. Errors are *desk.Error:
// session_ended for one that was ended, was idle or lived for too long, or
// whose key has ended, and keys_unavailable while nobody can tell.
func (s *Sessions) Find(ctx context.Context, secret string) (desk.Session, error) {
	if len(secret) != tokenLength { // not worth a look
		return desk.Session{}, ended(nil)
	}
	found, ok, err := s.store.Find(ctx, Hash(secret))
	if err != nil {
		return desk.Session{}, err
	}
	now := time.Now()
	if !ok || !now.Before(found.Expires) || now.Sub(found.Seen) >= s.cfg.Idle {
		return desk.Session{}, ended(nil)
	}
	if found.Binding != [sha256.Size]byte{} {
		k, err := s.keys.holder(ctx, found.Key.ID)
		if err != nil {
			return desk.Session{}, ended(err)
		}
		if want := binding(secret, k.Hash); subtle.ConstantTimeCompare(want[:], found.Binding[:]) != 1 || !k.Role.Allows(desk.RoleOperator) {
			return desk.Session{}, ended(nil)
		}
		found.Key = k.Key
	}
	if now.Sub(found.Seen) >= seenEvery {
		if err := s.store.Seen(ctx, found.ID, now); err != nil { // it may be used nevertheless, for as long as Idle
			s.keys.log.WarnContext(ctx, "use of a session not noted", "session", found.ID, "error", err)
		}
	}
	return found.Session, nil
}

// ended words why a session cannot be used; nobody can tell while keys are
// away.
func ended(err error) error {
	if e, ok := err.(*desk.Error); ok && e.Kind == desk.Unavailable {
		return err
	}
	return &desk.Error{Kind: desk.Unauthorised, Code: "session_ended", Public: "You are signed out. Sign in again.", Err: err}
}

// End signs out.
func (s *Sessions) End(ctx context.Context, by desk.Actor, id desk.SessionID) error {
	return s.store.End(ctx, by, id)
}
