package grounding_test

import (
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/grounding"
)

var sources = []desk.Passage{
	{
		Chunk: desk.Chunk{
			ID: "returns#0", Document: "returns", Heading: "Returns › Window",
			Text: "You can return most items within 30 days of delivery. Items must be unused and in their original box. Gift cards cannot be returned.",
		},
		Title: "Returns", URL: "https://help.example.com/returns", Score: 0.9,
	},
	{
		Chunk: desk.Chunk{
			ID: "shipping#2", Document: "shipping", Heading: "Shipping › Cost",
			Text: "Standard shipping costs $4.90 and takes 3 to 5 working days. Orders over $50 ship free.",
		},
		Title: "Shipping", Score: 0.5,
	},
	{
		Chunk: desk.Chunk{
			ID: "zh-refund#1", Document: "zh-refund",
			Text: "退款会在我们收到商品后 5 个工作日内退回原支付账户。礼品卡不支持退货。",
		},
		Title: "退款说明", Score: 0.4,
	},
}

func TestVerify(t *testing.T) {
	tests := []struct {
		name, answer, want string
		cites              []int
		holds              bool
	}{
		{
			"a quoted sentence is supported",
			"You can return most items within 30 days of delivery [1].",
			"You can return most items within 30 days of delivery [1].",
			[]int{1},
			true,
		},
		{
			"a paraphrase is supported",
			"Most items can be returned within 30 days after delivery. [1]",
			"Most items can be returned within 30 days after delivery [1].",
			[]int{1},
			true,
		},
		{
			"an offer to help claims nothing",
			"I'm sorry to hear that! You can return most items within 30 days of delivery [1]. If you have any other questions, feel free to ask. Let me know if there is anything else I can help you with today!",
			"I'm sorry to hear that! You can return most items within 30 days of delivery [1]. If you have any other questions, feel free to ask. Let me know if there is anything else I can help you with today!",
			[]int{1},
			true,
		},
		{
			"an offer with a promise does",
			"You can return most items within 30 days of delivery [1]. If you have any other questions, call our free hotline around the clock. Let me know if you want the 20 % discount that all our customers get.",
			"You can return most items within 30 days of delivery [1].",
			[]int{1},
			true,
		},
		{
			"what is said with regret does, too",
			"I'm sorry, but opened earbuds stay with you. Gift cards cannot be returned [1]. 很抱歉，拆封的耳机不能换货。",
			"Gift cards cannot be returned [1].",
			[]int{1},
			true,
		},
		{
			"an offer to help claims nothing in Chinese",
			"很抱歉给您带来不便。退款会在我们收到商品后 5 个工作日内退回原支付账户[3]。如果您还有其他问题，欢迎随时联系我们。希望以上信息对您有所帮助！",
			"很抱歉给您带来不便。退款会在我们收到商品后 5 个工作日内退回原支付账户[3]。如果您还有其他问题，欢迎随时联系我们。希望以上信息对您有所帮助！",
			[]int{3},
			true,
		},
		{
			"that the sources do not tell is no claim",
			"Gift cards cannot be returned [1]. Unfortunately, the sources do not say whether opened earbuds can be exchanged for 2 new ones.",
			"Gift cards cannot be returned [1]. Unfortunately, the sources do not say whether opened earbuds can be exchanged for 2 new ones.",
			[]int{1},
			true,
		},
		{
			"nor is it in Chinese",
			"礼品卡不支持退货[3]。资料中没有提到拆封后的耳机能否换成新的型号。",
			"礼品卡不支持退货[3]。资料中没有提到拆封后的耳机能否换成新的型号。",
			[]int{3},
			true,
		},
		{
			"what is said besides is",
			"Gift cards cannot be returned [1]. The sources do not mention earbuds, but opened earbuds can be exchanged in every shop.",
			"Gift cards cannot be returned [1].",
			[]int{1},
			true,
		},
		{
			"that alone is no answer",
			"The sources do not say whether opened earbuds can be returned.",
			"The sources do not say whether opened earbuds can be returned.",
			nil,
			false,
		},
		{
			"a list of the sources is left out",
			"You can return most items within 30 days of delivery.\n\n**Sources:** [1]",
			"You can return most items within 30 days of delivery [1].",
			[]int{1},
			true,
		},
		{
			"the rows of a table are claims, its head is none",
			"| What it is | Cost |\n|---|---:|\n| Standard shipping | $4.90 |\n| Express shipping | $99.00 |\n| Orders over $50 | free [2] |",
			"| What it is | Cost |\n|---|---:|\n| Standard shipping | $4.90 [2] |\n| Orders over $50 | free [2] |",
			[]int{2},
			true,
		},
		{
			"a rate is a number and a word",
			"Standard shipping costs $4.90/order [2].",
			"Standard shipping costs $4.90/order [2].",
			[]int{2},
			true,
		},
		{
			"blanks before a citation belong to it",
			"Orders over $50 ship free \t [2].",
			"Orders over $50 ship free [2].",
			[]int{2},
			true,
		},
		{
			"a wrong number is not supported",
			"You can return most items within 60 days of delivery [1].", "", nil, false,
		},
		{
			"an invented sentence is dropped, the rest stays",
			"Orders over $50 ship free [2]. Our couriers also collect old fridges on Sundays [2].",
			"Orders over $50 ship free [2].",
			[]int{2},
			true,
		},
		{
			"a citation of the wrong passage is set right",
			"Standard shipping costs $4.90 [1].", "Standard shipping costs $4.90 [2].",
			[]int{2},
			true,
		},
		{
			"a citation of a passage that was not retrieved is set right",
			"Gift cards cannot be returned [7].", "Gift cards cannot be returned [1].",
			[]int{1},
			true,
		},
		{
			"a supported sentence without a citation gets one",
			"Orders over $50 ship free.", "Orders over $50 ship free [2].",
			[]int{2},
			true,
		},
		{
			"a lead-in needs no support",
			"Here is how:\n- Orders over $50 ship free [2].", "Here is how:\n- Orders over $50 ship free [2].",
			[]int{2},
			true,
		},
		{
			"a Chinese sentence is supported",
			"收到商品后，退款会在5个工作日内退回原支付账户[3]。",
			"收到商品后，退款会在5个工作日内退回原支付账户[3]。",
			[]int{3},
			true,
		},
		{
			"a Chinese invention is not supported",
			"我们提供上门安装空调的服务[3]。", "", nil, false,
		},
		{
			"across languages numbers must hold",
			"标准运费为 $4.90 [2]。", "标准运费为 $4.90[2]。",
			[]int{2},
			true,
		},
		{
			"across languages a wrong number fails",
			"标准运费为 $9.90 [2]。", "", nil, false,
		},
		{"nothing is supported by nothing", "", "", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := grounding.Verify(tt.answer, sources)
			if v.Holds() != tt.holds {
				t.Fatalf("holds = %v, want %v: %+v", v.Holds(), tt.holds, v.Grounds)
			}
			if tt.holds && v.Text != tt.want {
				t.Errorf("text = %q, want %q", v.Text, tt.want)
			}
			var cites []int
			for _, c := range v.Citations {
				cites = append(cites, c.Index)
				if c.Quote == "" || !strings.Contains(sources[c.Index-1].Text, c.Quote) {
					t.Errorf("quote %q is not in source %d", c.Quote, c.Index)
				}
			}
			if len(cites) != len(tt.cites) || len(cites) > 0 && cites[0] != tt.cites[0] {
				t.Errorf("cites = %v, want %v", cites, tt.cites)
			}
		})
	}
}

// Two passages that share a short sentence, the second under a heading.
var reset = []desk.Passage{
	{Chunk: desk.Chunk{Text: "Press the round button. The lamp forgets your network."}},
	{Chunk: desk.Chunk{
		Heading: "Lamp › Step 2: Check the power of the lamp",
		Text:    "1. Press the round button. If it stays dark, the adapter is faulty.",
	}},
}

func TestAHeadingOfASourceClaimsNothing(t *testing.T) {
	const answer = "**Step 2: Check the power of the lamp**\n\nIf it stays dark, the adapter is faulty [2]."
	if v := grounding.Verify(answer, reset); v.Text != answer || v.Claims != 1 {
		t.Errorf("text = %q of %d claims, want all of it and one", v.Text, v.Claims)
	}
	const invented = "**Step 3: Throw the lamp away at once**\n\nIf it stays dark, the adapter is faulty [2]."
	if v := grounding.Verify(invented, reset); strings.Contains(v.Text, "**") {
		t.Errorf("text = %q, want it without a heading that no source has", v.Text)
	}
}

func TestASentenceRestsOnWhatTheNextOnItsLineCites(t *testing.T) {
	const answer = "1. Press the round button. If it stays dark, the adapter is faulty [2]."
	const want = "1. Press the round button [2]. If it stays dark, the adapter is faulty [2]."
	if v := grounding.Verify(answer, reset); v.Text != want {
		t.Errorf("text = %q, want %q", v.Text, want)
	}
	const apart = "Press the round button.\nIf it stays dark, the adapter is faulty [2]."
	if v := grounding.Verify(apart, reset); !strings.HasPrefix(v.Text, "Press the round button [1].") {
		t.Errorf("text = %q, want the sentence on a line of its own supported by the first source", v.Text)
	}
}

func FuzzEveryQuoteIsInItsSource(f *testing.F) {
	f.Add("You can return it [1]. 退款[3]。", "You can return it within 30 days.\n\n1. One\n2. 退款两天")
	f.Add("[1][2]. [999]", "")
	f.Fuzz(func(t *testing.T, answer, text string) {
		passages := []desk.Passage{{Chunk: desk.Chunk{Text: text}, Title: "t"}}
		v := grounding.Verify(answer, passages)
		for _, c := range v.Citations {
			if c.Index != 1 || !strings.Contains(text, c.Quote) {
				t.Fatalf("citation %+v does not stand in %q", c, text)
			}
		}
		if v.Supported > v.Claims {
			t.Fatalf("%d supported of %d claims", v.Supported, v.Claims)
		}
	})
}

func BenchmarkVerifyQuotes(b *testing.B) {
	for b.Loop() {
		grounding.Verify("You can return most items within 30 days of delivery [1]. Orders over $50 ship free [2].", sources)
	}
}

func BenchmarkVerify(b *testing.B) {
	answer := "Most items can be returned within 30 days after delivery [1]. Orders over $50 ship free [2]. Gift cards cannot be returned [1]."
	for b.Loop() {
		grounding.Verify(answer, sources)
	}
}
