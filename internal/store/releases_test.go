package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

// said is the tenant's documents and what their chunks say now, as an operator
// and as a replica that starts anew sees them.
func said(t *testing.T, db *store.DB) map[desk.DocumentID][]string {
	t.Helper()
	texts := make(map[desk.DocumentID][]string)
	docs, err := db.Documents().List(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		_, chunks, err := db.Documents().Get(t.Context(), tenant, d.ID)
		if err != nil || len(chunks) != d.Chunks {
			t.Fatalf("%s: %d of %d chunks, %v", d.ID, len(chunks), d.Chunks, err)
		}
		for _, c := range chunks {
			texts[d.ID] = append(texts[d.ID], c.Text)
		}
	}
	loaded := make(map[desk.DocumentID][]string)
	for _, it := range itemsOf(t, db, tenant, "m", 0) {
		loaded[it.Document] = append(loaded[it.Document], it.Text)
		if it.Vector == nil {
			t.Errorf("%s has no vector", it.ID)
		}
	}
	if !reflect.DeepEqual(texts, loaded) {
		t.Errorf("operators read %v\nreplicas load %v", texts, loaded)
	}
	return texts
}

func edited(id, text string) desk.Prepared {
	p := document(id, 1, 4)
	p.Chunks[0].Text, p.Document.Hash = text, text
	return p
}

func TestARollbackRestoresWhatEveryKeptReleaseSaid(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		steps := []func() desk.Revision{
			func() desk.Revision { return publish(t, db, []desk.Prepared{edited("a", "a1"), edited("b", "b1")}) },
			func() desk.Revision { return publish(t, db, []desk.Prepared{edited("a", "a2"), edited("c", "c1")}) },
			func() desk.Revision { return publish(t, db, []desk.Prepared{edited("a", "a1")}, "b") },
			func() desk.Revision { return publish(t, db, []desk.Prepared{edited("b", "b2")}, "c", "a") },
		}
		states := make(map[desk.Revision]map[desk.DocumentID][]string)
		for _, step := range steps {
			rev := step()
			states[rev] = said(t, db)
		}
		last := desk.Revision(len(steps))
		for _, to := range []desk.Revision{2, 1, 4, 3, 5, 1} {
			r, err := docs.Rollback(t.Context(), tenant, to, "tester")
			if err != nil {
				t.Fatal(err)
			}
			if last++; r.Revision != last || r.Restored != to || r.Kind != desk.ReleaseRollback || r.Author != "tester" || r.Changed() == 0 {
				t.Errorf("rolled back to %d: release = %+v", to, r)
			}
			states[r.Revision] = states[to]
			if got := said(t, db); !reflect.DeepEqual(got, states[to]) {
				t.Errorf("after the rollback to %d: %v, want %v", to, got, states[to])
			}
		}
		if r, err := docs.Rollback(t.Context(), tenant, last, "tester"); err != nil || r.Revision != last || r.Changed() != 0 {
			t.Errorf("a rollback to what stands = %+v, %v, want no new release", r, err)
		}
		releases, err := docs.Releases(t.Context(), tenant, 0, 100)
		if err != nil || len(releases) != int(last) || releases[0].Revision != last {
			t.Fatalf("%d releases, %v, want %d, newest first", len(releases), err, last)
		}
		second := releases[last-2]
		if second.Added != 1 || second.Updated != 1 || second.Removed != 0 || second.Source != "test" || second.Kind != desk.ReleaseLoad ||
			second.Author != "tester" || time.Since(second.At) > time.Minute {
			t.Errorf("the second release = %+v", second)
		}
		page, err := docs.Releases(t.Context(), tenant, 4, 2)
		if err != nil || len(page) != 2 || page[0].Revision != 3 || page[1].Revision != 2 {
			t.Errorf("two releases before 4 = %+v, %v", page, err)
		}
	})
}

func TestARollbackToWhatIsNotKeptSaysSo(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		publish(t, db, []desk.Prepared{edited("a", "a1")})
		if _, err := publishAll(t.Context(), db, "other", []desk.Prepared{edited("x", "x1")}); err != nil {
			t.Fatal(err)
		}
		for _, rev := range []desk.Revision{0, 2, 3} { // 2 is another tenant's
			_, err := db.Documents().Rollback(t.Context(), tenant, rev, "tester")
			var problem *desk.Error
			if !errors.As(err, &problem) || problem.Kind != desk.NotFound || problem.Code != "release_not_found" {
				t.Errorf("rollback to %d = %v, want release_not_found", rev, err)
			}
		}
	})
}

func TestOnlyTheLastReleasesAreKeptAndWhatTheyNeed(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		for n := range 6 {
			publish(t, db, []desk.Prepared{edited("a", fmt.Sprintf("a%d", n)), edited("same", "same")})
		}
		publish(t, db, []desk.Prepared{edited("b", "b1")}, "same")
		if err := docs.Stage(t.Context(), tenant, []desk.Prepared{edited("never", "never published")}); err != nil {
			t.Fatal(err)
		}
		db.Age(t, 25)
		if err := docs.Stage(t.Context(), tenant, []desk.Prepared{edited("soon", "to be published")}); err != nil {
			t.Fatal(err)
		}
		if err := docs.Collect(t.Context(), tenant, 3); err != nil {
			t.Fatal(err)
		}
		releases, err := docs.Releases(t.Context(), tenant, 0, 100)
		if err != nil || len(releases) != 3 || releases[2].Revision != 5 {
			t.Fatalf("releases = %+v, %v, want 7, 6 and 5", releases, err)
		}
		// a4, a5, same, b1 and soon.
		if v, c, e := db.Count(t, "versions"), db.Count(t, "chunks"), db.Count(t, "vectors"); v != 5 || c != 5 || e != 5 {
			t.Errorf("%d versions, %d chunks, %d vectors, want 5 each", v, c, e)
		}
		if _, err := docs.Rollback(t.Context(), tenant, 5, "tester"); err != nil {
			t.Fatal(err)
		}
		want := map[desk.DocumentID][]string{"a": {"a4"}, "same": {"same"}}
		if got := said(t, db); !reflect.DeepEqual(got, want) {
			t.Errorf("after the rollback: %v, want %v", got, want)
		}
		if _, err := docs.Rollback(t.Context(), tenant, 4, "tester"); err == nil {
			t.Error("rolled back to a release that is not kept")
		}
	})
}

func TestChunksThatSayTheSameShareTheirVectors(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		first := document("a", 3, 4)
		publish(t, db, []desk.Prepared{first})
		second := document("a", 3, 4)
		second.Document.Hash, second.Chunks[1].Text = "edited", "Another text."
		embedded, err := docs.Embedded(t.Context(), tenant, "m", second.Chunks)
		if err != nil || !reflect.DeepEqual(embedded, []bool{true, false, true}) {
			t.Fatalf("embedded = %v, %v, want all but the edited chunk", embedded, err)
		}
		if other, err := docs.Embedded(t.Context(), "other", "m", first.Chunks); err != nil || other[0] {
			t.Errorf("another tenant's = %v, %v, want none", other, err)
		}
		if other, err := docs.Embedded(t.Context(), tenant, "other", first.Chunks); err != nil || other[0] {
			t.Errorf("another model's = %v, %v, want none", other, err)
		}
		second.Vectors = [][]float32{nil, vector(4, 9), nil}
		publish(t, db, []desk.Prepared{second})
		for i, it := range itemsOf(t, db, tenant, "m", 0) {
			want := first.Vectors[i]
			if i == 1 {
				want = second.Vectors[1]
			}
			if !reflect.DeepEqual(it.Vector, want) {
				t.Errorf("vector %d = %v, want %v", i, it.Vector, want)
			}
		}
	})
}

// rollBack returns to the first release, and fails the test unless that takes
// less than most: once in a few times, from the second, on a machine that does
// something else too.
func rollBack(t *testing.T, db *store.DB, first, second desk.Revision, most time.Duration) (took time.Duration) {
	t.Helper()
	for range 4 {
		var start time.Time
		for _, to := range []desk.Revision{second, first} {
			start = time.Now()
			if _, err := db.Documents().Rollback(t.Context(), tenant, to, "tester"); err != nil {
				t.Fatal(err)
			}
		}
		if took = time.Since(start); took < most {
			return took
		}
	}
	t.Errorf("a rollback took %v, want less than %v", took, most)
	return took
}

// A rollback switches what is shown and writes no chunk again: on a quiet
// machine it takes well under a second, here a fraction of the publish it undoes.
func TestARollbackOfTenThousandChunksTakesAFractionOfTheirPublish(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		put := knowledgeBase(1000, 10, 0)
		first := publish(t, db, put)
		for i := range put {
			put[i].Document.Hash = "edited"
		}
		start := time.Now()
		second := publish(t, db, put)
		published := time.Since(start)
		took := rollBack(t, db, first, second, published/4)
		t.Logf("1,000 documents of 10 chunks each published in %v, rolled back in %v", published, took)
	})
}

func TestFilesOnTheirWayInAreListedUntilTheyAreSettled(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		if err := docs.Expect(t.Context(), tenant, "docs", []string{"a.md", "b.md", "c.pdf"}); err != nil {
			t.Fatal(err)
		}
		note := func(files ...desk.Intake) {
			t.Helper()
			if err := docs.Note(t.Context(), tenant, files); err != nil {
				t.Fatal(err)
			}
		}
		note(desk.Intake{Source: "docs", Path: "a.md", Document: "doc_a", State: desk.Embedding},
			desk.Intake{Source: "docs", Path: "c.pdf", State: desk.Failed, Code: "malformed", Reason: "no\x00 PDF"})
		states := func() map[string]desk.IntakeState {
			t.Helper()
			files, err := docs.Intake(t.Context(), tenant)
			if err != nil {
				t.Fatal(err)
			}
			states := make(map[string]desk.IntakeState)
			for _, f := range files {
				states[f.Path] = f.State
				if f.Source != "docs" || time.Since(f.Since) > time.Minute || f.State == desk.Failed && (f.Code != "malformed" || f.Reason != "no PDF") {
					t.Errorf("file = %+v", f)
				}
			}
			return states
		}
		want := map[string]desk.IntakeState{"a.md": desk.Embedding, "b.md": desk.Queued, "c.pdf": desk.Failed}
		if got := states(); !reflect.DeepEqual(got, want) {
			t.Errorf("states = %v, want %v", got, want)
		}
		if err := docs.Settle(t.Context(), tenant, "docs"); err != nil {
			t.Fatal(err)
		}
		if got := states(); len(got) != 1 || got["c.pdf"] != desk.Failed {
			t.Errorf("settled = %v, want the failure alone", got)
		}
		if err := docs.Expect(t.Context(), tenant, "docs", nil); err != nil {
			t.Fatal(err)
		}
		if got := states(); len(got) != 0 {
			t.Errorf("at the next beginning = %v, want nothing", got)
		}
	})
}
