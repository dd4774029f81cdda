package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(reading); kind != "" {
		readDocuments(kind)
		return
	}
	goleak.VerifyTestMain(m)
}

const tenant = desk.DefaultTenant

func mustLoad(t *testing.T, l *Loader, req Request) Report {
	t.Helper()
	report, err := l.Load(t.Context(), tenant, req, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestLoadPublishesWholeDocuments(t *testing.T) {
	dir := folder(t, map[string]string{
		"en/returns.md":  "# Returns\n\nYou have 30 days.\n\n## How\n\nUse the app.\n",
		"zh/退货.md":       "# 退货\n\n七天内可以退货。\n",
		"faq.csv":        "question,answer\nHow do I pay?,By card.\n",
		".git/config.md": "# hidden\n\nhidden\n",
		".hidden.md":     "# hidden\n\nhidden\n",
		"~$terms.docx":   "\x05Anna\x00",
	})
	docs, embedder, ledger := newShelf(), &counter{model: "m1"}, &rows{}
	var steps []Progress
	l := New(docs, embedder, ledger, Config{})
	report, err := l.Load(t.Context(), tenant, Request{Paths: []string{dir}, Root: dir, Source: "help"}, func(p Progress) {
		steps = append(steps, p)
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Added != 3 || report.Chunks != 4 || len(report.Failed) != 0 || report.Revision != 1 {
		t.Errorf("report = %+v, want 3 documents with 4 chunks in one publish", report)
	}
	var paths []string
	for _, d := range docs.inOrder() {
		paths = append(paths, d.Document.Path)
		if slices.ContainsFunc(docs.vectorsOf(d, "m1"), func(v []float32) bool { return v == nil }) || d.Document.Chunks != len(d.Chunks) {
			t.Errorf("%s: %d chunks with vectors %v", d.Document.Path, len(d.Chunks), docs.vectorsOf(d, "m1"))
		}
		if d.Document.Source != "help" || d.Document.Tenant != tenant || d.Document.Bytes == 0 {
			t.Errorf("document = %+v", d.Document)
		}
	}
	if want := []string{"en/returns.md", "faq.csv", "zh/退货.md"}; !slices.Equal(paths, want) {
		t.Errorf("paths = %q, want %q", paths, want)
	}
	if want := desk.Masked("Returns › How\nUse the app."); !slices.Contains(embedder.texts, want) {
		t.Errorf("embedded %q, want %q among them", embedder.texts, want)
	}
	if last := steps[len(steps)-1]; len(steps) != 3 || last.Done != 3 || last.Total != 3 || last.Chunks != 4 || last.Outcome != Added {
		t.Errorf("progress = %+v", steps)
	}
	if len(ledger.ended) != 1 || ledger.ended[0].Purpose != desk.PurposeEmbed || ledger.ended[0].Tenant != tenant {
		t.Errorf("ledger = %+v, want the one embedding call", ledger.ended)
	}
}

func TestLoadingAgainTakesOnlyWhatChanged(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n", "b.md": "# B\n\nbeta\n", "c.txt": "gamma"})
	docs, embedder := newShelf(), &counter{model: "m1"}
	l := New(docs, embedder, &rows{}, Config{})
	req := Request{Paths: []string{dir}, Root: dir}
	mustLoad(t, l, req)

	embedder.texts = nil
	if again := mustLoad(t, l, req); again.Unchanged != 3 || again.Added+again.Updated != 0 || again.Revision != 0 {
		t.Errorf("report = %+v, want 3 unchanged", again)
	}
	if len(embedder.texts) != 0 || docs.publishes != 1 {
		t.Errorf("embedded %d texts and published %d times, want nothing new", len(embedder.texts), docs.publishes)
	}

	write(t, filepath.Join(dir, "b.md"), "# B\n\nbeta, changed\n")
	var shown []string
	preview := func(d desk.Prepared, o Outcome) {
		shown = append(shown, fmt.Sprintf("%s %s: %s", d.Document.Path, o, d.Chunks[0].Text))
	}
	dry := mustLoad(t, l, Request{Paths: []string{dir}, Root: dir, DryRun: true, Preview: preview})
	if len(shown) != 3 || !slices.Contains(shown, "b.md updated: beta, changed") || !slices.IsSorted(shown) {
		t.Errorf("preview = %q, want every document, and b.md as it is now", shown)
	}
	if dry.Updated != 1 || dry.Unchanged != 2 || docs.publishes != 1 || len(embedder.texts) != 0 {
		t.Errorf("dry run = %+v after %d publishes, want one change and nothing done", dry, docs.publishes)
	}
	if changed := mustLoad(t, l, req); changed.Updated != 1 || changed.Unchanged != 2 || len(embedder.texts) != 1 {
		t.Errorf("report = %+v with %d texts embedded, want one updated", changed, len(embedder.texts))
	}
	if len(docs.docs) != 3 {
		t.Errorf("%d documents, want 3", len(docs.docs))
	}
}

func TestADocumentIsTheSameFromWhereverItIsNamed(t *testing.T) {
	dir := folder(t, map[string]string{"kb/en/a.md": "# A\n\nalpha\n"})
	t.Chdir(dir)
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{})
	for _, path := range []string{"kb", "kb/en", "./kb/en/a.md", filepath.Join(dir, "kb")} {
		mustLoad(t, l, Request{Paths: []string{path, "kb/en/a.md"}})
	}
	if doc := docs.only(t).Document; doc.Path != "kb/en/a.md" || doc.Source != DefaultSource {
		t.Errorf("document = %+v", doc)
	}
	mustLoad(t, l, Request{Paths: []string{"kb"}, Source: "other"})
	if len(docs.docs) != 2 {
		t.Errorf("%d documents, want one a source", len(docs.docs))
	}
}

func TestAnIDInTheFileOutlivesItsPath(t *testing.T) {
	dir := folder(t, map[string]string{"old.md": "---\nid: 12\n---\n# A\n\nalpha\n"})
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{})
	mustLoad(t, l, Request{Paths: []string{dir}, Root: dir})
	if err := os.Rename(filepath.Join(dir, "old.md"), filepath.Join(dir, "new.md")); err != nil {
		t.Fatal(err)
	}
	if report := mustLoad(t, l, Request{Paths: []string{dir}, Root: dir}); report.Updated != 1 {
		t.Errorf("report = %+v, want one updated", report)
	}
	if doc := docs.only(t).Document; doc.Path != "new.md" {
		t.Errorf("path = %q, want new.md", doc.Path)
	}
}

func TestBadFilesAreNamedAndTheRestIsLoaded(t *testing.T) {
	dir := folder(t, map[string]string{
		"good.md": "# Good\n\ngood\n", "broken.csv": "question,answer\na,b\n\"c,d\n", "photo.png": "\x89PNG",
		"empty.md": "", "bytes.txt": "退款\xff", "large.txt": strings.Repeat("large ", 1000),
		"z1.md": "---\nid: same\n---\nx\n", "z2.md": "---\nid: same\n---\ny\n",
	})
	outside := folder(t, map[string]string{"secret.md": "# Secret\n\nsecret\n"})
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(filepath.Join(outside, "secret.md"), "escape.md")
	link(outside, "folder-outside")
	link("good.md", "good-too.md")
	link("nowhere.md", "dangling.md")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.txt"), 0o600); err != nil {
		t.Fatal(err)
	}
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{MaxFileBytes: 4096})
	report := mustLoad(t, l, Request{Paths: []string{dir, filepath.Join(dir, "missing.md")}, Root: dir})

	got := map[string]ErrorCode{}
	for _, f := range report.Failed {
		got[filepath.Base(f.Path)] = f.Code
	}
	want := map[string]ErrorCode{
		"broken.csv": CodeMalformed, "photo.png": CodeUnsupported, "empty.md": CodeEmpty, "bytes.txt": CodeEncoding,
		"large.txt": CodeTooLarge, "z2.md": CodeDuplicate, "escape.md": CodeOutside, "folder-outside": CodeOutside,
		"dangling.md": CodeNotFound, "pipe.txt": CodeNotAFile, "missing.md": CodeNotFound,
	}
	if !maps.Equal(got, want) {
		t.Errorf("failed = %v, want %v", got, want)
	}
	if !slices.IsSortedFunc(report.Failed, func(a, b FileError) int { return strings.Compare(a.Path, b.Path) }) {
		t.Errorf("failed is not sorted by path: %v", report.Failed)
	}
	if report.Added != 3 { // good, the link to it, z1
		t.Errorf("added = %d, want 3", report.Added)
	}
	for _, d := range docs.docs {
		if strings.Contains(d.Document.Title, "Secret") {
			t.Error("a link led out of the folder")
		}
	}
}

func TestALoadThatWasCutShortHasChangedNothingAndGoesOn(t *testing.T) {
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprintf("%02d.md", i)] = fmt.Sprintf("# Page %d\n\none\n\n## Two\n\ntwo %d\n", i, i)
	}
	dir := folder(t, files)
	ctx, cancel := context.WithCancel(t.Context())
	docs, embedder := newShelf(), &counter{model: "m1"}
	docs.onStage = func() {
		if docs.stages == 2 {
			cancel()
		}
	}
	l := New(docs, embedder, &rows{}, Config{BatchChunks: 8, Concurrency: 1})
	req := Request{Paths: []string{dir}, Root: dir}
	report, err := l.Load(ctx, tenant, req, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v, want context.Canceled", err)
	}
	if report.Revision != 0 || len(docs.docs) != 0 {
		t.Errorf("published %d documents as revision %d, want none", len(docs.docs), report.Revision)
	}
	docs.onStage, embedder.texts = nil, nil
	report = mustLoad(t, l, req)
	if report.Added != 40 || report.Revision != 1 || len(docs.docs) != 40 {
		t.Errorf("report = %+v, want all 40 documents in one release", report)
	}
	if report.Embedded != 80-16 || len(embedder.texts) != 80-16 {
		t.Errorf("embedded %d chunks, want the 64 that were not staged yet", len(embedder.texts))
	}
}

func TestTheEmbedderIsAskedAgainAfterFailuresThatPass(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n"})
	synctest.Test(t, func(t *testing.T) {
		docs, embedder := newShelf(), &counter{model: "m1"}
		embedder.fail = func([]desk.Masked) error {
			if embedder.calls < 3 {
				return &llm.Failure{Kind: llm.RateLimited, RetryAfter: 7 * time.Second}
			}
			return nil
		}
		report := mustLoad(t, New(docs, embedder, &rows{}, Config{}), Request{Paths: []string{dir}, Root: dir})
		if report.Unembedded != 0 || docs.vectorsOf(docs.only(t), "m1")[0] == nil {
			t.Errorf("report = %+v, want everything embedded", report)
		}
		if report.Elapsed != 14*time.Second {
			t.Errorf("waited %v, want what the vendor asked for twice, 14s", report.Elapsed)
		}
	})
}

func TestWithoutAnEmbedderDocumentsAreLoadedForTheirWords(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n", "b.md": "# B\n\nbeta\n"})
	synctest.Test(t, func(t *testing.T) {
		docs := newShelf()
		embedder := &counter{model: "m1", fail: func([]desk.Masked) error { return &llm.Failure{Kind: llm.Unreachable} }}
		l := New(docs, embedder, &rows{}, Config{BatchChunks: 1, Concurrency: 1})
		report, err := l.Load(t.Context(), tenant, Request{Paths: []string{dir}, Root: dir}, nil)
		var public *desk.Error
		if !errors.As(err, &public) || public.Code != "embedder_unavailable" || public.Kind != desk.Unavailable {
			t.Fatalf("error = %v, want embedder_unavailable", err)
		}
		if report.Added != 2 || report.Unembedded != 2 || embedder.calls != 3 {
			t.Errorf("report = %+v after %d calls, want 2 documents without vectors after 3 calls", report, embedder.calls)
		}

		embedder.fail = nil
		var last Progress
		if err := l.Reembed(t.Context(), tenant, func(p Progress) { last = p }); err != nil {
			t.Fatal(err)
		}
		if stale, _ := docs.Stale(t.Context(), tenant, "m1"); len(stale) != 0 || last.Done != 2 || last.Total != 2 {
			t.Errorf("%d chunks without a vector after %+v, want none", len(stale), last)
		}
	})
}

// hanging is an embedder that answers in its own time, or never.
type hanging struct {
	counter
	takes time.Duration
}

func (h *hanging) Embed(ctx context.Context, call llm.EmbedCall) (llm.Embeddings, error) {
	select {
	case <-time.After(h.takes):
		return h.counter.Embed(ctx, call)
	case <-ctx.Done():
		return llm.Embeddings{}, &llm.Failure{Kind: llm.TimedOut, Err: ctx.Err()}
	}
}

func TestALoadIsAsPatientAsItIsToldToBe(t *testing.T) {
	files := map[string]string{}
	for i := range 12 {
		files[fmt.Sprintf("%02d.md", i)] = fmt.Sprintf("# Page %d\n\none\n\n## Two\n\ntwo %d\n", i, i) // two batches
	}
	dir := folder(t, files)
	const patience, never = 10 * time.Second, 24 * time.Hour
	for name, tt := range map[string]struct{ takes, patience, elapsed time.Duration }{
		"an embedder that hangs is given up":                  {takes: never, patience: patience, elapsed: patience},
		"one that takes its time is not, however long all do": {takes: 9 * time.Second, patience: patience, elapsed: 12 * 9 * time.Second},
		"all attempts are made where nothing else was said":   {takes: never, elapsed: 91 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				embedder := &hanging{counter: counter{model: "m1"}, takes: tt.takes}
				l := New(newShelf(), embedder, &rows{}, Config{BatchChunks: 1, Concurrency: 2})
				report, _ := l.Load(t.Context(), tenant, Request{Paths: []string{dir}, Root: dir, Patience: tt.patience}, nil)
				missing := 0
				if tt.takes == never {
					missing = 2 * len(files)
				}
				if report.Added != len(files) || report.Unembedded != missing {
					t.Errorf("report = %+v, want %d documents, %d chunks without vectors", report, len(files), missing)
				}
				if (report.Elapsed - tt.elapsed).Abs() > time.Second { // pauses between attempts are random
					t.Errorf("took %v, want %v", report.Elapsed, tt.elapsed)
				}
			})
		})
	}
}

func TestARefusedTextFailsItsOwnDocumentOnly(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n", "b.md": "# B\n\npoison\n", "c.md": "# C\n\ngamma\n"})
	refuse := func(texts []desk.Masked) error {
		for _, text := range texts {
			if strings.Contains(string(text), "poison") {
				return &llm.Failure{Kind: llm.BadRequest}
			}
		}
		return nil
	}
	docs := newShelf()
	l := New(docs, &counter{model: "m1", fail: refuse}, &rows{}, Config{})
	report := mustLoad(t, l, Request{Paths: []string{dir}, Root: dir})
	if report.Added != 2 || len(report.Failed) != 1 || report.Failed[0].Code != CodeEmbedding || filepath.Base(report.Failed[0].Path) != "b.md" {
		t.Errorf("report = %+v, want b.md alone to fail", report)
	}
}

func TestReembed(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n\n## B\n\npoison\n\n## C\n\ngamma\n"})
	docs := newShelf()
	mustLoad(t, New(docs, &counter{model: "m1"}, &rows{}, Config{}), Request{Paths: []string{dir}, Root: dir})

	t.Run("gives every chunk a vector of the new model, from the same text", func(t *testing.T) {
		embedder := &counter{model: "m2"}
		if err := New(docs, embedder, &rows{}, Config{BatchChunks: 2}).Reembed(t.Context(), tenant, nil); err != nil {
			t.Fatal(err)
		}
		if vectors := docs.vectorsOf(docs.only(t), "m2"); slices.ContainsFunc(vectors, func(v []float32) bool { return v == nil }) {
			t.Errorf("vectors %v", vectors)
		}
		if !slices.Contains(embedder.texts, "A › C\ngamma") {
			t.Errorf("embedded %q", embedder.texts)
		}
	})
	t.Run("a refused chunk does not keep the others without", func(t *testing.T) {
		embedder := &counter{model: "m3", fail: func(texts []desk.Masked) error {
			if slices.Contains(texts, "A › B\npoison") {
				return &llm.Failure{Kind: llm.Refused}
			}
			return nil
		}}
		err := New(docs, embedder, &rows{}, Config{}).Reembed(t.Context(), tenant, nil)
		var public *desk.Error
		if !errors.As(err, &public) || public.Code != "chunks_refused" {
			t.Errorf("error = %v, want chunks_refused", err)
		}
		if v := docs.vectorsOf(docs.only(t), "m3"); v[0] == nil || v[1] != nil || v[2] == nil {
			t.Errorf("vectors = %v, want all but the second", v)
		}
	})
}

func TestRemove(t *testing.T) {
	dir := folder(t, map[string]string{"a.md": "# A\n\nalpha\n"})
	docs := newShelf()
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{})
	mustLoad(t, l, Request{Paths: []string{dir}, Root: dir})
	r, err := l.Remove(t.Context(), tenant, "me", []desk.DocumentID{docs.only(t).Document.ID, "unknown"})
	if err != nil || r.Revision != 2 || r.Removed != 1 || len(docs.docs) != 0 {
		t.Errorf("release %+v, error %v, %d documents left", r, err, len(docs.docs))
	}
}

func TestProgressTellsTheTimeLeft(t *testing.T) {
	p := Progress{Done: 10, Total: 40, Chunks: 35, Elapsed: 5 * time.Second}
	if p.Rate() != 2 || p.ChunkRate() != 7 || p.Remaining() != 15*time.Second {
		t.Errorf("rates, remaining = %v, %v, %v, want 2, 7, 15s", p.Rate(), p.ChunkRate(), p.Remaining())
	}
	if p := (Progress{Total: 3}); p.Rate() != 0 || p.ChunkRate() != 0 || p.Remaining() != 0 {
		t.Errorf("rate, remaining = %v, %v, want zero before anything is done", p.Rate(), p.Remaining())
	}
}

func TestConfigNamesTheFieldOutOfRange(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	for _, cfg := range []Config{
		{MaxTokens: 10},
		{TargetTokens: 10},
		{TargetTokens: 500},
		{OverlapTokens: 200},
		{BatchChunks: -1},
		{Concurrency: 65},
		{MaxFileBytes: -1},
		{EmbedTimeout: -1},
		{EmbedAttempts: 11},
		{Releases: 1001},
	} {
		if err := cfg.Validate(); err == nil {
			t.Errorf("%+v is valid, want an error", cfg)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	files := map[string]string{}
	for i := range 100 {
		var page strings.Builder
		fmt.Fprintf(&page, "# Page %d\n\n", i)
		for j := range 20 {
			fmt.Fprintf(&page, "## Section %d\n\n%s\n\n%s\n\n", j,
				strings.Repeat("You may return any item within 30 days of delivery, unless it was on sale. ", 8),
				strings.Repeat("签收后七天内可以申请退货，特价商品除外。", 10))
		}
		files[fmt.Sprintf("%03d.md", i)] = page.String()
	}
	dir := folder(b, files)
	chunks := 0
	for b.Loop() {
		l := New(newShelf(), &counter{model: "m1"}, &rows{}, Config{})
		report, err := l.Load(b.Context(), tenant, Request{Paths: []string{dir}, Root: dir}, nil)
		if err != nil {
			b.Fatal(err)
		}
		chunks += report.Chunks
	}
	b.ReportMetric(float64(chunks)/b.Elapsed().Seconds(), "chunks/s")
}
