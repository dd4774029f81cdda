package retrieval_test

import (
	"testing"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

func TestEvidenceTellsWhatPassagesHoldOfAQuestion(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "Parcels to Norway take three days."),
		item("b", 0, 1, "Parcels are insured."),
		item("c", 0, 1, "Lamps come with a bulb."))
	evidence := func(question string) retrieval.Evidence { return ix.Evidence(question, ix.Lexical(question, 5)) }

	all := evidence("parcels to norway")
	if all.Coverage < 0.99 || all.Known < 0.99 || all.Missing != 0 || all.Run < 0.99 || all.Lang != desk.English || all.Terms != 2 {
		t.Errorf("a question that a passage holds: %+v", all)
	}
	half := evidence("parcels to Iceland")
	if half.Coverage <= 0 || half.Coverage >= 0.6 || half.Missing < 0.99 || half.Known >= 0.6 {
		t.Errorf("a question whose rarest word is nowhere: %+v", half)
	}
	spread := evidence("insured lamps")
	if spread.Union < 0.99 || spread.Coverage > 0.7 {
		t.Errorf("two passages hold it between them: %+v", spread)
	}
	if none := evidence("how is that"); none.Terms != 0 || none.Coverage != 0 {
		t.Errorf("no content words: %+v", none)
	}
	if nowhere := evidence("weather tomorrow"); nowhere.Coverage != 0 || nowhere.Share != 0 {
		t.Errorf("nothing found: %+v", nowhere)
	}
}
