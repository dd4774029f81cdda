// Package knowledge is what this replica knows: for each tenant a View of the
// knowledge base at one revision. It follows a Source, the database, and replaces
// all views at once, so that no reader ever sees half of a publish.
//
// Each replica holds a lease at the source. A publish returns when every replica
// with a valid lease has caught up. A replica whose lease has run out may have
// missed a publish: until it has caught up (Fresh), it must not serve from a cache.
package knowledge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

const (
	// DefaultLease is how long a lease is valid unless it is renewed.
	DefaultLease = 15 * time.Second
	// catchUpTimeout bounds one reading of the source, the first included.
	catchUpTimeout = 2 * time.Minute
	leaveTimeout   = 2 * time.Second
	firstBackoff   = 100 * time.Millisecond
)

// Knowledge keeps the views of all tenants. It is safe for concurrent use.
type Knowledge struct {
	source  Source
	model   string
	config  retrieval.Config
	replica string
	lease   time.Duration
	log     *slog.Logger
	observe func(documents, flagged, chunks int, rev desk.Revision)

	state atomic.Pointer[state]
	fresh atomic.Pointer[time.Time] // until when the lease is valid
	alive atomic.Int64              // replicas when the lease was last renewed
	turn  chan struct{}             // holds a token while a goroutine catches up
}

// state is everything that a replica knows at one revision; it never changes.
type state struct {
	revision desk.Revision
	views    map[desk.TenantID]*View
}

// Observer is told what a replica knows.
type Observer interface {
	// Published is called after every change, with the numbers of all tenants
	// together. flagged counts the documents that the guard suspects.
	Published(documents, flagged, chunks int, rev desk.Revision)
}

// Option changes how a Knowledge behaves.
type Option func(*Knowledge)

// WithLogger sets the logger; default slog.Default().
func WithLogger(log *slog.Logger) Option { return func(k *Knowledge) { k.log = log } }

// WithObserver sets who is told of changes; default nobody.
func WithObserver(o Observer) Option { return func(k *Knowledge) { k.observe = o.Published } }

// WithLease sets how long the lease is valid, at least a second; default
// DefaultLease. A publisher waits that long at most for a replica that has died.
func WithLease(ttl time.Duration) Option { return func(k *Knowledge) { k.lease = ttl } }

// New returns a Knowledge that knows nothing until CatchUp. It reads the vectors
// of embedderModel; chunks without one are found by their words alone.
func New(source Source, embedderModel string, cfg retrieval.Config, opts ...Option) *Knowledge {
	k := &Knowledge{
		source: source, model: embedderModel, config: cfg,
		replica: "rep_" + rand.Text(), lease: DefaultLease, log: slog.Default(),
		observe: func(int, int, int, desk.Revision) {}, turn: make(chan struct{}, 1),
	}
	for _, opt := range opts {
		opt(k)
	}
	k.state.Store(&state{})
	k.fresh.Store(&time.Time{})
	return k
}

// View returns the newest view of the tenant, an empty one if it has no documents.
// Everything done for one question must use the same view.
func (k *Knowledge) View(tenant desk.TenantID) *View {
	if v := k.state.Load().views[tenant]; v != nil {
		return v
	}
	return &View{}
}

// Revision is the newest revision that this replica serves.
func (k *Knowledge) Revision() desk.Revision { return k.state.Load().revision }

// Fresh tells whether the lease is valid: then every publish that has returned is
// in the views.
func (k *Knowledge) Fresh() bool { return time.Now().Before(*k.fresh.Load()) }

// Replicas is how many replicas had a valid lease when this one last renewed its
// own, which it does every third of a lease; at least 1, this one. A replica that
// has died counts until its lease runs out.
func (k *Knowledge) Replicas() int { return max(1, int(k.alive.Load())) }

// CatchUp brings the views to the newest revision and renews the lease. On
// error the views stay as they are.
func (k *Knowledge) CatchUp(ctx context.Context) error {
	return k.alone(ctx, k.catchUp)
}

// Refresh catches up unless the lease is valid. Of several callers one does the
// work, while the others wait for it as long as their ctx allows.
func (k *Knowledge) Refresh(ctx context.Context) error {
	if k.Fresh() {
		return nil
	}
	return k.alone(ctx, func(ctx context.Context) error {
		if k.Fresh() {
			return nil
		}
		return k.catchUp(ctx)
	})
}

// alone runs f when no other call of alone is running, or fails when ctx ends.
func (k *Knowledge) alone(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return fmt.Errorf("catch up: %w", ctx.Err())
	}
	if err := f(ctx); err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	return nil
}

// catchUp brings the views to the newest revision and renews the lease.
func (k *Knowledge) catchUp(ctx context.Context) error {
	for {
		if err := k.advance(ctx); err != nil {
			return err
		}
		joined := time.Now()
		alive, err := k.source.Join(ctx, k.replica, k.Revision(), k.lease)
		if err != nil {
			return err
		}
		k.alive.Store(int64(alive))
		// While the lease is valid, publishers wait for this replica. If it had run out,
		// one may have looked for replicas just before this one joined, and not waited.
		if !k.Fresh() {
			newest, err := k.source.Revision(ctx)
			if err != nil {
				return err
			}
			if newest > k.Revision() {
				continue
			}
		}
		until := joined.Add(k.lease)
		k.fresh.Store(&until)
		return nil
	}
}

// advance reads what was published since, and replaces the views.
func (k *Knowledge) advance(ctx context.Context) error {
	old := k.state.Load()
	delta, err := k.source.Changes(ctx, k.model, old.revision)
	if err != nil {
		return err
	}
	if delta.Revision <= old.revision {
		return nil
	}
	next, err := old.with(ctx, k, delta)
	if err != nil {
		return err
	}
	k.state.Store(next)
	documents, flagged, chunks := next.size()
	k.observe(documents, flagged, chunks, next.revision)
	return nil
}

// with returns the state after delta.
func (s *state) with(ctx context.Context, k *Knowledge, delta Delta) (*state, error) {
	next := &state{revision: delta.Revision, views: maps.Clone(s.views)}
	if next.views == nil {
		next.views = make(map[desk.TenantID]*View)
	}
	changed := make(map[desk.TenantID][]Change)
	for _, c := range delta.Changes {
		changed[c.Tenant] = append(changed[c.Tenant], c)
	}
	for tenant, changes := range changed {
		old, err := s.view(k, tenant)
		if err != nil {
			return nil, err
		}
		view, err := old.with(ctx, k.config, changes, delta.Items[tenant])
		if err != nil {
			return nil, fmt.Errorf("index tenant %s: %w", tenant, err)
		}
		next.views[tenant] = view
	}
	return next, nil
}

// view is the tenant's, an empty one for a new tenant. At the start the empty one
// has no index, so that View.with builds one on all cores; later it has, and
// building takes one core, since customers are being answered.
func (s *state) view(k *Knowledge, tenant desk.TenantID) (*View, error) {
	if v := s.views[tenant]; v != nil {
		return v, nil
	}
	v := &View{vectors: k.source.Vectors(tenant, k.model)}
	if s.revision == 0 {
		return v, nil
	}
	var err error
	v.index, err = retrieval.New(k.config, nil)
	return v, err
}

func (s *state) size() (documents, flagged, chunks int) {
	for _, v := range s.views {
		documents += v.Documents()
		flagged += v.Flagged()
		chunks += v.Chunks()
	}
	return documents, flagged, chunks
}

// Run follows the source until ctx ends: it catches up after every publish, renews
// the lease every third of it, and gives it up at the end. While the source fails,
// it tries again after growing pauses. It always returns nil.
func (k *Knowledge) Run(ctx context.Context) error {
	defer k.leave(ctx)
	backoff := firstBackoff
	for {
		err := k.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			backoff = firstBackoff
			continue
		}
		k.log.Warn("knowledge base cannot be followed; trying again", "in", backoff, "fresh", k.Fresh(), "error", err)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return nil
		}
		backoff = min(2*backoff, k.lease/3)
	}
}

// follow waits for a publish, or until the lease is to be renewed, and catches up.
func (k *Knowledge) follow(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, k.lease/3)
	defer cancel()
	err := k.source.Wait(wait, k.Revision())
	if err != nil && wait.Err() == nil {
		// The source cannot tell of publishes now, but may still answer.
		return errors.Join(err, k.CatchUp(ctx))
	}
	return k.CatchUp(ctx)
}

// leave gives up the lease, so that publishers need not wait for it to run out.
func (k *Knowledge) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := k.source.Leave(ctx, k.replica); err != nil {
		k.log.Warn("lease not ended; publishers wait until it runs out", "lease", k.lease, "error", err)
	}
	k.fresh.Store(&time.Time{})
}
