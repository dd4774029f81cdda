package store_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
	"kefu/internal/store"
)

// everywhere runs a test on a fresh database of each engine.
func everywhere(t *testing.T, test func(t *testing.T, db *store.DB)) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// withTexts runs a test of what customers said on a fresh database of each
// engine, once more where it is encrypted.
func withTexts(t *testing.T, test func(t *testing.T, db *store.DB)) {
	everywhere(t, test)
	t.Run("encrypted", func(t *testing.T) {
		t.Parallel()
		test(t, open(t, store.Config{Dir: t.TempDir(), Seals: ring(t, 1)}))
	})
}

const tenant = desk.DefaultTenant

func publish(t *testing.T, db *store.DB, put []desk.Prepared, remove ...desk.DocumentID) desk.Revision {
	t.Helper()
	r, err := publishAll(t.Context(), db, tenant, put, remove...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Revision
}

// itemsOf reads the tenant's chunks in the order of their ids.
func itemsOf(t *testing.T, db *store.DB, tenant desk.TenantID, model string, since desk.Revision) []retrieval.Item {
	t.Helper()
	delta, err := db.Documents().Changes(t.Context(), model, since)
	if err != nil {
		t.Fatal(err)
	}
	items := delta.Items[tenant]
	slices.SortFunc(items, func(a, b retrieval.Item) int { return cmp.Compare(a.ID, b.ID) })
	return items
}

func TestAPublishedDocumentIsReadBackAsItWas(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		before := time.Now().Truncate(time.Millisecond)
		put := document("returns", 3, 8)
		put.Chunks[1].Question, put.Chunks[1].URL = "退货多久？", "https://example.com/returns#1"
		put.Document.TranslationKey = "returns"
		put.Document.Flag, put.Chunks[2].Flag = "override", "override"
		rev := publish(t, db, []desk.Prepared{put})

		doc, chunks, err := db.Documents().Get(t.Context(), tenant, "returns")
		if err != nil {
			t.Fatal(err)
		}
		if doc.UpdatedAt.Before(before) || doc.UpdatedAt.After(time.Now()) {
			t.Errorf("updated at %v, want now", doc.UpdatedAt)
		}
		want := put.Document
		want.Tenant, want.Chunks, want.Revision, want.UpdatedAt = tenant, 3, rev, doc.UpdatedAt
		if doc != want {
			t.Errorf("document = %+v\nwant %+v", doc, want)
		}
		if !slices.Equal(chunks, put.Chunks) {
			t.Errorf("chunks = %+v\nwant %+v", chunks, put.Chunks)
		}
		items := itemsOf(t, db, tenant, "m", 0)
		for i, c := range put.Chunks {
			want := retrieval.Item{
				Passage: desk.Passage{Chunk: c, Title: want.Title, URL: cmp.Or(c.URL, want.URL), Kind: want.Kind, Hash: want.Hash, Revision: rev, Origin: want.Source + "/" + want.Path, TranslationKey: "returns"},
				Vector:  put.Vectors[i],
			}
			if !reflect.DeepEqual(items[i], want) {
				t.Errorf("item %d = %+v\nwant %+v", i, items[i], want)
			}
		}
		list, err := db.Documents().List(t.Context(), tenant)
		if err != nil || len(list) != 1 || list[0] != doc {
			t.Errorf("list = %+v, %v", list, err)
		}
	})
}

func TestAReplacedDocumentLeavesNothingBehind(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		publish(t, db, []desk.Prepared{document("a", 5, 4), document("b", 2, 4)})
		publish(t, db, []desk.Prepared{document("a", 1, 4)})
		status, err := db.Documents().Status(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		if status.Documents != 2 || status.Chunks != 3 || status.Models["m"] != 3 {
			t.Errorf("status = %+v, want 2 documents with 3 chunks and vectors", status)
		}
		if items := itemsOf(t, db, tenant, "m", 0); len(items) != 3 {
			t.Errorf("%d items, want 3", len(items))
		}
	})
}

func TestEveryPublishThatChangesSomethingIsOneRevision(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		steps := []struct {
			name   string
			put    []desk.Prepared
			remove []desk.DocumentID
			want   desk.Revision
		}{
			{"nothing at all", nil, nil, 0},
			{"two documents", []desk.Prepared{document("a", 1, 0), document("b", 1, 0)}, nil, 1},
			{"removing what is not there", nil, []desk.DocumentID{"zzz"}, 1},
			{"what is there already", []desk.Prepared{document("a", 1, 0)}, nil, 1},
			{"one replaced, one removed", []desk.Prepared{document("a", 2, 0)}, []desk.DocumentID{"b"}, 2},
			{"removed, then nothing is left", nil, []desk.DocumentID{"a"}, 3},
		}
		for _, step := range steps {
			r, err := publishAll(t.Context(), db, tenant, step.put, step.remove...)
			if err != nil || r.Revision != step.want {
				t.Errorf("%s: revision = %d, %v, want %d", step.name, r.Revision, err, step.want)
			}
			if now, err := docs.Revision(t.Context()); err != nil || now != step.want {
				t.Errorf("%s: newest revision = %d, %v, want %d", step.name, now, err, step.want)
			}
		}
	})
}

func TestChangesTellTheNewestStateOfEachDocument(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		publish(t, db, []desk.Prepared{document("a", 1, 0), document("b", 1, 0)})
		publish(t, db, []desk.Prepared{document("a", 2, 0), document("c", 1, 0)})
		publish(t, db, nil, "b")

		delta, err := db.Documents().Changes(t.Context(), "m", 1)
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[desk.DocumentID]desk.Revision)
		for _, c := range delta.Changes {
			got[c.Document] = c.Revision
			if c.Removed != (c.Document == "b") || c.Tenant != tenant {
				t.Errorf("change = %+v", c)
			}
		}
		want := map[desk.DocumentID]desk.Revision{"a": 2, "b": 3, "c": 2}
		if delta.Revision != 3 || !reflect.DeepEqual(got, want) {
			t.Errorf("changes to %d = %v, want to 3 = %v", delta.Revision, got, want)
		}
		if n := len(delta.Items[tenant]); n != 3 {
			t.Errorf("%d items, want a#0, a#1 and c#0", n)
		}
		if delta, err = db.Documents().Changes(t.Context(), "m", 3); err != nil || len(delta.Changes)+len(delta.Items) != 0 {
			t.Errorf("changes since the newest revision = %+v, %v", delta, err)
		}
	})
}

func TestAPublishIsAllOrNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		publish(t, db, []desk.Prepared{document("a", 1, 4)})
		clash := document("c", 1, 4)
		clash.Vectors[0] = vector(4, 0)[:3]
		clash.Vectors = append(clash.Vectors, vector(4, 1)) // more than chunks
		if _, err := publishAll(t.Context(), db, tenant, []desk.Prepared{document("b", 1, 4), clash}, "a"); err == nil {
			t.Fatal("a broken document was staged")
		}
		unstaged := desk.Change{Put: []desk.Version{{Document: "b", Hash: "never staged"}}, Remove: []desk.DocumentID{"a"}}
		if _, err := db.Documents().Publish(t.Context(), tenant, unstaged); err == nil {
			t.Fatal("what was never staged was published")
		}
		if rev, err := db.Documents().Revision(t.Context()); err != nil || rev != 1 {
			t.Errorf("revision = %d, %v, want 1", rev, err)
		}
		if items := itemsOf(t, db, tenant, "m", 0); len(items) != 1 || items[0].Document != "a" {
			t.Errorf("items = %+v, want those of a", items)
		}
	})
}

func TestVectorsThatSpoilASearchAreRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		nan, inf := float32(math.NaN()), float32(math.Inf(1))
		tests := map[string][][]float32{
			"too few":          {{1, 2}},
			"empty":            {{}, {}},
			"mixed dimensions": {{1, 2}, {1, 2, 3}},
			"not a number":     {{1, 2}, {1, nan}},
			"infinite":         {{1, 2}, {inf, 1}},
		}
		for name, vectors := range tests {
			p := document("a", 2, 2)
			p.Vectors = vectors
			if _, err := publishAll(t.Context(), db, tenant, []desk.Prepared{p}); err == nil {
				t.Errorf("%s: published", name)
			}
			err := db.Documents().PutVectors(t.Context(), tenant, "m", p.Chunks, vectors)
			if err == nil {
				t.Errorf("%s: put", name)
			}
		}
	})
}

func TestTenantsDoNotSeeEachOther(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		for _, tenant := range []desk.TenantID{"one", "two"} { // the same ids
			if _, err := publishAll(t.Context(), db, tenant, []desk.Prepared{document("a", 2, 4)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := publishAll(t.Context(), db, "two", nil, "a"); err != nil {
			t.Fatal(err)
		}
		if n := len(itemsOf(t, db, "one", "m", 0)); n != 2 {
			t.Errorf("tenant one has %d items, want 2", n)
		}
		if n := len(itemsOf(t, db, "two", "m", 0)); n != 0 {
			t.Errorf("tenant two has %d items, want 0", n)
		}
		_, _, err := docs.Get(t.Context(), "two", "a")
		var problem *desk.Error
		if !errors.As(err, &problem) || problem.Kind != desk.NotFound || problem.Code != "document_not_found" {
			t.Errorf("get = %v, want document_not_found", err)
		}
	})
}

func TestANewEmbeddingModelFindsItsChunksStaleUntilTheyHaveVectors(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		rev := publish(t, db, []desk.Prepared{document("a", 70, 4), document("b", 1, 4)})
		stale, err := docs.Stale(t.Context(), tenant, "new")
		if err != nil || len(stale) != 71 {
			t.Fatalf("%d stale chunks, %v, want 71", len(stale), err)
		}
		var vectors [][]float32
		for i := range stale {
			vectors = append(vectors, vector(6, i))
		}
		publish(t, db, nil, "b") // meanwhile
		if err := docs.PutVectors(t.Context(), tenant, "new", stale, vectors); err != nil {
			t.Fatal(err)
		}
		if stale, err := docs.Stale(t.Context(), tenant, "new"); err != nil || len(stale) != 0 {
			t.Errorf("%d stale chunks, %v, want 0", len(stale), err)
		}
		items := itemsOf(t, db, tenant, "new", rev+1)
		if len(items) != 70 {
			t.Fatalf("replicas load %d items again, want 70", len(items))
		}
		for _, it := range items {
			if it.Revision != rev || len(it.Vector) != 6 {
				t.Fatalf("item = %+v, want revision %d and 6 dimensions", it, rev)
			}
		}
		if old := itemsOf(t, db, tenant, "m", 0); len(old) != 70 || len(old[0].Vector) != 4 {
			t.Error("the vectors of the old model are gone")
		}
		if none := itemsOf(t, db, tenant, "other", 0); len(none) != 70 || none[0].Vector != nil {
			t.Error("vectors of one model were given for another")
		}
	})
}

func TestStatusCountsWhatIsThere(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		faq := document("faq", 4, 0)
		faq.Document.Kind, faq.Document.Lang = desk.FAQ, desk.Chinese
		publish(t, db, []desk.Prepared{document("a", 2, 4), document("b", 3, 4), faq})
		got, err := db.Documents().Status(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(got.UpdatedAt) > time.Minute {
			t.Errorf("updated at %v, want now", got.UpdatedAt)
		}
		got.UpdatedAt = time.Time{}
		want := store.Status{
			Revision: 1, Documents: 3, Chunks: 9, Bytes: 3000,
			Kinds:  map[desk.DocumentKind]int{desk.Page: 2, desk.FAQ: 1},
			Langs:  map[desk.Lang]int{desk.English: 2, desk.Chinese: 1},
			Models: map[string]int{"m": 5},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("status = %+v\nwant %+v", got, want)
		}
	})
}

func TestAnEndedContextEndsEveryMethod(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		docs := db.Documents()
		calls := map[string]func() error{
			"publish": func() error {
				_, err := docs.Publish(ctx, tenant, desk.Change{Remove: []desk.DocumentID{"a"}})
				return err
			},
			"list":   func() error { _, err := docs.List(ctx, tenant); return err },
			"status": func() error { _, err := docs.Status(ctx, tenant); return err },
			"wait":   func() error { return docs.Wait(ctx, 0) },
			"begin":  func() error { return db.Ledger().Begin(ctx, attempt("a")) },
			"ping":   func() error { return db.Ping(ctx) },
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s = %v, want context.Canceled", name, err)
			}
		}
	})
}

func TestStagingThatWasCutShortIsTakenUpAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		large := document("large", 20_000, 0)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		staged := make(chan error, 1)
		go func() { staged <- db.Documents().Stage(ctx, tenant, []desk.Prepared{large}) }()
		for db.Count(t, "chunks") == 0 { // others read and write meanwhile
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-staged; !errors.Is(err, context.Canceled) {
			t.Fatalf("stage = %v, want cancelled", err)
		}
		if n := db.Count(t, "chunks"); n == 0 || n == len(large.Chunks) {
			t.Errorf("%d of %d chunks stay, want a part", n, len(large.Chunks))
		}
		publish(t, db, []desk.Prepared{large})
		if n := db.Count(t, "chunks"); n != len(large.Chunks) {
			t.Errorf("%d of %d chunks", n, len(large.Chunks))
		}
	})
}
