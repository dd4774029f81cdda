package eval_test

import (
	"testing"

	"kefu/internal/eval"
)

func TestAQueryIsAskedAgainWithoutThePageThatAnswersIt(t *testing.T) {
	dir := folder(t, map[string]string{
		"retrieval/zh_drcd/corpus.jsonl": `{"id":"a1","title":"雅芳河","text":"雅芳河发源于科茨沃尔德。"}
{"id":"a2","title":"雅芳河","text":"雅芳河流经巴斯。"}
{"id":"b1","title":"泰晤士河","text":"泰晤士河流经伦敦。"}`,
		"retrieval/zh_drcd/queries.jsonl": `{"id":"q1","text":"雅芳河发源于哪里？"}`,
		"retrieval/zh_drcd/qrels.tsv":     "query-id\tcorpus-id\tscore\nq1\ta1\t1\n",
	})
	examples, err := eval.Evidence(t.Context(), dir, config())
	if err != nil {
		t.Fatal(err)
	}
	coverage := map[string]float64{}
	for _, e := range examples {
		if e.Question == "雅芳河发源于哪里？" {
			coverage[e.Kind] = e.Evidence.Coverage
		} else if e.Kind == "withheld" {
			t.Errorf("%q was asked again: other passages of %s may answer it", e.Question, e.Set)
		}
	}
	if len(coverage) != 2 || coverage[""] < 0.99 || coverage["withheld"] > 0.3 {
		t.Errorf("coverage = %v, want all with the page and hardly any without both of its passages", coverage)
	}
}
