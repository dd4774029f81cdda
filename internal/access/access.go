// Package access knows who may do what: the keys that callers show and the
// budgets that cap them, held in memory, so that a question pays nanoseconds
// for both. Changes made anywhere are seen within 5 seconds.
package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"kefu/internal/desk"
)

const (
	// lookEvery is how often changes are looked for: one read of one row.
	lookEvery = time.Second
	// trusted is how long keys are taken without having looked. Later they may
	// have been revoked, and nobody's word is taken until the database answers.
	trusted = 5 * time.Second
	// lookUps is how often a second, and how often at once, unknown keys make
	// somebody look.
	lookUps = 5
)

// Source is where keys and budgets are kept.
type Source interface {
	// Access returns the rules where their version is another than since; ok
	// tells whether it is.
	Access(ctx context.Context, since int64) (rules Rules, ok bool, err error)
}

// Rules are all keys that were not revoked, all budgets and tenants, at one
// version.
type Rules struct {
	Version int64
	Keys    []HashedKey
	// Asking tells whether a key for asking was ever made, revoked ones
	// included: revoking the last one opens nothing.
	Asking  bool
	Budgets []desk.Budget
	Tenants []desk.Tenant
}

// HashedKey is a key with the hash of its secret.
type HashedKey struct {
	desk.Key
	Hash [sha256.Size]byte
}

// prefixLength is the length of the part of a secret that may be shown: of the
// other 44 characters nobody learns anything from it.
const prefixLength = len(desk.KeyMark) + 8

// NewSecret makes a key: "kefu_" and 260 random bits in 52 capitals and digits.
func NewSecret() string { return desk.KeyMark + rand.Text() + rand.Text() }

// Prefix is the part of a secret that may be shown, by which it is found.
func Prefix(secret string) string { return secret[:min(len(secret), prefixLength)] }

// Hash is what is kept of a secret. A fast hash is right here, since nobody
// can guess 260 random bits.
func Hash(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

// Directory answers from memory. It is safe for concurrent use.
type Directory struct {
	source    Source
	bootstrap HashedKey // without a Role: none is configured
	log       *slog.Logger
	began     time.Time
	current   atomic.Pointer[rules]
	looked    atomic.Int64 // when the source last answered, in ns since began
	looking   sync.Mutex
	unknown   *rate.Limiter
}

// rules are Rules, indexed.
type rules struct {
	version int64
	asking  bool
	keys    map[string]HashedKey            // by prefix
	account map[desk.KeyID]desk.KeyID       // of keys that succeed others
	budgets map[desk.TenantID][]desk.Budget // in the order of their ids
	names   names
}

// New returns a directory that knows the key of the configuration alone, if
// that is not empty, until Refresh or Run have read the others. Without a
// source there are no others.
func New(source Source, bootstrap string, log *slog.Logger) *Directory {
	d := &Directory{source: source, log: log, began: time.Now(), unknown: rate.NewLimiter(lookUps, lookUps)}
	if bootstrap != "" {
		d.bootstrap = HashedKey{
			Key:  desk.Key{ID: desk.BootstrapKey, Tenant: desk.DefaultTenant, Name: "configuration", Role: desk.RoleAdmin},
			Hash: Hash(bootstrap),
		}
	}
	d.current.Store(&rules{version: -1, asking: source != nil}) // closed until somebody has looked
	d.looked.Store(-int64(trusted) - 1)
	return d
}

// Refresh reads what has changed.
func (d *Directory) Refresh(ctx context.Context) error {
	d.looking.Lock()
	defer d.looking.Unlock()
	asked := time.Since(d.began)
	if d.source == nil {
		d.looked.Store(int64(asked))
		return nil
	}
	read, ok, err := d.source.Access(ctx, d.current.Load().version)
	if err != nil {
		return err
	}
	if ok {
		d.current.Store(index(read))
	}
	d.looked.Store(int64(asked))
	return nil
}

func index(read Rules) *rules {
	r := &rules{
		version: read.Version, asking: read.Asking, keys: make(map[string]HashedKey, len(read.Keys)),
		account: make(map[desk.KeyID]desk.KeyID), budgets: make(map[desk.TenantID][]desk.Budget),
		names: newNames(read.Tenants),
	}
	for _, k := range read.Keys {
		r.keys[k.Prefix] = k
		if k.Account != k.ID {
			r.account[k.ID] = k.Account
		}
	}
	for _, b := range read.Budgets {
		r.budgets[b.Tenant] = append(r.budgets[b.Tenant], b)
	}
	return r
}

// Run looks for changes every second until ctx ends.
func (d *Directory) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := d.Refresh(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != failing {
			failing = failed
			if failed {
				d.log.Error("keys and budgets cannot be read", "error", err)
			} else {
				d.log.Info("keys and budgets are read again")
			}
		}
	}
}

// Key finds the key with that secret. Errors are *desk.Error: key_invalid for
// one that is unknown, has expired or was revoked, and keys_unavailable while
// nobody can tell. The time taken says nothing about a secret but whether its
// prefix, which is not secret, exists.
func (d *Directory) Key(ctx context.Context, secret string) (desk.Key, error) {
	hash := Hash(secret)
	if d.bootstrap.Role != "" && subtle.ConstantTimeCompare(hash[:], d.bootstrap.Hash[:]) == 1 {
		return d.bootstrap.Key, nil
	}
	prefix := Prefix(secret)
	k, err := d.find(ctx, func(r *rules) (HashedKey, bool) { k, known := r.keys[prefix]; return k, known })
	if err == nil && (subtle.ConstantTimeCompare(hash[:], k.Hash[:]) != 1 || !k.Live(time.Now())) {
		err = invalidKey()
	}
	if err != nil {
		return desk.Key{}, err
	}
	return k.Key, nil
}

// holder finds a key that was shown before by its id. Errors are those of Key.
func (d *Directory) holder(ctx context.Context, id desk.KeyID) (HashedKey, error) {
	if id == desk.BootstrapKey && d.bootstrap.Role != "" {
		return d.bootstrap, nil
	}
	k, err := d.find(ctx, func(r *rules) (HashedKey, bool) {
		for _, k := range r.keys {
			if k.ID == id {
				return k, true
			}
		}
		return HashedKey{}, false
	})
	if err == nil && (k.ID != id || !k.Live(time.Now())) {
		err = invalidKey()
	}
	return k, err
}

// find looks in what is known, and again where that is not enough or too old.
func (d *Directory) find(ctx context.Context, in func(*rules) (HashedKey, bool)) (HashedKey, error) {
	k, known := in(d.current.Load())
	if !known || d.age() > trusted {
		d.lookFor(ctx)
		k, _ = in(d.current.Load())
	}
	if d.age() > trusted {
		return HashedKey{}, &desk.Error{
			Kind: desk.Unavailable, Code: "keys_unavailable", RetryAfter: lookEvery,
			Public: "Whether the key is still valid cannot be told at the moment.",
		}
	}
	return k, nil
}

func invalidKey() error {
	return &desk.Error{Kind: desk.Unauthorised, Code: "key_invalid", Public: "The key is not valid."}
}

func (d *Directory) age() time.Duration {
	return time.Since(d.began) - time.Duration(d.looked.Load())
}

// lookFor looks whether there is something new, such as a key that was made a
// moment ago, unless that was done too often.
func (d *Directory) lookFor(ctx context.Context) {
	if !d.unknown.Allow() {
		return
	}
	if err := d.Refresh(ctx); err != nil {
		d.log.Debug("keys and budgets cannot be read", "error", err) // Run reports it
	}
}

// Keyed tells whether there is any key at all.
func (d *Directory) Keyed() bool {
	return d.bootstrap.Role != "" || len(d.current.Load().keys) > 0
}

// Open tells whether questions are taken without a key: while none was
// configured or made for asking. Whether anybody else can reach this process
// is the caller's to know.
func (d *Directory) Open() bool {
	return d.bootstrap.Role == "" && !d.current.Load().asking
}

// Named lists the names of tenants but one that text has as whole words, in small
// letters.
func (d *Directory) Named(text string, but desk.TenantID) []string {
	return d.current.Load().names.in(text, but)
}

// MayName is where the end of text may begin such a name, or its length.
func (d *Directory) MayName(text string, but desk.TenantID) int {
	return d.current.Load().names.begun(text, but)
}

// Account is the key that another spends for: the first that it succeeds by
// rotation, or itself.
func (d *Directory) Account(key desk.KeyID) desk.KeyID {
	return cmp.Or(d.current.Load().account[key], key)
}

// Budgets are those of a tenant, in a fixed order; usually none.
func (d *Directory) Budgets(tenant desk.TenantID) []desk.Budget {
	return d.current.Load().budgets[tenant]
}
