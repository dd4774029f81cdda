package ingest

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// shelf is a Documents in memory.
type shelf struct {
	mu        sync.Mutex
	docs      map[desk.DocumentID]desk.Prepared // published
	staged    map[desk.Version]desk.Prepared
	vectors   map[string][]float32 // by model and text
	intake    map[string]desk.Intake
	leases    map[string]desk.SourceLease // by source
	synced    map[string]desk.Sync        // by source
	revision  desk.Revision
	last      desk.Change
	publishes int
	stages    int
	onStage   func() // called before documents are staged; may be nil
}

func newShelf() *shelf {
	return &shelf{
		docs: map[desk.DocumentID]desk.Prepared{}, staged: map[desk.Version]desk.Prepared{},
		vectors: map[string][]float32{}, intake: map[string]desk.Intake{}, leases: map[string]desk.SourceLease{}, synced: map[string]desk.Sync{},
	}
}

func (s *shelf) List(context.Context, desk.TenantID) ([]desk.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var docs []desk.Document
	for _, d := range s.inOrder() {
		docs = append(docs, d.Document)
	}
	return docs, nil
}

func (s *shelf) Occupy(_ context.Context, _ desk.TenantID, source string, l desk.SourceLease, ttl time.Duration) (desk.SourceLease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.Since, l.Expires = time.Now(), time.Now().Add(ttl)
	if s.leases[source].ID == "" {
		s.leases[source] = l
	}
	return s.leases[source], nil
}

func (s *shelf) Keep(_ context.Context, _ desk.TenantID, source, lease string, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[source].ID != lease {
		return &desk.Error{Kind: desk.Conflict, Code: "sync_lost"}
	}
	return nil
}

func (s *shelf) Vacate(_ context.Context, _ desk.TenantID, source, lease string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[source].ID == lease {
		delete(s.leases, source)
	}
	return nil
}

func (s *shelf) Embedded(_ context.Context, _ desk.TenantID, model string, chunks []desk.Chunk) ([]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	embedded := make([]bool, len(chunks))
	for i, c := range chunks {
		embedded[i] = s.vectors[model+string(embedText(c))] != nil
	}
	return embedded, nil
}

func (s *shelf) Stage(ctx context.Context, _ desk.TenantID, put []desk.Prepared) error {
	if s.onStage != nil {
		s.onStage()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stages++
	for _, d := range put {
		s.staged[desk.Version{Document: d.Document.ID, Hash: d.Document.Hash}] = d
		for i, v := range d.Vectors {
			if v != nil {
				s.vectors[d.Model+string(embedText(d.Chunks[i]))] = v
			}
		}
	}
	return nil
}

func (s *shelf) Publish(ctx context.Context, _ desk.TenantID, c desk.Change) (desk.Release, error) {
	if err := ctx.Err(); err != nil {
		return desk.Release{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := desk.Release{Kind: c.Kind, Source: c.Source, Author: c.Author}
	for _, v := range c.Put {
		if _, known := s.docs[v.Document]; known {
			r.Updated++
		} else {
			r.Added++
		}
		s.docs[v.Document] = s.staged[v]
	}
	for _, id := range c.Remove {
		if _, known := s.docs[id]; known {
			r.Removed++
		}
		delete(s.docs, id)
	}
	s.last = c
	s.publishes++
	s.revision++
	r.Revision = s.revision
	return r, nil
}

func (s *shelf) Collect(context.Context, desk.TenantID, int) error { return nil }

func (s *shelf) Stale(_ context.Context, _ desk.TenantID, model string) ([]desk.Chunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stale []desk.Chunk
	for _, d := range s.inOrder() {
		for _, c := range d.Chunks {
			if s.vectors[model+string(embedText(c))] == nil {
				stale = append(stale, c)
			}
		}
	}
	return stale, nil
}

func (s *shelf) PutVectors(_ context.Context, _ desk.TenantID, model string, chunks []desk.Chunk, vectors [][]float32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range chunks {
		s.vectors[model+string(embedText(c))] = vectors[i]
	}
	return nil
}

// vectorsOf are those of a document's chunks, nil where there is none.
func (s *shelf) vectorsOf(d desk.Prepared, model string) [][]float32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	vectors := make([][]float32, len(d.Chunks))
	for i, c := range d.Chunks {
		vectors[i] = s.vectors[model+string(embedText(c))]
	}
	return vectors
}

func (s *shelf) Expect(_ context.Context, _ desk.TenantID, source string, paths []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.intake)
	for _, p := range paths {
		s.intake[p] = desk.Intake{Source: source, Path: p, State: desk.Queued}
	}
	return nil
}

func (s *shelf) Note(_ context.Context, _ desk.TenantID, files []desk.Intake) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range files {
		s.intake[f.Path] = f
	}
	return nil
}

func (s *shelf) Settle(context.Context, desk.TenantID, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.intake, func(_ string, f desk.Intake) bool { return f.State != desk.Failed })
	return nil
}

func (s *shelf) Synced(_ context.Context, _ desk.TenantID, source string, kind desk.SourceKind, again time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.synced[source] = desk.Sync{Source: source, Kind: kind, At: now, Due: now.Add(again)}
	return nil
}

func (s *shelf) Forget(_ context.Context, _ desk.TenantID, files []desk.Intake) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range files {
		delete(s.intake, f.Path)
	}
	return nil
}

// inOrder returns the documents by path. The caller holds mu.
func (s *shelf) inOrder() []desk.Prepared {
	return slices.SortedFunc(maps.Values(s.docs), func(a, b desk.Prepared) int {
		return strings.Compare(a.Document.Path, b.Document.Path)
	})
}

func (s *shelf) only(t *testing.T) desk.Prepared {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.docs) != 1 {
		t.Fatalf("%d documents, want 1", len(s.docs))
	}
	return s.inOrder()[0]
}

// counter is an embedder that gives each text its number as a vector.
type counter struct {
	model string
	fail  func(texts []desk.Masked) error // may be nil

	mu    sync.Mutex
	calls int
	texts []desk.Masked
}

func (c *counter) Model() string { return c.model }

func (c *counter) Embed(ctx context.Context, call llm.EmbedCall) (llm.Embeddings, error) {
	attempt, err := call.Allowance.Begin(ctx, llm.Intent{Provider: "test", Model: c.model, Purpose: desk.PurposeEmbed})
	if err != nil {
		return llm.Embeddings{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.fail != nil {
		err = c.fail(call.Texts)
	}
	attempt.End(desk.Usage{}, 0, 0, err)
	if err != nil {
		return llm.Embeddings{}, err
	}
	var vectors [][]float32
	for _, text := range call.Texts {
		c.texts = append(c.texts, text)
		vectors = append(vectors, []float32{float32(len(c.texts))})
	}
	return llm.Embeddings{Vectors: vectors}, nil
}

// rows is a ledger that keeps what ended.
type rows struct {
	mu    sync.Mutex
	ended []desk.Attempt
}

func (r *rows) Begin(context.Context, desk.Attempt) error { return nil }
func (r *rows) Note(desk.Attempt)                         {}

func (r *rows) End(a desk.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, a)
}

// folder writes files, by name, into a new folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
