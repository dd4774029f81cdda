package retrieval_test

import (
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

func section(heading, text string) desk.Passage {
	return desk.Passage{Chunk: desk.Chunk{Heading: heading, Text: text, Tokens: len(text) / 4}}
}

func TestAnExcerptHoldsWhatMatters(t *testing.T) {
	const (
		shipping = "Parcels leave our warehouse on working days. Express parcels arrive within two days. Islands take a day more. The driver rings twice. A signature is needed above $200."
		list     = "Bring these to the shop:\n\n- the lamp\n- the invoice\n\nThe shop is open every day. There is parking behind it."
		chinese  = "我们的仓库在深圳。加急包裹两天内送到。偏远地区多一天。司机会打两次电话。"
	)
	pair := section("", shipping)
	pair.Question = "How fast is express?"
	for name, tt := range map[string]struct {
		question string
		passage  desk.Passage
		want     string // "": the whole text
	}{
		"a sentence and what goes on from it": {"How fast is express?", section("Shipping › Speed", shipping), "Express parcels arrive within two days. Islands take a day more."},
		"pieces apart":                        {"Is a signature needed for express?", section("Shipping › Speed", shipping), "Express parcels arrive within two days. Islands take a day more. …\nA signature is needed above $200."},
		"a list, whole, with its lead":        {"Do I need the invoice?", section("Repair", list), "Bring these to the shop:\n\n- the lamp\n- the invoice"},
		"Chinese":                             {"加急几天到", section("配送", chinese), "加急包裹两天内送到。偏远地区多一天。"},
		"a synonym":                           {"How fast is an urgent shipment?", section("Speed", "The shop is old. A package arrives within two days. The weather is fine today, and the sea is calm."), "A package arrives within two days. The weather is fine today, and the sea is calm."},
		"a curated answer":                    {"How long does express take?", pair, ""},
		"headed by what is asked":             {"express delivery", section("Shipping › Express", shipping), ""},
		"no word in common":                   {"Wie lange dauert es?", section("Shipping", shipping), ""},
		"no word that means anything":         {"And then?", section("Shipping", shipping), ""},
		"a short text":                        {"How long does express take?", section("Shipping", "Express takes two days. We ring."), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := retrieval.Excerpt(tt.question, tt.passage); got != tt.want {
				t.Errorf("excerpt = %q\nwant %q", got, tt.want)
			}
		})
	}
}

func FuzzAnExcerptIsWordForWord(f *testing.F) {
	f.Add("How long does express take?", "Parcels leave daily. Express takes two days.\n\nBring:\n\n- a\n- b\n")
	f.Add("加急几天到", "加急包裹两天内送到。偏远地区多一天。\n\n\n\n司机")
	f.Fuzz(func(t *testing.T, question, text string) {
		got := retrieval.Excerpt(question, desk.Passage{Chunk: desk.Chunk{Text: text, Tokens: 100}})
		if len(got) > len(text) {
			t.Fatalf("%d bytes of %d", len(got), len(text))
		}
		for part := range strings.SplitSeq(got, "…\n") {
			if !strings.Contains(text, strings.TrimSpace(part)) && !strings.Contains(text, "…") {
				t.Fatalf("%q is not in %q", part, text)
			}
		}
	})
}
