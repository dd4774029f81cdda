// Package eval measures retrieval and routing on labelled questions: the same
// index and the same router that answer customers.
//
// The data is a folder with
//
//	retrieval/<set>/corpus.jsonl   {"id", "title", "text", "kb"?}
//	retrieval/<set>/queries.jsonl  {"id", "text", "kb"?, "specific"?}
//	retrieval/<set>/qrels.tsv      query-id, corpus-id, score, with a header
//	router.jsonl                   {"text", "label": simple or complex, "lang"}
//
// A query with a kb is searched for among the passages of that kb alone, every
// other one in the whole corpus.
package eval

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/retrieval"
)

// Router is what is measured on router.jsonl.
type Router interface {
	Decide(question string) desk.Route
}

// Config says what is measured.
type Config struct {
	Embedder llm.Embedder
	// Allowance pays for the embeddings. Nil: they are free and unrecorded.
	Allowance *llm.Allowance
	Retrieval retrieval.Config
	Router    Router
	// Progress, if set, is told in one line what is done and what is skipped.
	Progress func(line string)
}

// Report is what was measured. It marshals to the two sections "retrieval" and
// "router"; parts that the data does not have are missing from them.
type Report struct {
	Retrieval map[string]Retrieval `json:"retrieval"`
	Router    map[string]Routing   `json:"router"` // by language: en, zh
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

// Routing is the quality of the router in one language.
type Routing struct {
	MacroF1  float64 `json:"macro_f1"`
	Accuracy float64 `json:"accuracy"`

	Questions int `json:"-"`
}

// Run measures what dir has data for. It fails when dir is no folder, when ctx
// ends, when embedding fails, and on the first broken line, named as file:line.
func Run(ctx context.Context, dir string, cfg Config) (Report, error) {
	report := Report{Retrieval: map[string]Retrieval{}, Router: map[string]Routing{}}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	if cfg.Allowance == nil {
		cfg.Allowance = llm.NewAllowance(llm.Grant{Attempts: 1 << 30}, unrecorded{})
	}
	if _, err := os.ReadDir(dir); err != nil {
		return report, fmt.Errorf("eval: %w", err)
	}
	sets, err := os.ReadDir(filepath.Join(dir, "retrieval"))
	if errors.Is(err, fs.ErrNotExist) {
		cfg.Progress("retrieval: no such folder, skipped")
	} else if err != nil {
		return report, fmt.Errorf("eval: %w", err)
	}
	for _, entry := range sets {
		if !entry.IsDir() {
			continue
		}
		set, err := loadSet(filepath.Join(dir, "retrieval", entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			cfg.Progress(fmt.Sprintf("%s: %v, skipped", entry.Name(), err))
			continue
		}
		if err != nil {
			return report, fmt.Errorf("eval: %w", err)
		}
		cfg.Progress(fmt.Sprintf("%s: %d queries over %d passages", entry.Name(), len(set.queries), len(set.corpus)))
		if report.Retrieval[entry.Name()], err = cfg.retrieval(ctx, set); err != nil {
			return report, fmt.Errorf("eval: %s: %w", entry.Name(), err)
		}
	}
	questions, err := readLines[routed](filepath.Join(dir, "router.jsonl"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		cfg.Progress("router.jsonl: no such file, skipped")
	case err != nil:
		return report, fmt.Errorf("eval: %w", err)
	case cfg.Router != nil:
		cfg.Progress(fmt.Sprintf("router: %d questions", len(questions)))
		report.Router = routing(cfg.Router, questions)
	}
	return report, nil
}

// unrecorded is the ledger of embeddings that nobody pays for.
type unrecorded struct{}

func (unrecorded) Begin(context.Context, desk.Attempt) error { return nil }
func (unrecorded) Note(desk.Attempt)                         {}
func (unrecorded) End(desk.Attempt)                          {}
