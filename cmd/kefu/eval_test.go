package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

const ownQuestions = `{"question":"How many days after delivery can I return an item?","document":"docs/returns.md","answer":"30 days"}
{"question":"签收后几天内可以申请退货？","document":"zh/returns.md","answer":"30天"}
{"question":"How long is the warranty of the Borealis tablet?","document":"Warranty","text":"12 months"}
{"question":"Do you repair mechanical typewriters?","answer":null}
`

// ownFigures is what the tests look at of a report.
type ownFigures struct {
	Right     float64
	Retrieval struct {
		Hit []float64 `json:"hit_at"`
	}
	Abstention struct{ Answered, Refused float64 }
	Cache      struct {
		HitRate float64 `json:"hit_rate"`
	}
	Cost struct {
		Total float64 `json:"total_usd"`
	}
	Results []struct{ Question, Provider, Verdict string }
}

func ownReport(t *testing.T, site *e2e.Site, name string) (r ownFigures) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(site.Dir, name))
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnOperatorMeasuresAndComparesOnTheirOwnQuestions(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := newShop(t)
	site.Write("own/questions.jsonl", ownQuestions)
	printed := site.Must("eval", "--set", "own", "--out", "offline.json", "--html", "offline.html")
	holds(t, "stdout", printed, "hit@5", "precision", "refused, of those without", "hits when asked again", "a question")
	r := ownReport(t, site, "offline.json")
	if r.Right != 1 || r.Retrieval.Hit[9] != 1 || r.Abstention.Refused != 1 || r.Cache.HitRate != 1 || r.Cost.Total != 0 {
		t.Errorf("the report is %+v, want four right ones that cost nothing", r)
	}

	with := site.With(vendor.Env()...)
	with.Must("kb", "load", "docs")
	with.Must("eval", "--set", "own/questions.jsonl", "--provider", "openai", "--out", "openai.json")
	r = ownReport(t, site, "openai.json")
	if r.Cost.Total == 0 || r.Results[0].Provider != "openai" || vendor.Calls("/chat/completions") == 0 {
		t.Errorf("with a provider: %+v after %d calls", r, vendor.Calls("/chat/completions"))
	}

	site.Must("eval", "--compare", "offline.json", "openai.json", "--html", "difference.html")
	for _, name := range []string{"offline.html", "difference.html"} {
		html, err := os.ReadFile(filepath.Join(site.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		holds(t, name, string(html), "<svg", "检索", "retrieval")
	}
	site.Write("strict.yaml", "answer: {abstain: 1}\n")
	site.Write("plain.yaml", "answer: {abstain: 0.5}\n")
	holds(t, "two configurations", site.Must("eval", "--set", "own", "--compare", "plain.yaml", "strict.yaml"), "worse: How many days", "did not know")
}

func TestAnEvaluationLeavesNoTraceButItsCost(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Write("own.jsonl", ownQuestions)
	site.Must("eval", "--set", "own.jsonl")
	var answers int
	if err := site.DB().QueryRow("SELECT count(*) FROM answers").Scan(&answers); err != nil || answers != 0 {
		t.Errorf("%d answers are recorded (%v), want none: no customer asked", answers, err)
	}
}

func TestAMistakeInASetIsNamedBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Write("own.jsonl", ownQuestions+`{"question":"a","document":"gone.md"}`+"\n")
	site.Write("other.json", "{}")
	for _, tt := range []struct {
		want string
		args []string
	}{
		{`own.jsonl:5: the knowledge base has no document "gone.md"`, []string{"--set", "own.jsonl"}},
		{"other.json is no report", []string{"--compare", "other.json", "other.json"}},
		{"accepts 2 arg(s)", []string{"--compare", "other.json"}},
		{"--dir goes with neither", []string{"--dir", ".", "--set", "own.jsonl"}},
		{"go with --set", []string{"--dir", ".", "--provider", "openai"}},
		{"is needed", nil},
		{"unknown provider", []string{"--set", "own.jsonl", "--provider", "nobody"}},
	} {
		r := site.Run(append([]string{"eval"}, tt.args...)...)
		if r.Code != 2 || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("%v: exit status %d, %s; want 2 and %q", tt.args, r.Code, r.Stderr, tt.want)
		}
	}
}
