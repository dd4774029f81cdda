package ingest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"kefu/internal/desk"
)

// journal remembers what an Observer is told.
type journal struct {
	mu        sync.Mutex
	documents map[string]int // by outcome
	took      map[string]int // by stage, how often
}

func newJournal() *journal { return &journal{documents: map[string]int{}, took: map[string]int{}} }

func (j *journal) Ingested(outcome string, documents int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.documents[outcome] += documents
}

func (j *journal) IngestTook(stage string, took time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if took >= 0 {
		j.took[stage]++
	}
}

func TestWhatBecomesOfDocumentsIsObserved(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n", "b.md": "# B\n\nbeta\n", "c.md": "# C\n\ngamma\n", "bad.md": ""})
	seen := newJournal()
	l := New(newShelf(), &counter{model: "m1"}, &rows{}, Config{Observer: seen})
	req := Request{Paths: []string{dir}, Root: dir, Source: "docs", Exact: true}
	dry := req
	dry.DryRun = true
	mustLoad(t, l, dry)
	if len(seen.documents) > 0 {
		t.Errorf("a dry run is counted: %v", seen.documents)
	}
	mustLoad(t, l, req)
	write(t, filepath.Join(dir, "a.md"), "# A\n\nalpha, changed\n")
	if err := os.Remove(filepath.Join(dir, "b.md")); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, l, req)
	if _, err := l.Put(t.Context(), desk.DefaultTenant, "me", []desk.Upload{Named(desk.DefaultTenant, desk.Upload{Path: "d.md", Data: []byte("# D\n\ndelta\n")})}); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"added": 4, "updated": 1, "unchanged": 1, "removed": 1, "failed": 2}
	if !maps.Equal(seen.documents, want) {
		t.Errorf("observed %v, want %v", seen.documents, want)
	}
	stages := []string{stageEmbed, stageExtract, stagePublish, stageRead, stageStore}
	if got := slices.Sorted(maps.Keys(seen.took)); !slices.Equal(got, stages) || seen.took[stagePublish] != 3 {
		t.Errorf("observed %v, want each of %v, and three releases", seen.took, stages)
	}
}
