package retrieval_test

import (
	"testing"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// evidence weighs what a search by words finds for a question.
func evidence(ix *retrieval.Index, question string, vector ...float32) retrieval.Evidence {
	return ix.Evidence(retrieval.Query{Text: question, Vector: vector}, ix.Lexical(question, 5))
}

func TestEvidenceTellsWhatPassagesHoldOfAQuestion(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "Parcels to Norway take three days."),
		item("b", 0, 1, "Parcels are insured."),
		item("c", 0, 1, "Lamps come with a bulb."))

	all := evidence(ix, "parcels to norway")
	if all.Coverage < 0.99 || all.Known < 0.99 || all.Missing != 0 || all.Run < 0.99 || all.Sentence < 0.99 || all.Lang != desk.English || all.Terms != 2 {
		t.Errorf("a question that a passage holds: %+v", all)
	}
	half := evidence(ix, "parcels to Iceland")
	if half.Coverage <= 0 || half.Coverage >= 0.6 || half.Missing < 0.99 || half.Known >= 0.6 {
		t.Errorf("a question whose rarest word is nowhere: %+v", half)
	}
	spread := evidence(ix, "insured lamps")
	if spread.Union < 0.99 || spread.Coverage > 0.7 {
		t.Errorf("two passages hold it between them: %+v", spread)
	}
	if none := evidence(ix, "how is that"); none.Terms != 0 || none.Coverage != 0 {
		t.Errorf("no content words: %+v", none)
	}
	if nowhere := evidence(ix, "weather tomorrow"); nowhere.Coverage != 0 || nowhere.Share != 0 || nowhere.Lead != 0 {
		t.Errorf("nothing found: %+v", nowhere)
	}
}

func TestAWordThatOnlyRemovedDocumentsHaveIsNotKnown(t *testing.T) {
	ix := index(t, item("a", 0, 1, "Parcels to Norway take three days."), item("b", 0, 1, "Parcels are insured."), item("c", 0, 1, "Lamps are blue."))
	ix, err := ix.With(t.Context(), nil, []desk.DocumentID{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if e := evidence(ix, "parcels to norway"); e.Known > 0.5 {
		t.Errorf("%+v", e)
	}
}

func TestWordsFarApartAreNotInOneSentence(t *testing.T) {
	ix := index(t, item("a", 0, 1, "Lamps are returned within a month. A tablet has a battery."), item("b", 0, 1, "Cables are sold by the metre."))
	if e := evidence(ix, "tablet returned"); e.Coverage < 0.99 || e.Sentence > 0.6 {
		t.Errorf("%+v", e)
	}
	if e := evidence(ix, "tablet battery"); e.Coverage < 0.99 || e.Sentence < 0.99 {
		t.Errorf("%+v", e)
	}
}

func TestANameInPiecesIsNotTheName(t *testing.T) {
	ix := index(t, item("a", 0, 1, "河茂铁路在广东。"), item("b", 0, 1, "河茂有一条铁路，茂名有茶。"), item("c", 0, 1, "台灯是蓝色的。"))
	whole := ix.Evidence(retrieval.Query{Text: "河茂铁路"}, ix.Lexical("河茂铁路", 1))
	if whole.Whole < 0.99 || whole.Paired < 0.99 || whole.FirstPairs < 0.99 || whole.Absent != 0 || whole.Alike < 0.5 {
		t.Errorf("a passage has the name: %+v", whole)
	}
	ix, err := ix.With(t.Context(), nil, []desk.DocumentID{"a"})
	if err != nil {
		t.Fatal(err)
	}
	pieces := ix.Evidence(retrieval.Query{Text: "河茂铁路"}, ix.Lexical("河茂铁路", 1))
	if pieces.Whole > 0.7 || pieces.Paired > 0.1 || pieces.Absent == 0 || pieces.Alike >= whole.Alike {
		t.Errorf("a passage has pieces of the name: %+v", pieces)
	}
}

func TestEvidenceTellsWhetherAPassageIsAboutTheQuestion(t *testing.T) {
	headed := func(id, title, text string) retrieval.Item {
		it := item(id, 0, 1, text)
		it.Title = title
		return it
	}
	ix := index(t, headed("a", "雅芳河（布里斯托）", "雅芳河流经巴斯。"), headed("b", "布里斯托", "布里斯托是一座城市。"), headed("c", "", "伦敦在泰晤士河边。"))
	if e := evidence(ix, "布里斯托是什么城市"); e.Named < 0.99 || e.Headed <= 0 || e.Unheaded {
		t.Errorf("the question names the title: %+v", e)
	}
	if e := evidence(ix, "雅芳河流到哪里"); e.Named <= 0 || e.Named > 0.7 {
		t.Errorf("the question names half of the title: %+v", e)
	}
	if e := evidence(ix, "泰晤士河在哪里"); !e.Unheaded || e.Named != 0 {
		t.Errorf("there is no title: %+v", e)
	}
}

func TestEvidenceCountsNumbersThatAreNotThere(t *testing.T) {
	ix := index(t, item("a", 0, 1, "In 2008 there were 30 lamps.", 1, 0), item("b", 0, 1, "Parcels are insured.", 0, 1))
	if e := evidence(ix, "how many lamps in 2008?", 1, 0); e.Numbers != 0 || e.Vector < 0.99 {
		t.Errorf("%+v", e)
	}
	if e := evidence(ix, "how many lamps in 2009?", 1, 1); e.Numbers != 1 || e.Vector > 0.8 || e.Vector < 0.6 {
		t.Errorf("%+v", e)
	}
}

func TestOnePassageAheadOfTheOthersLeads(t *testing.T) {
	alike := []retrieval.Item{item("a", 0, 1, "Lamps are blue."), item("b", 0, 1, "Lamps are red."), item("c", 0, 1, "Lamps are green.")}
	close := evidence(index(t, alike...), "lamps")
	ahead := evidence(index(t, append(alike, item("d", 0, 1, "Norway lamps."))...), "norway lamps")
	if close.Gap > 0.1 || ahead.Gap < 0.3 || ahead.Lead <= close.Lead {
		t.Errorf("alike %+v, ahead %+v", close, ahead)
	}
}

func BenchmarkEvidence(b *testing.B) {
	ix := index(b, corpus(10_000, 0)...)
	q := retrieval.Query{Text: question()}
	found := ix.Lexical(q.Text, 24)
	for b.Loop() {
		ix.Evidence(q, found)
	}
}
