package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
)

func paths(s *shelf) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, d := range s.inOrder() {
		all = append(all, d.Document.Source+":"+d.Document.Path)
	}
	return all
}

func TestOnlyASyncThatIsWholeIsRecorded(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n"})
	docs, embedder := newShelf(), &counter{model: "m1"}
	l := New(docs, embedder, &rows{}, Config{EmbedAttempts: 1})
	req := Request{Paths: []string{dir}, Root: dir, Source: "docs", Exact: true, Again: time.Hour}
	load, dry := req, req
	load.Exact, dry.DryRun = false, true
	mustLoad(t, l, load)
	mustLoad(t, l, dry)
	write(t, filepath.Join(dir, "bad.md"), "")
	mustLoad(t, l, req)
	if err := os.Remove(filepath.Join(dir, "bad.md")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "b.md"), "# B\n\nbeta\n")
	embedder.fail = func([]desk.Masked) error { return errors.New("down") }
	if _, err := l.Load(t.Context(), tenant, req, nil); err == nil {
		t.Error("a load without its embedder succeeded")
	}
	if len(docs.synced) > 0 {
		t.Errorf("recorded %+v, want nothing yet", docs.synced)
	}
	embedder.fail = nil
	mustLoad(t, l, req)
	if s := docs.synced["docs"]; s.Kind != desk.FromFiles || s.Due.Sub(s.At) != time.Hour {
		t.Errorf("recorded %+v, want a sync of files and its promise", s)
	}
}

func TestASyncMakesTheSourceEqualToTheFolder(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n", "sub/b.md": "# B\n\nbeta\n", "c.md": "# C\n\ngamma\n"})
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{})
	mustLoad(t, l, Request{Paths: []string{dir}, Root: dir, Source: "other"})
	req := Request{Paths: []string{dir}, Root: dir, Source: "docs", Exact: true, Author: "me"}
	if r := mustLoad(t, l, req); r.Added != 3 || r.Removed != 0 {
		t.Errorf("report = %+v, want 3 added", r)
	}
	if err := os.Remove(filepath.Join(dir, "sub", "b.md")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "c.md"), "# C\n\ngamma, changed\n")
	write(t, filepath.Join(dir, "d.md"), "# D\n\ndelta\n")

	dry := req
	dry.DryRun = true
	if r := mustLoad(t, l, dry); r.Added != 1 || r.Updated != 1 || r.Removed != 1 || r.Unchanged != 1 || docs.publishes != 2 {
		t.Errorf("dry run = %+v after %d publishes, want one of each and nothing published", r, docs.publishes)
	}
	r := mustLoad(t, l, req)
	if r.Added != 1 || r.Updated != 1 || r.Removed != 1 || r.Unchanged != 1 || r.Revision != 3 {
		t.Errorf("report = %+v, want one of each in one release", r)
	}
	if c := docs.last; c.Kind != desk.ReleaseSync || c.Source != "docs" || c.Author != "me" {
		t.Errorf("change = %+v", c)
	}
	want := []string{"docs:a.md", "docs:c.md", "docs:d.md", "other:a.md", "other:c.md", "other:sub/b.md"}
	if got := paths(docs); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("documents = %q, want %q", got, want)
	}
	if again := mustLoad(t, l, req); again.Unchanged != 3 || again.Revision != 0 || docs.publishes != 3 {
		t.Errorf("again = %+v, want nothing to do", again)
	}
}

func TestOnlyChunksThatSaySomethingNewAreEmbedded(t *testing.T) {
	var page strings.Builder
	for i := range 20 {
		fmt.Fprintf(&page, "## Section %d\n\nText number %d.\n\n", i, i)
	}
	dir := folder(t, map[string]string{"a.md": "# A\n\n" + page.String()})
	docs, embedder := newShelf(), &counter{model: "m1"}
	l := New(docs, embedder, &rows{}, Config{})
	req := Request{Paths: []string{dir}, Root: dir, Source: "docs", Exact: true}
	mustLoad(t, l, req)
	embedder.texts = nil
	write(t, filepath.Join(dir, "a.md"), "# A\n\n## New\n\nIn front of all.\n\n"+strings.ReplaceAll(page.String(), "Text number 7.", "Another text."))
	if r := mustLoad(t, l, req); r.Updated != 1 || r.Embedded != 2 {
		t.Errorf("report = %+v, want 2 chunks embedded", r)
	}
	want := []desk.Masked{"A › New\nIn front of all.", "A › Section 7\nAnother text."}
	if !slices.Equal(embedder.texts, want) {
		t.Errorf("embedded %q, want %q", embedder.texts, want)
	}
	if slices.ContainsFunc(docs.vectorsOf(docs.only(t), "m1"), func(v []float32) bool { return v == nil }) {
		t.Error("a chunk has no vector")
	}
}

func TestAFileThatBreaksKeepsItsDocumentAndSaysWhy(t *testing.T) {
	dir := folder(t, map[string]string{"faq.csv": "question,answer\nHow?,So.\n", "a.md": "# A\n\nalpha\n", "sub/b.md": "# B\n\nbeta\n"})
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{})
	req := Request{Paths: []string{dir}, Root: dir, Source: "docs", Exact: true}
	mustLoad(t, l, req)
	write(t, filepath.Join(dir, "faq.csv"), "question,answer\nHow?,\"So\n")
	write(t, filepath.Join(dir, "twin.md"), "---\nid: a.md\n---\n# Twin\n\ntwin\n")
	write(t, filepath.Join(dir, "a.md"), "# A\n\nalpha, changed\n")
	r := mustLoad(t, l, req)
	if r.Updated != 1 || r.Removed != 0 || len(r.Failed) != 2 {
		t.Errorf("report = %+v, want a.md updated and two failures", r)
	}
	if len(docs.docs) != 3 {
		t.Errorf("documents = %q, want the broken one among them", paths(docs))
	}
	if f := docs.intake["faq.csv"]; f.State != desk.Failed || f.Code != string(CodeMalformed) || f.Reason == "" {
		t.Errorf("faq.csv = %+v, want malformed", f)
	}
	if f := docs.intake["twin.md"]; f.State != desk.Failed || f.Code != string(CodeDuplicate) {
		t.Errorf("twin.md = %+v, want a duplicate", f)
	}
	if len(docs.intake) != 2 {
		t.Errorf("intake = %v, want the failures alone", docs.intake)
	}
}

func TestASyncThatWouldEmptyItsSourceIsRefusedUnlessItIsMeant(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n"})
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{})
	req := Request{Paths: []string{dir}, Root: dir, Source: "docs", Exact: true}
	mustLoad(t, l, req)
	if err := os.Remove(filepath.Join(dir, "a.md")); err != nil {
		t.Fatal(err)
	}
	_, err := l.Load(t.Context(), tenant, req, nil)
	var public *desk.Error
	if !errors.As(err, &public) || public.Code != "sync_would_empty" || len(docs.docs) != 1 {
		t.Errorf("error = %v with %d documents left, want sync_would_empty and the document", err, len(docs.docs))
	}
	missing := req
	missing.Root = filepath.Join(dir, "missing")
	missing.Paths = []string{missing.Root}
	missing.AllowEmpty = true // not even then: the folder cannot be read
	if r := mustLoad(t, l, missing); r.Removed != 0 || len(r.Failed) != 1 || len(docs.docs) != 1 {
		t.Errorf("report of a missing folder = %+v with %d documents left", r, len(docs.docs))
	}
	req.AllowEmpty = true
	if r := mustLoad(t, l, req); r.Removed != 1 || len(docs.docs) != 0 {
		t.Errorf("report = %+v with %d documents left, want one removed", r, len(docs.docs))
	}
}
