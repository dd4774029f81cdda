package eval_test

import (
	"strings"
	"testing"

	"kefu/internal/eval"
	"kefu/internal/llm/offline"
)

func TestCompressionTellsWhatIsSavedAndWhatIsLost(t *testing.T) {
	const text = "Our kettles are made of steel, and come in four colours that go with any kitchen. The warranty of a kettle lasts two years. Write to us. The workshop stands near the harbour, and opens every morning but Sunday for whoever wishes to see it. Parts are kept in store for ten years."
	cfg := config()
	cfg.Quoter = offline.New()
	report, err := eval.Run(t.Context(), folder(t, map[string]string{
		"retrieval/long/corpus.jsonl":  `{"id":"k","title":"Kettles","text":"` + text + `"}`,
		"retrieval/long/queries.jsonl": `{"id":"q1","text":"How long does the warranty last?","answers":["lasts two\nyears","for ten years","not in it"]}`,
		"retrieval/long/qrels.tsv":     "query-id\tcorpus-id\tscore\nq1\tk\t1\n",
	}), cfg)
	if err != nil {
		t.Fatal(err)
	}
	long, shop := report.Compression["long"], report.Compression["shop"]
	if long.Passages != 1 || long.Saved < 0.5 || long.Saved > 0.9 || long.Quotes != 1 {
		t.Errorf("long = %+v, want more than half of the text saved and the quote kept", long)
	}
	if long.Answers == nil || *long.Answers != 0.5 {
		t.Errorf("answers = %v, want one lost of the two that stand in the passage", long.Answers)
	}
	if shop.Saved != 0 || shop.Quotes != 1 || shop.Answers != nil {
		t.Errorf("shop = %+v, want short passages whole", shop)
	}
	var table strings.Builder
	if err := report.Table(&table); err != nil || !strings.Contains(table.String(), "quotes kept") {
		t.Errorf("table = %s, %v", table.String(), err)
	}
}
