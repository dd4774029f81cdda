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

	days := 45
	site.Promptly("the new answer after an edit", freshHere, func() time.Duration {
		defer func() { days++ }()
		edit(site, "30 days", fmt.Sprint(days, " days"))
		start := time.Now()
		site.Must("kb", "load", "docs")
		if a := server.Ask(simpleEN); a.CacheHit || !strings.Contains(a.Answer, fmt.Sprint(days, " days")) {
			t.Errorf("after the edit: %+v, want %d days", a, days)
		}
		return time.Since(start)
	})
	edited := releases(t, site)[0]
	site.Promptly("the old answer after a rollback", rolledBack, func() time.Duration {
		site.Must("kb", "rollback", fmt.Sprint(edited.Revision))
		start := time.Now()
		site.Must("kb", "rollback", fmt.Sprint(before.Revision))
		if a := server.Ask(simpleEN); !strings.Contains(a.Answer, "30 days") {
			t.Errorf("after the rollback: %+v, want 30 days", a)
		}
		return time.Since(start)
	})

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
