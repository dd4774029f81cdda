package eval_test

import (
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/eval"
	"kefu/internal/retrieval"
)

// paged is a set of which each question names a page and asks for a section
// that says so little of it that another page's is as good by its own words.
func paged() map[string]string {
	var corpus, queries, qrels strings.Builder
	qrels.WriteString("query-id\tcorpus-id\tscore\n")
	for _, name := range []string{"kettles", "toasters", "lamps", "mixers"} {
		corpus.WriteString(`{"id":"z-` + name + `","title":"About ` + name + `","text":"A refund is paid within a week."}` + "\n")
		corpus.WriteString(`{"id":"y-` + name + `","title":"About ` + name + `","text":"Our ` + name + ` are checked by hand. A refund of ` + name + ` needs the receipt."}` + "\n")
		corpus.WriteString(`{"id":"a-` + name + `","title":"For ` + name + `","text":"A refund is paid within a week."}` + "\n")
		queries.WriteString(`{"id":"` + name + `","text":"When is a refund of ` + name + ` paid?"}` + "\n")
		qrels.WriteString(name + "\tz-" + name + "\t1\n")
	}
	return map[string]string{"retrieval/paged/corpus.jsonl": corpus.String(), "retrieval/paged/queries.jsonl": queries.String(), "retrieval/paged/qrels.tsv": qrels.String()}
}

func TestRankingIsLearnedWhereItHelpsAndLeftWhereNot(t *testing.T) {
	learned, err := eval.LearnRanking(t.Context(), folder(t, paged()), config())
	if err != nil {
		t.Fatal(err)
	}
	if en := learned.Weights[desk.English]; en.Page == 0 {
		t.Errorf("English: %+v, want pages to count", en)
	}
	if zh := learned.Weights[desk.Chinese]; zh != (retrieval.Weights{Vector: 0.25, Coverage: 0.07, Alike: 0.1, Pairs: 0.04}) {
		t.Errorf("Chinese: %+v, want the weights as picked: nothing was to be learned", zh)
	}
	for _, s := range learned.Sets {
		switch s.Name {
		case "paged":
			if s.Queries != 4 || s.Learned <= s.Picked || s.Unseen <= s.Picked || s.LeftOut != s.Picked {
				t.Errorf("%+v, want more than picked on queries never seen, and as much without the set", s)
			}
		default:
			if s.Learned < s.Picked {
				t.Errorf("%+v: a set pays for another", s)
			}
		}
	}
	var table strings.Builder
	if err := learned.Table(&table); err != nil || !strings.Contains(table.String(), "en paged") {
		t.Errorf("table = %s, %v", table.String(), err)
	}
}
