package eval_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kefu/internal/abstain"
	"kefu/internal/desk"
	"kefu/internal/eval"
	"kefu/internal/llm"
	"kefu/internal/llm/offline"
	"kefu/internal/retrieval"
	"kefu/internal/route"
)

// files is a small folder in the layout that Run reads.
var files = map[string]string{
	"retrieval/shop/corpus.jsonl": `{"id":"c1","title":"Returns","text":"You may return items within 30 days.","lang":"en"}
{"id":"c2","title":"Shipping","text":"Parcels take three days.","lang":"en"}
{"id":"c3","title":"退货","text":"三十天内可以退货。","lang":"zh"}

{"id":"c4","title":"","text":"Return labels are printed at home.","lang":"en"}`,
	"retrieval/shop/queries.jsonl": `{"id":"q1","text":"how long do parcels take","lang":"en","specific":true}
{"id":"q2","text":"几天内可以退货","lang":"zh"}
{"id":"q3","text":"nobody judged this","lang":"en"}`,
	"retrieval/shop/qrels.tsv":     "query-id\tcorpus-id\tscore\nq1\tc2\t1\nq1\tc1\t0\nq2\tc3\t1\r\n",
	"retrieval/bots/corpus.jsonl":  `{"id":"a1","title":"","text":"refund the fee","kb":"a"}` + "\n" + `{"id":"b1","title":"","text":"refund the fee please","kb":"b"}`,
	"retrieval/bots/queries.jsonl": `{"id":"q1","text":"refund fee","kb":"b"}`,
	"retrieval/bots/qrels.tsv":     "query-id\tcorpus-id\tscore\nq1\tb1\t1\n",
	"router.jsonl": `{"text":"one","label":"simple","lang":"en"}
{"text":"two","label":"complex","lang":"en"}
{"text":"three?","label":"complex","lang":"en"}
{"text":"四?","label":"complex","lang":"zh-Hant"}`,
	"pairs.jsonl": `{"a":"How do I cancel my order?","b":"How can I cancel an order?","same":true,"lang":"en"}
{"a":"How do I cancel my order?","b":"Where is my parcel?","same":true,"lang":"en"}
{"a":"怎么退货","b":"怎么换货","same":false,"lang":"zh-Hant"}`,
	"unanswerable.jsonl": `{"text":"best telescope for distant planets","kb":"shop","kind":"oos"}
{"text":"best telescope for distant planets","kb":"bots:a","kind":"oos"}`,
}

// folder writes files, changed and added to as given; an empty text leaves a file out.
func folder(t *testing.T, changed map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := maps.Clone(files)
	maps.Copy(all, changed)
	for name, text := range all {
		if text == "" {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// asking calls a question complex when it has a question mark.
type asking struct{}

func (asking) Decide(question string) desk.Route {
	if strings.Contains(question, "?") {
		return desk.Route{Kind: desk.Complex}
	}
	return desk.Route{Kind: desk.Simple}
}

// Knows says yes to the one question that it learned by heart.
func (asking) Knows(question string) bool { return question == "two" }

// trained is what a router would have learned from examples.
func trained(examples []route.Example) eval.Router {
	for _, e := range examples {
		if e.Text == "two" {
			return asking{}
		}
	}
	return never{}
}

// never calls a question complex.
type never struct{ asking }

func (never) Decide(string) desk.Route { return desk.Route{Kind: desk.Simple} }

func config() eval.Config {
	return eval.Config{Embedder: offline.NewEmbedder(), Retrieval: retrieval.DefaultConfig(), Router: asking{}, Train: trained, Abstain: abstain.Default}
}

func TestRunMeasuresRetrievalAndRouting(t *testing.T) {
	report, err := eval.Run(t.Context(), folder(t, nil), config())
	if err != nil {
		t.Fatal(err)
	}
	perfect := eval.Scores{NDCG10: 1, Recall3: 1, MRR10: 1}
	shop := report.Retrieval["shop"]
	if shop.Scores != perfect || shop.Queries != 2 || shop.Chunks != 4 {
		t.Errorf("shop = %+v, want perfect scores of 2 queries over 4 chunks", shop)
	}
	if shop.Specific == nil || shop.Specific.Queries != 1 {
		t.Errorf("specific = %+v, want 1 query", shop.Specific)
	}
	if bots := report.Retrieval["bots"]; bots.Scores != perfect {
		t.Errorf("bots = %+v: a query with a kb must be searched for in that kb alone", bots.Scores)
	}
	en, zh := report.Router["en"], report.Router["zh"]
	// simple: precision 1/2, recall 1; complex: precision 1, recall 1/2.
	if math.Abs(en.MacroF1-0.6667) > 1e-9 || math.Abs(en.Accuracy-0.6667) > 1e-9 {
		t.Errorf("en = %+v, want 0.6667 twice", en)
	}
	if zh.Accuracy != 1 {
		t.Errorf("zh = %+v, want accuracy 1: Traditional Chinese is Chinese", zh)
	}
	if p := report.Pairs["en"]; p.HitRate != 0.5 || p.FalseHitRate != 0 || p.Same != 2 {
		t.Errorf("pairs in English = %+v, want one hit of two", p)
	}
	if p := report.Pairs["zh"]; p.FalseHitRate != 0 || p.Different != 1 {
		t.Errorf("pairs in Chinese = %+v, want no false hit of one", p)
	}
	for _, set := range []string{"shop", "bots"} {
		if u := report.Unanswerable[set]; u.Answered != 1 || u.Refused["oos"] != 1 {
			t.Errorf("%s: %+v, want every question answered that has an answer, and no other", set, u)
		}
	}
}

func TestReportMarshalsToTheAgreedShape(t *testing.T) {
	report := eval.Report{
		Retrieval: map[string]eval.Retrieval{"shop": {Scores: eval.Scores{NDCG10: 0.5, Recall3: 0.25, MRR10: 0.75}, Queries: 2, P50: 0.1, P99: 0.2, Chunks: 9}},
		Router:    map[string]eval.Routing{"en": {MacroF1: 0.7, Accuracy: 0.8, Questions: 3}},
	}
	got, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"retrieval":{"shop":{"ndcg10":0.5,"recall3":0.25,"mrr10":0.75,"queries":2,"p50_ms":0.1,"p99_ms":0.2}},"router":{"en":{"macro_f1":0.7,"accuracy":0.8}}}`
	if string(got) != want {
		t.Errorf("report = %s, want %s", got, want)
	}
}

func TestTableNamesEverySet(t *testing.T) {
	report, err := eval.Run(t.Context(), folder(t, nil), config())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.Table(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"shop", "shop (specific)", "bots", "router", "zh", "hybrid", "plain"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("table lacks %q:\n%s", want, b.String())
		}
	}
}

func TestMissingPartsAreSkippedAloud(t *testing.T) {
	tests := []struct {
		name    string
		without []string
		want    string
	}{
		{"no router data", []string{"router.jsonl"}, "router.jsonl: no such file, skipped"},
		{"no queries in a set", []string{"retrieval/bots/queries.jsonl"}, "bots: "},
		{"no judgements in a set", []string{"retrieval/bots/qrels.tsv"}, "bots: "},
		{"no retrieval at all", []string{
			"retrieval/bots/queries.jsonl", "retrieval/bots/qrels.tsv", "retrieval/bots/corpus.jsonl",
			"retrieval/shop/queries.jsonl", "retrieval/shop/qrels.tsv", "retrieval/shop/corpus.jsonl",
		}, "retrieval: no such folder, skipped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			without := map[string]string{}
			for _, name := range tt.without {
				without[name] = ""
			}
			var lines []string
			cfg := config()
			cfg.Progress = func(line string) { lines = append(lines, line) }
			if _, err := eval.Run(t.Context(), folder(t, without), cfg); err != nil {
				t.Fatal(err)
			}
			said := strings.Join(lines, "\n")
			if !strings.Contains(said, tt.want) || !strings.Contains(said, "skipped") {
				t.Errorf("said %q, want %q", said, tt.want)
			}
		})
	}
}

func TestABrokenLineIsAnErrorWithItsPlace(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"broken JSON", "retrieval/shop/corpus.jsonl", "{\"id\":\"a\",\"text\":\"b\"}\n\n{", "corpus.jsonl:3: "},
		{"no id", "retrieval/shop/queries.jsonl", `{"text":"b"}`, "queries.jsonl:1: id is missing"},
		{"two fields", "retrieval/shop/qrels.tsv", "h\nq1\tc1", "qrels.tsv:2: 2 fields"},
		{"a score in letters", "retrieval/shop/qrels.tsv", "h\nq1\tc1\tyes", "qrels.tsv:2: score"},
		{"an unknown label", "router.jsonl", `{"text":"a","label":"hard","lang":"en"}`, "router.jsonl:1: label"},
		{"an id twice", "retrieval/shop/corpus.jsonl", strings.Repeat("{\"id\":\"a\",\"text\":\"b\"}\n", 2), "taken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := eval.Run(t.Context(), folder(t, map[string]string{tt.file: tt.text}), config())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := eval.Run(t.Context(), filepath.Join(t.TempDir(), "none"), config()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: %v, want os.ErrNotExist", err)
	}
}

// failing is an embedder that is down.
type failing struct{}

func (failing) Model() string { return "failing" }
func (failing) Embed(context.Context, llm.EmbedCall) (llm.Embeddings, error) {
	return llm.Embeddings{}, &llm.Failure{Kind: llm.Unreachable}
}

func TestAFailingEmbedderStopsTheRun(t *testing.T) {
	cfg := config()
	cfg.Embedder = failing{}
	if _, err := eval.Run(t.Context(), folder(t, nil), cfg); llm.KindOf(err) != llm.Unreachable {
		t.Errorf("err = %v, want unreachable", err)
	}
}
