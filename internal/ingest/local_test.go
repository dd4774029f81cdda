package ingest

import (
	"slices"
	"strings"
	"testing"

	"kefu/internal/desk"
)

func TestGlobsMarkFilesAndFoldersAtEveryDepth(t *testing.T) {
	for _, tt := range []struct {
		where, glob string
		want        bool
	}{
		{"legal/nda.md", "legal", true},
		{"docs/Legal/2026/nda.md", "legal/", true},
		{"/srv/docs/legal/nda.md", "legal/*.md", true},
		{"docs/legal/nda.md", "*/legal", true},
		{"docs/人事/薪酬.md", "人事", true},
		{"docs/pay.secret.md", "*.secret.md", true},
		{"docs/illegal/nda.md", "legal", false},
		{"docs/legal.md", "legal", false},
		{"legal/2026/nda.md", "legal/*.md", false},
		{"nda.md", "legal/nda.md", false},
	} {
		if got := lies(tt.where, tt.glob); got != tt.want {
			t.Errorf("lies(%q, %q) = %v", tt.where, tt.glob, got)
		}
	}
}

func TestAThirdPartyNeverEmbedsWhatIsLocalOnly(t *testing.T) {
	dir := folder(t, map[string]string{
		"open.md": "# Open\n\nalpha\n", "said.md": "---\nlocal_only: true\n---\n# Said\n\nsecret beta\n", "hr/pay.txt": "secret gamma",
	})
	for _, private := range []bool{false, true} {
		docs, embedder := newShelf(), &counter{model: "m1"}
		l := New(docs, embedder, &rows{}, Config{LocalOnly: []string{"hr"}, Private: private})
		mustLoad(t, l, Request{Paths: []string{dir}, Root: dir})
		if err := l.Reembed(t.Context(), tenant, nil); err != nil {
			t.Fatal(err)
		}
		shown := slices.ContainsFunc(embedder.texts, func(text desk.Masked) bool { return strings.Contains(string(text), "secret") })
		if shown != private || len(embedder.texts) == 0 {
			t.Errorf("private %v: embedded %q", private, embedder.texts)
		}
		for _, d := range docs.docs {
			if want := d.Document.Path != "open.md"; d.Document.LocalOnly != want || d.Chunks[0].LocalOnly != want {
				t.Errorf("%s: local only %v, its chunk %v", d.Document.Path, d.Document.LocalOnly, d.Chunks[0].LocalOnly)
			}
		}
	}
}

func TestAMarkIsAChangeOfTheDocument(t *testing.T) {
	dir := folder(t, map[string]string{"hr/pay.md": "# Pay\n\nalpha\n"})
	docs, embedder := newShelf(), &counter{model: "m1"}
	req := Request{Paths: []string{dir}, Root: dir}
	mustLoad(t, New(docs, embedder, &rows{}, Config{}), req)
	l := New(docs, embedder, &rows{}, Config{LocalOnly: []string{"hr"}})
	if r := mustLoad(t, l, req); r.Updated != 1 {
		t.Errorf("report = %+v, want one document updated", r)
	}
	if r := mustLoad(t, l, req); r.Unchanged != 1 {
		t.Errorf("report = %+v, want one document unchanged", r)
	}
}
