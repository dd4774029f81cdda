package eval_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/eval"
)

// library is a knowledge base of three documents.
var library = []desk.Document{
	{ID: "doc_1", Path: "en/returns.md", Title: "Returns", URL: "https://help.example.com/returns"},
	{ID: "doc_2", Path: "zh/returns.md", Title: "退货"},
	{ID: "doc_3", Path: "en/plans.md", Title: "Plans"},
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOwnQuestionsNameTheirDocumentsAsPeopleDo(t *testing.T) {
	for _, name := range []string{"doc_1", "en/returns.md", "https://help.example.com/returns", "Returns"} {
		set, err := eval.ReadOwn(write(t, `{"question":"?","document":"`+name+`"}`), library)
		if err != nil || len(set[0].Documents) != 1 || set[0].Documents[0] != "doc_1" {
			t.Errorf("%s: %+v, %v, want doc_1", name, set, err)
		}
	}
}

func TestABadOwnQuestionIsNamedWithItsPlace(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"no JSON", `What?`, ":2: "},
		{"a misspelt field", `{"question":"a","documnet":"doc_1"}`, "documnet"},
		{"no question", `{"document":"doc_1"}`, "question is missing"},
		{"nothing expected", `{"question":"a"}`, "nothing is expected"},
		{"both ways", `{"question":"a","answer":null,"document":"doc_1"}`, "expects no document"},
		{"a number for an answer", `{"question":"a","answer":3}`, "answer must be the text"},
		{"an unknown document", `{"question":"a","document":"gone.md"}`, `no document "gone.md"`},
		{"a name of two documents", `{"question":"a","document":"returns.md"}`, "en/returns.md (doc_1) and zh/returns.md (doc_2)"},
		{"two objects", `{"question":"a","answer":null}{}`, "something after"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := eval.ReadOwn(write(t, "\n"+tt.line+"\n"), library)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "own.jsonl:2: ") {
				t.Errorf("error = %v, want one of line 2 with %q", err, tt.want)
			}
		})
	}
	if _, err := eval.ReadOwn(t.TempDir(), library); err == nil || !strings.Contains(err.Error(), "no .jsonl file") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := eval.ReadOwn(write(t, "\n"), library); err == nil || !strings.Contains(err.Error(), "no question") {
		t.Errorf("an empty file: %v", err)
	}
}

// told is a desk that says what it was told to; asked again, it has a cache.
type told struct {
	mu      sync.Mutex
	before  map[string]bool
	answers map[string]desk.Answer
	finds   map[string][]desk.Hit
}

func (d *told) Inspect(_ context.Context, _ desk.Scope, q string, _ int) (desk.Inspection, error) {
	return desk.Inspection{Hits: d.finds[q]}, nil
}

func (d *told) Answer(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.answers[ask.Text]
	if !ok {
		return a, &desk.Error{Kind: desk.OverBudget, Code: "over_budget"}
	}
	if d.before[ask.Text] {
		a.CacheTier = desk.TierMemory
	}
	d.before[ask.Text] = true
	return a, nil
}

func hit(doc desk.DocumentID, text string) desk.Hit {
	return desk.Hit{Passage: desk.Passage{Chunk: desk.Chunk{Document: doc, Text: text}}}
}

func citing(text string, docs ...desk.DocumentID) desk.Answer {
	a := desk.Answer{Text: desk.Masked(text), Outcome: desk.Answered, Cost: 100, Usage: desk.Usage{Prompt: 7, Completion: 3}, Route: desk.Route{Kind: desk.Simple}}
	for i, d := range docs {
		a.Citations = append(a.Citations, desk.Citation{Index: i + 1, Document: d})
	}
	return a
}

func newDesk() *told {
	unknown := desk.Answer{Outcome: desk.Abstained, Route: desk.Route{Kind: desk.Complex}}
	return &told{
		before: map[string]bool{},
		answers: map[string]desk.Answer{
			"cited": citing("within 30 days [1]", "doc_1", "doc_3"), "elsewhere": citing("30 days", "doc_3"), "text": citing("It is 30  DAYS.", "doc_1"),
			"wrong": citing("40 days", "doc_1"), "unknown": unknown, "horse": unknown, "invented": citing("a horse costs 3 euros", "doc_1"),
		},
		finds: map[string][]desk.Hit{
			"cited": {hit("doc_3", ""), hit("doc_3", ""), hit("doc_1", "")}, // the second document
			"text":  {hit("doc_1", "Return it within\n30 days."), hit("doc_1", "within 30 days")},
		},
	}
}

const ownSet = `{"question":"cited","documents":["doc_1"]}
{"question":"elsewhere","document":"doc_1"}
{"question":"text","text":"within 30 days","answer":"30 days"}
{"question":"wrong","answer":"30 days"}
{"question":"unknown","document":"Plans"}
{"question":"horse","answer":null}
{"question":"invented","unanswerable":true}
{"question":"broke","answer":"x"}
`

func measure(t *testing.T, d *told) eval.OwnReport {
	t.Helper()
	set, err := eval.ReadOwn(write(t, ownSet), library)
	if err != nil {
		t.Fatal(err)
	}
	r, err := eval.RunOwn(t.Context(), d, set, eval.OwnConfig{Name: "now", Concurrency: 3, Documents: library})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOwnQuestionsAreMarkedByWhatWasExpected(t *testing.T) {
	r := measure(t, newDesk())
	want := []eval.Verdict{
		eval.Right, eval.OtherSource, eval.Right, eval.OtherAnswer, eval.Refused, eval.Right, eval.ShouldRefuse, eval.Failed,
	}
	for i, m := range r.Results {
		if m.Verdict != want[i] {
			t.Errorf("%s: %s, want %s", m.Question, m.Verdict, want[i])
		}
	}
	if r.Right != 0.375 || r.Results[7].Error != "over_budget" {
		t.Errorf("right = %v, the failed one %+v; want 3 of 8, over_budget", r.Right, r.Results[7])
	}
	// Documents at places 2, none and none, a text at 1.
	if x := r.Retrieval; x.Questions != 4 || x.Hit[0] != 0.25 || x.Hit[1] != 0.5 || x.Hit[9] != 0.5 || x.MRR10 != 0.375 {
		t.Errorf("retrieval = %+v", x)
	}
	// One of two cited documents was expected, and none of one.
	if x := r.Citations; x.Questions != 2 || x.Precision != 0.25 || x.Recall != 0.5 {
		t.Errorf("citations = %+v", x)
	}
	if x := r.Abstention; *x.Answered != 0.8 || *x.Refused != 0.5 {
		t.Errorf("abstention = %v of the answerable answered, %v of the others refused", *x.Answered, *x.Refused)
	}
	if x := r.Cache; x.HitRate != 1 || x.First["none"] != 7 || x.Again["memory"] != 7 {
		t.Errorf("cache = %+v, want every second asking a hit", x)
	}
	if x := r.Cost; x.Total != 0.0005 || x.Tokens != 50 {
		t.Errorf("cost = %+v, want that of five answers and nothing for what was cached", x)
	}
}

func TestComparingNamesEveryQuestionThatWasNotTreatedAlike(t *testing.T) {
	before := measure(t, newDesk())
	d := newDesk()
	d.answers["cited"] = citing("30 days", "doc_3")
	d.answers["unknown"] = citing("two plans", "doc_3")
	d.answers["horse"] = desk.Answer{Outcome: desk.Abstained, Text: "I do not know that.", Route: desk.Route{Kind: desk.Complex}}
	d.finds["elsewhere"] = []desk.Hit{hit("doc_1", "")}
	after := measure(t, d)
	after.Results = append(after.Results, eval.Mark{Question: "new"})

	c := eval.Compare(before, after)
	got := map[string]eval.Change{}
	for _, x := range c.Differences {
		got[x.Question] = x.Change
	}
	want := map[string]eval.Change{"cited": eval.Worse, "unknown": eval.Better, "elsewhere": eval.Better, "horse": eval.Changed}
	for q, change := range want {
		if got[q] != change {
			t.Errorf("%s: %q, want %s", q, got[q], change)
		}
	}
	if len(got) != len(want) || c.Differences[0].Change != eval.Worse || len(c.OnlyB) != 1 || len(c.OnlyA) != 0 {
		t.Errorf("differences = %v, first %s, only in B %v", got, c.Differences[0].Change, c.OnlyB)
	}
	var table, html strings.Builder
	if err := c.Table(&table); err != nil {
		t.Fatal(err)
	}
	if err := c.Page().Write(&html); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"worse: cited", "hit@5", "only in now: new"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &table)
		}
	}
	if !strings.Contains(html.String(), "what differs") || !strings.Contains(html.String(), "two plans") {
		t.Error("the page lacks what differs")
	}
}
