package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/retrieval"
	"kefu/internal/store"
	"kefu/internal/testenv"
)

// indexes open a fresh database each, with what searches its vectors. Of so few
// PostgreSQL would rather compare each; where it may not sort, its HNSW index
// has to find them.
var indexes = map[string]func(testing.TB) *store.DB{
	"memory":   func(t testing.TB) *store.DB { return open(t, store.Config{URL: testenv.Postgres(t)}) },
	"pgvector": func(t testing.TB) *store.DB { return open(t, store.Config{URL: testenv.Pgvector(t), Pgvector: true}) },
	"pgvector by HNSW": func(t testing.TB) *store.DB {
		return open(t, store.Config{URL: testenv.Pgvector(t) + "&enable_sort=off", Pgvector: true})
	},
}

func withIndexes(t *testing.T, test func(w *world)) {
	for name, open := range indexes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			test(&world{T: t, db: db, k: follow(db, "m"), r: rand.New(rand.NewPCG(5, 6)), says: map[desk.TenantID]map[desk.DocumentID]desk.Prepared{}})
		})
	}
}

func follow(db *store.DB, model string) *knowledge.Knowledge {
	return knowledge.New(db.Documents(), model, retrieval.DefaultConfig(), knowledge.WithLogger(quiet()))
}

// world is a database, a replica that follows it, and what both should know.
type world struct {
	*testing.T
	db   *store.DB
	k    *knowledge.Knowledge
	r    *rand.Rand
	says map[desk.TenantID]map[desk.DocumentID]desk.Prepared
}

const chunksEach = 5

// write publishes a version of that many documents of a tenant, whose vectors
// lie in clusters as those of texts do.
func (w *world) write(tenant desk.TenantID, version string, documents, dim int) desk.Revision {
	w.Helper()
	var put []desk.Prepared
	for i := range documents {
		p := document(fmt.Sprintf("%s-%04d", tenant, i), chunksEach, dim)
		p.Document.Hash = fmt.Sprintf("%s of %d", version, dim)
		p.Document.Title = "" // passages under one title speak for each other
		for n := range p.Chunks {
			p.Chunks[n].Text = fmt.Sprintf("%s of chunk %d of %s", version, n, p.Document.ID)
			p.Vectors[n] = w.near(i%40, dim)
		}
		put = append(put, p)
		if w.says[tenant] == nil {
			w.says[tenant] = map[desk.DocumentID]desk.Prepared{}
		}
		w.says[tenant][p.Document.ID] = p
	}
	r, err := publishAll(w.Context(), w.db, tenant, put)
	if err != nil {
		w.Fatal(err)
	}
	return r.Revision
}

// near is a vector in the neighbourhood of a cluster's middle.
func (w *world) near(cluster, dim int) []float32 {
	middle := rand.New(rand.NewPCG(uint64(cluster), 7))
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32(middle.NormFloat64() + 0.5*w.r.NormFloat64())
	}
	return v
}

func (w *world) view(tenant desk.TenantID) *knowledge.View {
	w.Helper()
	if err := w.k.CatchUp(w.Context()); err != nil {
		w.Fatal(err)
	}
	return w.k.View(tenant)
}

// search finds by vector alone.
// search asks again where the machine was too slow for the second that a search
// has: then words alone would have served, and this is about vectors.
func (w *world) search(v *knowledge.View, vector []float32, n int) []desk.Passage {
	w.Helper()
	for left := 5; ; left-- {
		found, err := v.Search(w.Context(), retrieval.Query{Vector: vector, K: n})
		switch {
		case err == nil:
			return found
		case left == 0 || !errors.Is(err, context.DeadlineExceeded):
			w.Fatal(err)
		}
	}
}

// check compares what is found around every cluster with what is there: at
// least 95 of 100 of the ten nearest, each as similar as it is.
func (w *world) check(v *knowledge.View, tenant desk.TenantID, dim int) {
	w.Helper()
	found, wanted := 0, 0
	for cluster := range 40 {
		vector := w.near(cluster, dim)
		exact := map[desk.ChunkID]float64{}
		var best []float64
		for _, p := range w.says[tenant] {
			for n, c := range p.Chunks {
				if len(p.Vectors[n]) != dim {
					continue
				}
				exact[c.ID] = cosine(vector, p.Vectors[n])
				if exact[c.ID] > 0 { // what points the other way is not found
					best = append(best, exact[c.ID])
				}
			}
		}
		slices.Sort(best)
		for _, p := range w.search(v, vector, 10) {
			similarity, there := exact[p.ID]
			if said := w.says[tenant][p.Document]; !there || said.Document.Hash != p.Hash || said.Chunks[p.Ordinal].Text != p.Text {
				w.Fatalf("%s found %q of %s, which it does not say", tenant, p.Text, p.Hash)
			}
			if math.Abs(p.Vector-similarity) > 1e-4 {
				w.Errorf("%s: similarity %v, want %v", p.ID, p.Vector, similarity)
			}
			if similarity >= best[max(0, len(best)-10)]-1e-6 {
				found++
			}
		}
		wanted += min(10, len(best))
	}
	if recall := float64(found) / float64(wanted); recall < 0.95 {
		w.Errorf("%s: recall %.3f of %d, want 0.95", tenant, recall, wanted)
	}
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

func TestEveryIndexFindsTheNearestOfItsTenantAlone(t *testing.T) {
	withIndexes(t, func(w *world) {
		if _, err := w.db.Tenants().Create(w.Context(), me, desk.Tenant{ID: "small"}); err != nil {
			w.Fatal(err)
		}
		w.write(tenant, "first", 200, 32)
		w.write("small", "first", 3, 32)
		w.check(w.view(tenant), tenant, 32)
		w.check(w.view("small"), "small", 32)
		if found := w.search(w.view("small"), w.near(39, 32), 50); len(found) > 3*chunksEach {
			w.Errorf("%d passages found in a knowledge base of %d", len(found), 3*chunksEach)
		}
		if found := w.search(w.view("nobody"), w.near(1, 32), 10); len(found) != 0 {
			w.Errorf("an unknown tenant found %d passages", len(found))
		}
	})
}

func TestEveryIndexAnswersFromOneRelease(t *testing.T) {
	withIndexes(t, func(w *world) {
		first := w.write(tenant, "first", 80, 16)
		before, said := w.view(tenant), w.says[tenant]
		var last desk.Revision
		var published time.Duration
		for _, version := range []string{"second", "third", "fourth"} {
			w.says[tenant] = map[desk.DocumentID]desk.Prepared{}
			start := time.Now()
			last = w.write(tenant, version, 80, 16)
			published = time.Since(start)
			w.check(w.view(tenant), tenant, 16)
		}
		w.says[tenant] = said
		w.check(before, tenant, 16) // who began with it ends with it

		rollBack(w.T, w.db, first, last, max(time.Second, published)) // a second, but on a machine that is slow itself
		w.check(w.view(tenant), tenant, 16)

		var gone []desk.DocumentID
		for id := range said {
			if id > desk.DocumentID(tenant)+"-0039" {
				gone = append(gone, id)
				delete(said, id)
			}
		}
		publish(w.T, w.db, nil, gone...)
		w.check(w.view(tenant), tenant, 16)
	})
}

func TestNoIndexMixesModelsOrDimensions(t *testing.T) {
	withIndexes(t, func(w *world) {
		w.write(tenant, "first", 60, 16)
		view := w.view(tenant)
		if found := w.search(view, w.near(1, 24), 10); len(found) != 0 {
			w.Errorf("vectors of 16 dimensions were compared with one of 24: %d found", len(found))
		}
		for _, model := range []string{"m", "it's another"} {
			w.embed(model, 24)
			w.k = follow(w.db, model)
			view = w.view(tenant)
			w.check(view, tenant, 24)
			if found := w.search(view, w.near(1, 16), 10); len(found) != 0 {
				w.Errorf("%s: vectors of 24 dimensions were compared with one of 16: %d found", model, len(found))
			}
		}
	})
}

// embed gives all chunks vectors of a model.
func (w *world) embed(model string, dim int) {
	w.Helper()
	var chunks []desk.Chunk
	var vectors [][]float32
	for id, p := range w.says[tenant] {
		p.Vectors = nil
		for range p.Chunks {
			p.Vectors = append(p.Vectors, w.near(w.r.IntN(40), dim))
		}
		chunks, vectors = append(chunks, p.Chunks...), append(vectors, p.Vectors...)
		w.says[tenant][id] = p
	}
	if err := w.db.Documents().PutVectors(w.Context(), tenant, model, chunks, vectors); err != nil {
		w.Fatal(err)
	}
}
