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

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// shelf is a Documents in memory.
type shelf struct {
	mu        sync.Mutex
	docs      map[desk.DocumentID]desk.Prepared
	revision  desk.Revision
	publishes int
	onPublish func() // called before a publish takes effect; may be nil
}

func newShelf() *shelf { return &shelf{docs: map[desk.DocumentID]desk.Prepared{}} }

func (s *shelf) Hashes(context.Context, desk.TenantID) (map[desk.DocumentID]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hashes := map[desk.DocumentID]string{}
	for id, d := range s.docs {
		hashes[id] = d.Document.Hash
	}
	return hashes, nil
}

func (s *shelf) Publish(ctx context.Context, _ desk.TenantID, put []desk.Prepared, remove []desk.DocumentID) (desk.Revision, error) {
	if s.onPublish != nil {
		s.onPublish()
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range put {
		s.docs[d.Document.ID] = d
	}
	for _, id := range remove {
		delete(s.docs, id)
	}
	s.publishes++
	s.revision++
	return s.revision, nil
}

func (s *shelf) Stale(_ context.Context, _ desk.TenantID, model string) ([]desk.Chunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stale []desk.Chunk
	for _, d := range s.inOrder() {
		if d.Model != model {
			stale = append(stale, d.Chunks...)
		}
	}
	return stale, nil
}

func (s *shelf) PutVectors(_ context.Context, _ desk.TenantID, model string, ids []desk.ChunkID, vectors [][]float32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, d := range s.docs {
		for i, c := range d.Chunks {
			at := slices.Index(ids, c.ID)
			if at < 0 {
				continue
			}
			if d.Model != model {
				d.Model, d.Vectors = model, make([][]float32, len(d.Chunks))
			}
			d.Vectors[i] = vectors[at]
		}
		s.docs[id] = d
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
