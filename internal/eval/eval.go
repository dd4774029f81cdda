// Package eval measures retrieval, routing, masking, the guard and extraction on
// labelled texts and files: the same index, router, masker, guard and reader
// that the product has.
//
// The data is a folder with
//
//	retrieval/<set>/corpus.jsonl   {"id", "title", "text", "kb"?}
//	retrieval/<set>/queries.jsonl  {"id", "text", "kb"?, "specific"?, "answers"?: [string]}
//	retrieval/<set>/qrels.tsv      query-id, corpus-id, score, with a header
//	router.jsonl                   {"text", "label": simple or complex, "lang"}
//	safety/pii.jsonl               {"text", "label": 0 or 1, "spans": [[start, end, type]]}
//	safety/secrets.jsonl           {"text_b64", "label": 0 or 1}
//	safety/injection.jsonl         {"text", "label": 0 or 1, "category", "lang", "source"}
//	documents/index.json           [{"path", "must_contain": [string]}]
//
// A query with a kb is searched for among the passages of that kb alone, every
// other one in the whole corpus.
package eval

import (
	"context"
	"fmt"
	"os"

	"kefu/internal/desk"
	"kefu/internal/guard"
	"kefu/internal/llm"
	"kefu/internal/mask"
	"kefu/internal/retrieval"
	"kefu/internal/route"
)

// Config says what is measured.
type Config struct {
	Embedder llm.Embedder
	// Allowance pays for the embeddings. Nil: they are free and unrecorded.
	Allowance *llm.Allowance
	Retrieval retrieval.Config
	// Router, if set, is measured; Train makes such a router from examples, for
	// the questions that Router was trained on itself.
	Router Router
	Train  func([]route.Example) Router
	// Quoter answers by quoting, to measure what shortened sources lose. Nil:
	// that is not measured.
	Quoter llm.Provider
	Masker *mask.Masker // nil: masking is not measured
	Guard  *guard.Guard // nil: the guard is not measured
	// Abstain is the setting that is measured: from 0, which answers all, to 1.
	Abstain float64
	Reader  Reader // nil: documents are not measured
	// Sample is the folder of the sample knowledge base, which this project's
	// own support questions are asked of; empty: they are not.
	Sample string
	// Broken is a folder of broken and hostile files with an index.json, beside
	// the data because it is made and not kept; empty: none.
	Broken string
	// Progress, if set, is told in one line what is done and what is skipped.
	Progress func(line string)
}

// Report is what was measured: a section each, empty where there is no data.
type Report struct {
	Retrieval map[string]Retrieval `json:"retrieval"`
	// Compression is by retrieval set.
	Compression map[string]Compression `json:"compression,omitempty"`
	Router      map[string]Routing     `json:"router"` // by language: en, zh; support: this project's own questions
	Privacy     *Privacy               `json:"pii,omitempty"`
	Secrets     *Secrets               `json:"secrets,omitempty"`
	Injection   *Injection             `json:"injection,omitempty"`
	Pairs       map[string]Pairs       `json:"pairs,omitempty"`  // by language
	Claims      map[string]Claims      `json:"claims,omitempty"` // by language
	Documents   *Documents             `json:"documents,omitempty"`
	// Unanswerable is by retrieval set.
	Unanswerable map[string]Unanswerable `json:"unanswerable,omitempty"`
}

// Retrieval is the quality of search on one set.
type Retrieval struct {
	Scores
	Queries int `json:"queries"`
	// P50 and P99 are milliseconds for one search, without the embedding.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`

	Chunks   int          `json:"-"`
	Plain    Scores       `json:"-"` // textbook BM25: no fields, stop words or vectors
	Lexical  Scores       `json:"-"` // the index without vectors
	Specific *Specialised `json:"-"` // queries marked as specific; nil without any
}

// Specialised is the quality on a part of the queries.
type Specialised struct {
	Queries                int
	Plain, Lexical, Hybrid Scores
}

// Scores are means over queries, each in [0,1].
type Scores struct {
	NDCG10  float64 `json:"ndcg10"`
	Recall3 float64 `json:"recall3"`
	MRR10   float64 `json:"mrr10"`
}

// Run measures what dir has data for. It fails when dir is no folder, when ctx
// ends, when embedding fails, and on the first broken line, named as file:line.
func Run(ctx context.Context, dir string, cfg Config) (Report, error) {
	report := Report{Retrieval: map[string]Retrieval{}, Router: map[string]Routing{}}
	cfg = cfg.ready()
	if _, err := os.ReadDir(dir); err != nil {
		return report, fmt.Errorf("eval: %w", err)
	}
	for _, part := range sections() {
		if err := part.measure(ctx, cfg, dir, &report); err != nil {
			return report, fmt.Errorf("eval: %w", err)
		}
	}
	return report, nil
}

// ready fills in what may be left out.
func (c Config) ready() Config {
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.Allowance == nil {
		c.Allowance = llm.NewAllowance(llm.Grant{Attempts: 1 << 30}, unrecorded{})
	}
	return c
}

// unrecorded is the ledger of embeddings that nobody pays for.
type unrecorded struct{}

func (unrecorded) Begin(context.Context, desk.Attempt) error { return nil }
func (unrecorded) Note(desk.Attempt)                         {}
func (unrecorded) End(desk.Attempt)                          {}
