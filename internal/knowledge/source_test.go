package knowledge_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/retrieval"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tenant = desk.DefaultTenant

var errDown = errors.New("source is down")

// memory is a Source in memory.
type memory struct {
	mu     sync.Mutex
	rev    desk.Revision
	docs   map[desk.DocumentID][]retrieval.Item // of the one tenant
	log    map[desk.DocumentID]knowledge.Change
	leases map[string]lease
	moved  chan struct{} // closed by every publish
	down   bool
	delay  time.Duration // of Changes
	reads  int           // calls of Changes
	// beforeJoin is called once, before the next Join takes effect.
	beforeJoin func()
}

type lease struct {
	rev   desk.Revision
	until time.Time
}

var _ knowledge.Source = (*memory)(nil)

func newMemory() *memory {
	return &memory{
		docs: make(map[desk.DocumentID][]retrieval.Item), log: make(map[desk.DocumentID]knowledge.Change),
		leases: make(map[string]lease), moved: make(chan struct{}),
	}
}

// publish replaces documents, given as id and texts of the chunks, and removes
// those without texts.
func (m *memory) publish(docs map[desk.DocumentID][]string) desk.Revision {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rev++
	for id, texts := range docs {
		m.log[id] = knowledge.Change{Tenant: tenant, Document: id, Removed: len(texts) == 0, Revision: m.rev}
		m.docs[id] = nil
		for i, text := range texts {
			m.docs[id] = append(m.docs[id], retrieval.Item{Passage: desk.Passage{
				Chunk: desk.Chunk{ID: chunk(id, i), Document: id, Ordinal: i, Text: text, Lang: desk.English},
				Hash:  fmt.Sprint(texts), Revision: m.rev,
			}})
		}
	}
	close(m.moved)
	m.moved = make(chan struct{})
	return m.rev
}

func chunk(id desk.DocumentID, ordinal int) desk.ChunkID {
	return desk.ChunkID(fmt.Sprintf("%s#%d", id, ordinal))
}

func (m *memory) setDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// live returns the revisions of the live leases.
func (m *memory) live() (revs []desk.Revision) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.leases {
		if time.Now().Before(l.until) {
			revs = append(revs, l.rev)
		}
	}
	return revs
}

func (m *memory) Revision(context.Context) (desk.Revision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return 0, errDown
	}
	return m.rev, nil
}

func (m *memory) Changes(ctx context.Context, _ string, since desk.Revision) (knowledge.Delta, error) {
	m.mu.Lock()
	delay := m.delay
	m.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return knowledge.Delta{}, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.down {
		return knowledge.Delta{}, errDown
	}
	delta := knowledge.Delta{Revision: m.rev, Items: make(map[desk.TenantID][]retrieval.Item)}
	for id, c := range m.log {
		if c.Revision > since {
			delta.Changes = append(delta.Changes, c)
			delta.Items[tenant] = append(delta.Items[tenant], m.docs[id]...)
		}
	}
	return delta, nil
}

func (m *memory) Vectors(desk.TenantID, string) retrieval.Vectors { return nil }

func (m *memory) Join(_ context.Context, replica string, rev desk.Revision, ttl time.Duration) (alive int, err error) {
	m.mu.Lock()
	before := m.beforeJoin
	m.beforeJoin = nil
	m.mu.Unlock()
	if before != nil {
		before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return 0, errDown
	}
	m.leases[replica] = lease{rev, time.Now().Add(ttl)}
	return len(m.leases), nil
}

func (m *memory) Leave(_ context.Context, replica string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.leases, replica)
	return nil
}

func (m *memory) Wait(ctx context.Context, since desk.Revision) error {
	m.mu.Lock()
	rev, moved, down := m.rev, m.moved, m.down
	m.mu.Unlock()
	if down {
		return errDown
	}
	if rev > since {
		return nil
	}
	select {
	case <-moved:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
