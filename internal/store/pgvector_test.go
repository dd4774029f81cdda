package store_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
	"kefu/internal/store"
	"kefu/internal/testenv"
)

// behind is a connection to a database beside the store's.
func behind(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPgvectorIsRefusedWithWhatToDo(t *testing.T) {
	if _, err := store.Open(t.Context(), store.Config{Dir: t.TempDir(), Pgvector: true}); codeOf(err) != "vectors_need_postgresql" {
		t.Errorf("on SQLite: %v", err)
	}

	url := testenv.Pgvector(t)
	admin := behind(t, url)
	if _, err := admin.ExecContext(t.Context(), `DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN; GRANT ALL ON SCHEMA public TO clerk`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Exec(`DROP OWNED BY clerk; DROP ROLE clerk`) })
	clerk := store.Config{URL: strings.Replace(url, "kefu@", "clerk@", 1), Pgvector: true, Logger: quiet()}
	_, err := store.Open(t.Context(), clerk)
	if e, _ := errors.AsType[*desk.Error](err); e == nil || e.Code != "vector_extension_missing" || !strings.HasSuffix(e.Local, "CREATE EXTENSION vector") {
		t.Errorf("a user who may not make the extension: %v", err)
	}
	if _, err := admin.ExecContext(t.Context(), `CREATE EXTENSION vector`); err != nil {
		t.Fatal(err)
	}
	open(t, clerk)

	db := open(t, store.Config{URL: testenv.Pgvector(t), Pgvector: true})
	_, err = publishAll(t.Context(), db, tenant, []desk.Prepared{document("wide", 1, 4001)})
	if codeOf(err) != "vectors_too_wide" {
		t.Errorf("4001 dimensions: %v", err)
	}
}

func TestAnIndexIsFilledFromWhatWasThereAndKeptByEverybody(t *testing.T) {
	url := testenv.Pgvector(t)
	plain := open(t, store.Config{URL: url})
	publish(t, plain, knowledgeBase(300, 4, 8)) // 1200, in three parts
	counted := func() (n int) {
		if err := behind(t, url).QueryRowContext(t.Context(), `SELECT COUNT(*) FROM vector_index`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	indexed := open(t, store.Config{URL: url, Pgvector: true})
	if n := counted(); n != 1200 {
		t.Errorf("%d vectors in the index, want 1200", n)
	}
	publish(t, plain, []desk.Prepared{document("unnoticed", 1, 8)}) // it has been open since before
	if n := counted(); n != 1200 {
		t.Errorf("%d vectors: a process from before the index knows of it", n)
	}
	other := open(t, store.Config{URL: url})
	if n := counted(); n != 1200 {
		t.Errorf("%d vectors: one that does not search the index fills it", n)
	}
	publish(t, other, []desk.Prepared{document("kept", 1, 8)})
	publish(t, indexed, []desk.Prepared{document("own", 1, 8)})
	for db, missing := range map[*store.DB]int{indexed: 1, other: 0} { // who does not search it does not mind
		found, err := db.Documents().Index(t.Context(), "m")
		if err != nil || found.Passages != 1203 || found.Missing != missing || (found.Pgvector != "") != (db == indexed) {
			t.Errorf("the index is %+v, %v, want %d of 1203 missing", found, err, missing)
		}
	}
	open(t, store.Config{URL: url, Pgvector: true})
	if n := counted(); n != 1203 {
		t.Errorf("%d vectors in the index, want 1203", n)
	}

	for _, items := range [][]retrieval.Item{itemsOf(t, other, tenant, "m", 0), itemsOf(t, indexed, tenant, "m", 0)} {
		carried, named := 0, 0
		for _, it := range items {
			if it.Vector != nil {
				carried++
			}
			if it.Key != "" {
				named++
			}
		}
		if len(items) != 1203 || carried+named != 1203 || carried*named != 0 {
			t.Errorf("%d chunks, of which %d carry their vectors and %d name them", len(items), carried, named)
		}
	}

	publish(t, indexed, nil, "own", "kept")
	for range 2 { // what is in no release is forgotten, with its vectors
		if err := indexed.Documents().Collect(t.Context(), tenant, 1); err != nil {
			t.Fatal(err)
		}
		indexed.Exec(t, `UPDATE versions SET staged_at = 0`)
	}
	if n := counted(); n != 1201 {
		t.Errorf("%d vectors in the index after two were collected, want 1201", n)
	}
}

func TestVectorsOfManyDimensionsAreIndexedToo(t *testing.T) {
	url := testenv.Pgvector(t)
	db := open(t, store.Config{URL: url, Pgvector: true})
	for _, dim := range []int{2000, 2001, 4000} {
		p := document("wide", 3, dim)
		publish(t, db, []desk.Prepared{p})
		nearest, others, err := db.Documents().Vectors(tenant, "m").Nearest(t.Context(), p.Vectors[1], 2, nil)
		if err != nil || len(nearest) != 2 || len(others) != 0 || nearest[0].Cosine < 0.9999 || nearest[1].Cosine > 0.9999 {
			t.Errorf("%d dimensions: nearest = %v, %v", dim, nearest, err)
		}
	}
	var indexes int
	err := behind(t, url).QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_indexes WHERE tablename = 'vector_index' AND indexdef LIKE '%USING hnsw%'`).Scan(&indexes)
	if err != nil || indexes != 3 {
		t.Errorf("%d HNSW indexes, %v, want one a number of dimensions", indexes, err)
	}
}

func TestAVectorOfZerosIsLeftToWords(t *testing.T) {
	db := open(t, store.Config{URL: testenv.Pgvector(t), Pgvector: true})
	p := document("a", 2, 3)
	p.Vectors = [][]float32{{0, 0, 0}, {1, 0, 0}}
	publish(t, db, []desk.Prepared{p})
	nearest, _, err := db.Documents().Vectors(tenant, "m").Nearest(t.Context(), []float32{1, 0, 0}, 10, nil)
	if err != nil || len(nearest) != 1 || nearest[0].Cosine != 1 {
		t.Errorf("nearest = %v, %v", nearest, err)
	}
}

func TestASearchThatTheDatabaseHoldsUpFindsByWords(t *testing.T) {
	noLeaks(t)
	url := testenv.Pgvector(t)
	db := open(t, store.Config{URL: url, Pgvector: true})
	publish(t, db, knowledgeBase(3, 2, 8))
	k := follow(db, "m")
	if err := k.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	q := retrieval.Query{Text: "text of doc-0001", Vector: vector(8, 0), K: 3}
	if found, err := k.View(tenant).Search(t.Context(), q); err != nil || len(found) != 3 || found[0].Vector == 0 {
		t.Fatalf("found %v, %v", found, err)
	}
	tx, err := behind(t, url).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `LOCK TABLE vector_index IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	found, err := k.View(tenant).Search(t.Context(), q)
	if !errors.Is(err, retrieval.ErrVectors) || len(found) != 3 || found[0].Vector != 0 {
		t.Errorf("while the index is locked: %v, %v", found, err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v, want about a second", took)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if found, err := k.View(tenant).Search(t.Context(), q); err != nil || len(found) != 3 || found[0].Vector == 0 {
		t.Errorf("afterwards: %v, %v", found, err)
	}
}
