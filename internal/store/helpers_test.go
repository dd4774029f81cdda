package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/store"
	"kefu/internal/testenv"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	testenv.Main(m)
}

// engines open a fresh database each.
var engines = map[string]func(testing.TB) *store.DB{
	"sqlite":     func(t testing.TB) *store.DB { return open(t, store.Config{Dir: t.TempDir()}) },
	"postgresql": func(t testing.TB) *store.DB { return open(t, store.Config{URL: testenv.Postgres(t)}) },
}

// places are the databases that several processes can open.
var places = map[string]func(testing.TB) store.Config{
	"sqlite":     func(t testing.TB) store.Config { return store.Config{Dir: t.TempDir()} },
	"postgresql": func(t testing.TB) store.Config { return store.Config{URL: testenv.Postgres(t)} },
}

func open(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	cfg.Logger = quiet()
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// noLeaks fails the test when goroutines outlive it. It must be called before
// anything that the test closes in its clean-up.
func noLeaks(t *testing.T) {
	opt := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, opt) })
}

// document is a document of that many chunks, with vectors in the space "m"
// when dim is above 0.
func document(id string, chunks, dim int) desk.Prepared {
	p := desk.Prepared{Document: desk.Document{
		ID: desk.DocumentID(id), Source: "test", Path: id + ".md", Title: "Title of " + id, URL: "https://example.com/" + id,
		Lang: desk.English, Kind: desk.Page, Hash: fmt.Sprintf("hash-%s-%d-%d", id, chunks, dim), Bytes: 1000,
	}}
	for i := range chunks {
		p.Chunks = append(p.Chunks, desk.Chunk{
			ID: desk.ChunkID(fmt.Sprintf("%s#%d", id, i)), Document: p.Document.ID, Ordinal: i, Heading: "A › B",
			Text: fmt.Sprintf("Text %d of %s. 退货政策。", i, id), Lang: desk.English, Tokens: 10,
		})
		if dim > 0 {
			p.Model = "m"
			p.Vectors = append(p.Vectors, vector(dim, i))
		}
	}
	return p
}

func vector(dim, seed int) []float32 {
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32((i*31+seed*17)%97) / 97
	}
	return v
}

func knowledgeBase(documents, chunks, dim int) []desk.Prepared {
	all := make([]desk.Prepared, documents)
	for i := range all {
		all[i] = document(fmt.Sprintf("doc-%04d", i), chunks, dim)
	}
	return all
}

func attempt(id string) desk.Attempt {
	return desk.Attempt{
		ID: desk.AttemptID("att_" + id), Answer: desk.AnswerID("ans_" + id), Tenant: desk.DefaultTenant, Number: 1,
		Provider: "openai", Model: "gpt", Purpose: desk.PurposeAnswer,
		Started: time.UnixMilli(time.Now().UnixMilli()).UTC(), Worst: 900, Priced: true, PromptLength: 2000,
	}
}

func ended(a desk.Attempt) desk.Attempt {
	a.Latency = 50 * time.Millisecond
	a.Usage = desk.Usage{Prompt: 500, Completion: 40, Cached: 100, CacheWrite: 3, Reasoning: 7}
	a.Cost = 410
	a.ResponseLength = 160
	return a
}

// publishAll stages documents and publishes them, and removes others.
func publishAll(ctx context.Context, db *store.DB, tenant desk.TenantID, put []desk.Prepared, remove ...desk.DocumentID) (desk.Release, error) {
	if err := db.Documents().Stage(ctx, tenant, put); err != nil {
		return desk.Release{}, err
	}
	change := desk.Change{Kind: desk.ReleaseLoad, Source: "test", Author: "tester", Remove: remove}
	for _, p := range put {
		change.Put = append(change.Put, desk.Version{Document: p.Document.ID, Hash: p.Document.Hash})
	}
	return db.Documents().Publish(ctx, tenant, change)
}

// record is a question and an answer with all that is kept of them.
func record(id string) (desk.Question, desk.Answer) {
	q := desk.Question{
		ID: desk.AnswerID("ans_" + id), Scope: desk.Scope{Tenant: desk.DefaultTenant, Key: "key", User: "user"},
		Text: "How long do I have to return it? 退货多久？", Lang: desk.English, Conversation: "con_1",
		Asked: time.UnixMilli(1_790_000_000_123).UTC(),
	}
	a := desk.Answer{
		ID: q.ID, Text: "You have 30 days [1].", Lang: desk.English, Conversation: "con_1",
		Citations: []desk.Citation{{
			Index: 1, Document: "returns", Chunk: "returns#0", Title: "Returns", URL: "https://example.com/returns",
			Quote: "within 30 days", Score: 0.83,
		}},
		Route:   desk.Route{Kind: desk.Complex, Reason: "clauses", Confidence: 0.8},
		Outcome: desk.Answered, Model: "gpt", Provider: "openai", Usage: desk.Usage{Prompt: 500, Completion: 23, Cached: 100},
		Cost: 410, Grounded: true, Handoff: &desk.Handoff{Reason: desk.HandoffRequested, Contact: desk.Contact{Email: "help@example.com"}},
		Basis:   desk.Basis{Revision: 7, Sources: []desk.BasisSource{{Document: "returns", Chunk: "returns#0", Hash: "h"}}},
		TraceID: "0af7651916cd43dd8448eb211c80319c", Latency: 812 * time.Millisecond,
		Trace: &desk.Trace{
			Revision: 7, Cache: "miss", Routes: []desk.Route{{Kind: desk.Complex, Reason: "clauses", Confidence: 0.8}},
			Passages: []desk.TracedPassage{{Index: 1, Document: "returns", Chunk: "returns#0", Score: 0.83, Vector: 0.7, Lexical: 4, Cited: true}},
			Attempts: []desk.Attempt{ended(attempt(id))},
			Grounds:  []desk.Ground{{Sentence: 0, Supported: true, Source: 1, Coverage: 1, Reason: "covered"}},
			Stages:   []desk.Stage{{Name: "search", Duration: 3 * time.Millisecond}},
		},
	}
	return q, a
}
