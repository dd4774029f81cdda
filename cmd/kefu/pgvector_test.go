package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"kefu/internal/testenv"
)

func TestVectorsInPostgreSQLAnswerAsThoseInMemory(t *testing.T) {
	site := newShop(t, "DATABASE_URL="+testenv.Pgvector(t), "KEFU_RETRIEVAL_VECTOR_INDEX=pgvector")
	server := site.Serve()
	before := releases(t, site)[0]
	for question, want := range map[string]string{simpleEN: "30 days", complexEN: "24 months", simpleZH: "30天", complexZH: "9.95欧元"} {
		if a := server.Ask(question); !a.Grounded || !strings.Contains(a.Answer, want) {
			t.Errorf("%s: %+v, want %s", question, a, want)
		}
		sameHits(t, question, site.Must("kb", "search", "--json", question), site.With("KEFU_RETRIEVAL_VECTOR_INDEX=memory").Must("kb", "search", "--json", question))
	}

	edit(site, "30 days", "45 days")
	start := time.Now()
	site.Must("kb", "load", "docs")
	a, took := server.Ask(simpleEN), time.Since(start)
	if a.CacheHit || !strings.Contains(a.Answer, "45 days") || took > freshHere+raceSlack {
		t.Errorf("after the edit, in %v: %+v, want 45 days within %v", took, a, freshHere)
	}
	start = time.Now()
	site.Must("kb", "rollback", fmt.Sprint(before.Revision))
	a, took = server.Ask(simpleEN), time.Since(start)
	if !strings.Contains(a.Answer, "30 days") || took > time.Second+raceSlack {
		t.Errorf("after the rollback, in %v: %+v, want 30 days within a second", took, a)
	}

	db := site.DB()
	defer db.Close()
	if _, err := db.Exec(`DROP TABLE vector_index`); err != nil {
		t.Fatal(err)
	}
	const other = "Which of the two is longer, the warranty of the Aurora lamp or that of the Borealis tablet?"
	for range 2 {
		if a := server.Ask(other); !a.Grounded || a.CacheHit || !strings.Contains(a.Answer, "24 months") {
			t.Errorf("without the index: %+v, want an answer found by words, not kept", a)
		}
	}
	_, metrics := server.Get("/metrics")
	if n := sample(metrics, `kefu_retrieval_by_words_total{lost="vectors"}`); n != 2 {
		t.Errorf("%v searches by words alone counted, want 2", n)
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}

// sameHits compares what two searches found.
func sameHits(t *testing.T, question, got, want string) {
	t.Helper()
	type hit struct {
		Chunk         string `json:"id"`
		Score, Vector float64
	}
	var a, b []hit
	for text, hits := range map[string]*[]hit{got: &a, want: &b} {
		if err := json.Unmarshal([]byte(text), hits); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	if len(a) != len(b) || len(a) == 0 || a[0].Vector == 0 || a[0].Chunk == "" {
		t.Fatalf("%s: found %+v, want %+v", question, a, b)
	}
	for i := range a {
		if a[i].Chunk != b[i].Chunk || math.Abs(a[i].Score-b[i].Score) > 1e-4 || math.Abs(a[i].Vector-b[i].Vector) > 1e-4 {
			t.Errorf("%s: found %+v, want %+v", question, a[i], b[i])
		}
	}
}

func TestVectorsInPostgreSQLNeedIt(t *testing.T) {
	t.Parallel()
	r := newShop(t, "KEFU_RETRIEVAL_VECTOR_INDEX=pgvector").Run("serve")
	if r.Code != 2 {
		t.Errorf("exit status %d, want 2", r.Code)
	}
	holds(t, "stderr", r.Stderr, "retrieval.vector_index", "DATABASE_URL")
}
