package retrieval_test

import (
	"testing"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

func TestAMisspeltWordFindsWhatWasMeant(t *testing.T) {
	ix := index(t,
		item("returns", 0, 1, "You can return a mattress within 30 days."),
		item("wrong", 0, 1, "Report a wrong score in the app."),
		item("delivery", 0, 1, "The delivery takes five days."),
		item("other", 0, 1, "Nothing else is here."))
	for question, want := range map[string]desk.ChunkID{
		"retrun my order":       "returns#0",  // swapped
		"i need only mattreses": "returns#0",  // left out
		"score worng":           "wrong#0",    // swapped
		"the delivvery is late": "delivery#0", // one too many
	} {
		found := ix.Lexical(question, 1)
		if len(found) != 1 || found[0].ID != want {
			t.Errorf("%s found %v, want %s", question, ids(found), want)
		}
	}
}

func TestOnlyAWordThatIsNowhereIsTakenForMisspelt(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "Charging takes an hour."), item("b", 0, 1, "Changing the address is free."),
		item("c", 0, 1, "The Kilimanjaro is sold out."), item("d", 0, 1, "Fees are low."))
	for question, want := range map[string][]desk.ChunkID{
		"changing":           {"b#0"}, // not charging too
		"feed":               nil,     // too short to tell
		"xharging":           nil,     // words are seldom misspelt at their beginning
		"kilamanjarro lamps": {"c#0"}, // two mistakes in a long word
		"kilamenjarro lamps": nil,     // three
	} {
		found := ix.Lexical(question, 5)
		if len(found) != len(want) || len(want) > 0 && found[0].ID != want[0] {
			t.Errorf("%s found %v, want %v", question, ids(found), want)
		}
	}
	cfg := retrieval.DefaultConfig()
	cfg.Misspelt = 0
	asWritten, err := retrieval.New(cfg, []retrieval.Item{item("a", 0, 1, "Charging takes an hour.")})
	if err != nil {
		t.Fatal(err)
	}
	if found := asWritten.Lexical("chargin", 5); len(found) != 0 {
		t.Errorf("as written, found %v", ids(found))
	}
}

func TestOfTwoThatScoreAlikeTheOneThatHoldsMoreOfTheQuestionIsFirst(t *testing.T) {
	repeats := item("a", 0, 1, "Voucher voucher voucher voucher voucher voucher.")
	holds := item("b", 0, 1, "A voucher can be used for an order of any size, and it is written on the receipt that comes with the parcel.")
	cfg := retrieval.DefaultConfig()
	cfg.Weights = map[desk.Lang]retrieval.Weights{desk.English: {Coverage: 0.5}}
	ix, err := retrieval.New(cfg, []retrieval.Item{repeats, holds, item("c", 0, 1, "Orders are sent by parcel."), item("d", 0, 1, "A receipt is sent.")})
	if err != nil {
		t.Fatal(err)
	}
	found, err := ix.Search(t.Context(), retrieval.Query{Text: "voucher on the receipt", K: 2})
	if err != nil || len(found) != 2 || found[0].ID != "b#0" || found[0].Coverage < 0.99 {
		t.Errorf("found %v, %v", ids(found), err)
	}
}

func BenchmarkMisspelt10kChunks(b *testing.B) {
	ix := index(b, corpus(10_000, 0)...)
	q := "how do I " + word(700)[:4] + "x" + word(700)[4:] + " with zzzzzzzzz"
	for b.Loop() {
		ix.Lexical(q, 2)
	}
}
