package knowledge

import (
	"context"
	"time"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// Source is the truth that a replica follows. Implementations are safe for
// concurrent use.
type Source interface {
	// Revision is the newest published revision; it is cheap.
	Revision(ctx context.Context) (desk.Revision, error)
	// Changes reads, from one snapshot of the source, all that was published after
	// since. Items carry their vectors of that embedding model, if there are any, or
	// the keys of those that Vectors searches.
	Changes(ctx context.Context, model string, since desk.Revision) (Delta, error)
	// Vectors searches the tenant's vectors of that embedding model; nil if items
	// carry them.
	Vectors(tenant desk.TenantID, model string) retrieval.Vectors
	// Join renews the lease of a replica that serves rev: publishers have to wait for
	// it during the next ttl, counted from when the source receives the call. It
	// returns how many replicas have a lease, this one included.
	Join(ctx context.Context, replica string, rev desk.Revision, ttl time.Duration) (alive int, err error)
	// Leave ends the lease.
	Leave(ctx context.Context, replica string) error
	// Wait returns once there may be a revision newer than since, or when ctx ends.
	Wait(ctx context.Context, since desk.Revision) error
}

// Delta is what was published between two revisions.
type Delta struct {
	Revision desk.Revision // the newer of the two
	Changes  []Change      // one per changed document: its newest state
	// Items are the chunks of the changed documents, without the removed ones.
	Items map[desk.TenantID][]retrieval.Item
}

// Change is the newest state of a document. The document itself may be the same
// as before, if only vectors were added.
type Change struct {
	Tenant   desk.TenantID
	Document desk.DocumentID
	Removed  bool
	Revision desk.Revision
}
