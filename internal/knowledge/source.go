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
	// Changes reads, as one state of the source, all that was published after
	// since. Items carry vectors of that embedding model where there are any, or
	// the keys of those that Vectors searches.
	Changes(ctx context.Context, model string, since desk.Revision) (Delta, error)
	// Vectors searches the tenant's vectors of that embedding model; nil where
	// items carry them.
	Vectors(tenant desk.TenantID, model string) retrieval.Vectors
	// Join says that the replica serves rev, and that publishers have to wait
	// for it for as long as ttl, counted from when the source received it. It
	// returns how many replicas there are, this one included.
	Join(ctx context.Context, replica string, rev desk.Revision, ttl time.Duration) (alive int, err error)
	// Leave ends the lease.
	Leave(ctx context.Context, replica string) error
	// Wait returns once there may be a revision newer than since.
	Wait(ctx context.Context, since desk.Revision) error
}

// Delta is what was published between two revisions.
type Delta struct {
	Revision desk.Revision // the newest, which the rest brings a replica to
	Changes  []Change      // one a document: its newest state
	// Items are the chunks of the changed documents that were not removed.
	Items map[desk.TenantID][]retrieval.Item
}

// Change is the newest state of a document. A change may leave the document
// itself as it was, when only vectors were added.
type Change struct {
	Tenant   desk.TenantID
	Document desk.DocumentID
	Removed  bool
	Revision desk.Revision
}
