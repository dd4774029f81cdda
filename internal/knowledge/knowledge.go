// Package knowledge is what this replica knows: for each tenant a View of the
// knowledge base at one revision. It follows the source of truth and swaps all
// views at once, so that no reader ever sees half of a publish.
//
// A replica holds a lease at the source. Publishers wait for the replicas
// whose lease lives; a replica whose lease has run out must catch up before it
// may serve from a cache again, which Fresh tells.
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
	// DefaultLease is how long a replica counts as alive without a sign of it.
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
	fresh atomic.Pointer[time.Time] // until when the lease lives
	alive atomic.Int64              // replicas when it was last renewed
	turn  chan struct{}             // holds a token while somebody catches up
}

// state is everything that a replica knows at one revision; it never changes.
type state struct {
	revision desk.Revision
	views    map[desk.TenantID]*View
}

// Observer is told what a replica knows.
type Observer interface {
	// Published is called after every change with the numbers of all tenants
	// together; the guard suspects the flagged documents.
	Published(documents, flagged, chunks int, rev desk.Revision)
}

// Option changes how a Knowledge behaves.
type Option func(*Knowledge)

// WithLogger sets the logger; default slog.Default().
func WithLogger(log *slog.Logger) Option { return func(k *Knowledge) { k.log = log } }

// WithObserver sets who is told of changes; default nobody.
func WithObserver(o Observer) Option { return func(k *Knowledge) { k.observe = o.Published } }

// WithLease sets the length of the lease, at least a second; default
// DefaultLease. A publisher waits that long at most for a replica that died.
func WithLease(ttl time.Duration) Option { return func(k *Knowledge) { k.lease = ttl } }

// New returns a Knowledge that knows nothing until CatchUp. Vectors are those
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

// View returns the newest view of the tenant, an empty one if it has no
// documents; never nil. Everything done for one question must use one view.
func (k *Knowledge) View(tenant desk.TenantID) *View {
	if v := k.state.Load().views[tenant]; v != nil {
		return v
	}
	return &View{}
}

// Revision is the newest revision that this replica serves.
func (k *Knowledge) Revision() desk.Revision { return k.state.Load().revision }

// Fresh tells whether the lease lives, that is, whether no publish can have
// returned to its publisher without being in the views.
func (k *Knowledge) Fresh() bool { return time.Now().Before(*k.fresh.Load()) }

// Replicas is how many replicas the source had when this one last renewed its
// lease, a third of the lease ago at most while the source answers: at least 1,
// this one. One that died counts until its lease ends.
func (k *Knowledge) Replicas() int { return max(1, int(k.alive.Load())) }

// CatchUp brings the views to the newest revision and renews the lease. On
// error the views stay as they are.
func (k *Knowledge) CatchUp(ctx context.Context) error {
	return k.alone(ctx, k.catchUp)
}

// Refresh catches up unless the lease lives. Of many callers one does the work
// and the others wait for it, none beyond ctx.
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

// alone runs f when nobody else does, or gives up with ctx.
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
		// Without a gap between two leases publishers have waited for this
		// replica. After a gap one may have looked just before it joined.
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

// advance reads what is new and swaps it in.
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

// with is the state after delta.
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

// view is the tenant's, an empty one for a new tenant: without an index, which
// all cores then make, only at the start, when nobody is answered beside it.
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

// Run follows the source until ctx ends: it catches up after every publish,
// renews the lease every third of it, and leaves at the end. While the source
// fails, it tries again after growing pauses.
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

// follow waits for a publish, or for the time to renew the lease, and catches
// up.
func (k *Knowledge) follow(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, k.lease/3)
	defer cancel()
	err := k.source.Wait(wait, k.Revision())
	if err != nil && wait.Err() == nil {
		// The way to hear of publishes is broken; asking may still work.
		return errors.Join(err, k.CatchUp(ctx))
	}
	return k.CatchUp(ctx)
}

func (k *Knowledge) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := k.source.Leave(ctx, k.replica); err != nil {
		k.log.Warn("lease not ended; publishers wait until it runs out", "lease", k.lease, "error", err)
	}
	k.fresh.Store(&time.Time{})
}
