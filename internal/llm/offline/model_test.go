package offline_test

import (
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/llm"
	"kefu/internal/llm/offline"
)

// Passages of a small shop, as the chunker makes them.
var (
	returns = passage("Return a product", "Return a product",
		"You can return most products within 30 days of delivery for a full refund. Plus and Family members have 45 days. The period starts on the day after the parcel was delivered.")
	startReturn = passage("Return a product", "Return a product › How to start a return",
		"Have the order at hand:\n\n1. Sign in and open Account > Orders.\n2. Choose the order and press Return items.\n3. Print the return label.\n\nIf you ordered as a guest, open the link in your order confirmation instead.")
	costs = passage("Shipping costs", "Shipping costs › Costs and times",
		"Region: United States | Standard: $4.90, 3–5 business days | Express: $12.90, 1–2 business days\nRegion: Canada | Standard: $7.90, 4–7 business days | Express: $18.90, 2–3 business days\nRegion: Australia | Standard: $9.90, 6–10 business days | Express: $22.90, 3–5 business days\n\nCosts are shown in your own currency at checkout.")
	plans = passage("Membership", "Membership › Compare plans",
		"Price per month | Basic: free | Plus: $4.99\nReturn period | Basic: 30 days | Plus: 45 days\nExpress shipping | Basic: full price | Plus: half price")
	lamp = passage("The lamp does not connect", "The lamp does not connect › Look at the light",
		"- Pulses orange: the lamp waits for set-up.\n- Flashes red once a second: the Wi-Fi password is wrong.\n- Flashes red twice, then a pause: the lamp has Wi-Fi but no internet.")
	original = pair("Do I need the original box for a return?", "No. The original box is welcome but not required.")
	whoPays  = pair("Who pays for return shipping?", "A return is free if the product is faulty. If you changed your mind, $4.90 is taken off the refund.")

	codes = passage("Two-step sign-in", "Two-step sign-in › Switch it on",
		"1. Open Account > Security > Two-step sign-in.\n2. Type the six-digit code.\n3. Save the 10 recovery codes. Each works once.")
	contact = passage("Contact", "Contact › Channels",
		"Channel: Chat | Hours: every day, 08:00–22:00\nChannel: Telephone +1 202-555-0143 | Hours: Monday to Friday, 09:00–18:00\nChannel: E-mail support@example.com | Hours: answer within 24 hours")
	discounts = passage("Orders for companies", "Orders for companies › Discounts",
		"Units in one order: 10–49 | Discount: 5 %\nUnits in one order: 50–199 | Discount: 8 %")
	invoices = passage("Invoices", "Invoices › Download", "You find invoices in your account.\n\n1. Open Account > Orders.\n2. Press Invoice.")
	photos   = passage("Photos", "Photos › Which count", "Photos of these kinds:\n\n"+strings.Repeat("- A photo of the front, of the back, or of any other side that shows what is wrong with it, not older than a week.\n", 12))
	contents = passage("Health care", "Health care", "Jump to a section:\n- Does it cover dental care?\n- Does it cover vision care?")

	zhReturns  = passage("如何退货", "如何退货", "大部分商品自签收之日起 30 天内可以退货，全额退款；Plus 会员为 45 天。期限从签收次日算起。")
	zhSteps    = passage("如何退货", "如何退货 › 怎么申请", "1. 登录后打开 我的账号 > 订单；\n2. 进入订单，点击 申请退货；\n3. 打印退货面单；\n4. 14 天内寄出，面单逾期失效；")
	zhCosts    = passage("运费和配送时间", "运费和配送时间 › 费用", "地区: 中国大陆 | 标准配送: 10 元 | 加急配送: 25 元\n地区: 香港、新加坡 | 标准配送: 5.90 美元 | 加急配送: 13.90 美元")
	zhWarranty = passage("保修", "保修 › 保修期", "商品: 平板 | 保修期: 24 个月，电池 12 个月\n商品: 台灯 | 保修期: 36 个月")
	zhSound    = passage("耳机怎么配对", "耳机怎么配对 › 声音断断续续", "手机放在 10 米以内。墙壁和微波炉会影响信号。")
	zhLocked   = passage("找回或修改密码", "找回或修改密码 › 账号被锁定", "密码连续输错 5 次，账号锁定 15 分钟。重置密码可以立即解锁。")
	zhCancel   = pair("怎么取消订单？", "发货之前，在订单页点“取消订单”，不收费。")
)

// sections is a document of an overview and what stands below it.
func sections(title, overview string, below ...string) []desk.Passage {
	list := []desk.Passage{passage(title, title, overview)}
	for i := 0; i < len(below); i += 2 {
		list = append(list, passage(title, title+desk.HeadingSeparator+below[i], below[i+1]))
	}
	for i := range list {
		list[i].Document, list[i].Ordinal = desk.DocumentID(title), i
	}
	return list
}

func passage(title, heading, text string) desk.Passage {
	return desk.Passage{Title: title, Chunk: desk.Chunk{Heading: heading, Text: text, Lang: lang.Of(text)}}
}

func pair(question, answer string) desk.Passage {
	return desk.Passage{Chunk: desk.Chunk{Question: question, Text: answer, Lang: lang.Of(answer)}}
}

// covering is p as retrieval returns it when it holds that share of the question.
func covering(share float64, p desk.Passage) desk.Passage {
	p.Coverage = share
	return p
}

// ranked is p with the score that retrieval gave it.
func ranked(score float64, p desk.Passage) desk.Passage {
	p.Score = score
	return p
}

func reply(t *testing.T, p llm.Prompt) string {
	t.Helper()
	r, err := offline.New().Start(t.Context(), llm.Call{Prompt: p})
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func ask(t *testing.T, kind desk.RouteKind, question string, sources ...desk.Passage) string {
	t.Helper()
	return reply(t, llm.Prompt{Question: desk.Masked(question), Lang: lang.Of(question), Route: desk.Route{Kind: kind}, Sources: sources})
}

func TestAnswersByQuoting(t *testing.T) {
	tests := []struct {
		name     string
		question string
		sources  []desk.Passage
		want     string
	}{
		{
			"a period is given with the sentence that goes on", "How long do I have to return a product?",
			[]desk.Passage{costs, returns, startReturn},
			"You can return most products within 30 days of delivery for a full refund. [2] Plus and Family members have 45 days. [2]",
		},
		{
			"steps stay together, with what leads to them", "How do I return an item?",
			[]desk.Passage{returns, startReturn, costs},
			"Have the order at hand: [2]\n1. Sign in and open Account > Orders. [2]\n2. Choose the order and press Return items. [2]\n3. Print the return label. [2]",
		},
		{
			"one row of a table", "How much is express shipping to Canada?",
			[]desk.Passage{returns, costs},
			"Region: Canada | Standard: $7.90, 4–7 business days | Express: $18.90, 2–3 business days [2]",
		},
		{
			"a comparison is a table", "What is the difference between Basic and Plus?",
			[]desk.Passage{returns, plans},
			"Price per month | Basic: free | Plus: $4.99 [2]\nReturn period | Basic: 30 days | Plus: 45 days [2]\nExpress shipping | Basic: full price | Plus: half price [2]",
		},
		{
			"a comparison is of what stands side by side", "Compare standard and express shipping",
			[]desk.Passage{
				ranked(0.6, passage("Shipping costs", "Shipping costs › Members", "- Plus: standard shipping is always free, express costs half.")),
				ranked(0.5, costs),
			},
			"Region: United States | Standard: $4.90, 3–5 business days | Express: $12.90, 1–2 business days [2]\n" +
				"Region: Canada | Standard: $7.90, 4–7 business days | Express: $18.90, 2–3 business days [2]\n" +
				"Region: Australia | Standard: $9.90, 6–10 business days | Express: $22.90, 3–5 business days [2]",
		},
		{
			"one item of a list that says it", "My lamp flashes red twice, what should I do?",
			[]desk.Passage{lamp, startReturn},
			"**Look at the light**\n\nFlashes red twice, then a pause: the lamp has Wi-Fi but no internet. [1]",
		},
		{
			"a curated answer is given whole", "Do I need the original box for my return?",
			[]desk.Passage{returns, original},
			"No. The original box is welcome but not required. [2]",
		},
		{
			"each part of a question is answered", "How do I return an item and who pays for return shipping?",
			[]desk.Passage{startReturn, whoPays},
			"Have the order at hand: [1]\n1. Sign in and open Account > Orders. [1]\n2. Choose the order and press Return items. [1]\n3. Print the return label. [1]\n" +
				"A return is free if the product is faulty. If you changed your mind, $4.90 is taken off the refund. [2]",
		},
		{
			"words for the same thing", "Is a defective product free to return?",
			[]desk.Passage{returns, whoPays},
			"A return is free if the product is faulty. [2] If you changed your mind, $4.90 is taken off the refund. [2]",
		},
		{
			"a number of what is counted", "How many recovery codes do I get for two-step sign-in?",
			[]desk.Passage{codes, returns},
			"Save the 10 recovery codes. Each works once. [1]",
		},
		{
			"a telephone number", "What is the support phone number?",
			[]desk.Passage{returns, contact},
			"Channel: Telephone +1 202-555-0143 | Hours: Monday to Friday, 09:00–18:00 [2]",
		},
		{
			"places by their usual names", "How much is standard shipping to the US?",
			[]desk.Passage{returns, costs},
			"Region: United States | Standard: $4.90, 3–5 business days | Express: $12.90, 1–2 business days [2]",
		},
		{
			"rows that the question cannot tell apart", "Which discount do you give on orders?",
			[]desk.Passage{returns, discounts},
			"Units in one order: 10–49 | Discount: 5 % [2]\nUnits in one order: 50–199 | Discount: 8 % [2]",
		},
		{
			"what is told beside the question picks the answer", "I live in Canada and I am in a hurry: what does express shipping cost?",
			[]desk.Passage{returns, costs},
			"Region: Canada | Standard: $7.90, 4–7 business days | Express: $18.90, 2–3 business days [2]",
		},
		{
			"a part that leans on the one before", "Can I return a product, and how long do I have?",
			[]desk.Passage{costs, returns},
			"You can return most products within 30 days of delivery for a full refund. [2] Plus and Family members have 45 days. [2] " +
				"The period starts on the day after the parcel was delivered. [2]",
		},
		{
			"a way to change a number is no question for one", "How do I change my phone number?",
			[]desk.Passage{contact, passage("Account", "Account › Change your phone number", "Open Account > Settings > Phone number and type the new one.")},
			"Open Account > Settings > Phone number and type the new one. [2]",
		},
		{
			"a sentence goes with the steps that it stands before", "Where do I find my invoices?",
			[]desk.Passage{returns, invoices},
			"You find invoices in your account. [2]\n1. Open Account > Orders. [2]\n2. Press Invoice. [2]",
		},
		{
			"an overview goes with its sections", "Do you match prices?",
			sections(
				"Price match", "Two promises: for our own prices, and for those of others.",
				"Our price drops", "We refund the difference within 14 days.",
				"Another shop is cheaper", "Send us the offer. It must meet all of these conditions:\n\n- same model\n- in stock",
			),
			"Two promises: for our own prices, and for those of others. [1]\n\n" +
				"**Our price drops**\n\nWe refund the difference within 14 days. [2]\n\n" +
				"**Another shop is cheaper**\n\nSend us the offer. [3] It must meet all of these conditions: [3]\n- same model [3]\n- in stock [3]",
		},
		{
			"an overview of steps says when more of them follow", "The pump makes noise, what should I do?",
			slices.Delete(sections(
				"The pump makes noise", "Work through the steps in this order. Most pumps are quiet by step 2.",
				"Step 1: Look at the light", "- No light: go to step 2.\n- Red light: call us.",
				"Step 2: Clean the filter", "Rinse it.", "Step 3: Reset", "Hold the button.",
			), 2, 3),
			"Work through the steps in this order. [1] Most pumps are quiet by step 2. [1]\n\n" +
				"**Step 1: Look at the light**\n\n- No light: go to step 2. [2]\n- Red light: call us. [2]\n\n…",
		},
		{"no sentence states a weight", "How much does the lamp weigh?", []desk.Passage{lamp, costs}, llm.NoAnswer},
		{"an e-mail address of something else", "What is the e-mail address for complaints?", []desk.Passage{contact}, llm.NoAnswer},
		{"a table of contents is no answer", "Does it cover dental care?", []desk.Passage{contents}, llm.NoAnswer},
		{"a period in words", "How long do parcels to Iceland take?", []desk.Passage{lamp, passage("Shipping", "Shipping", "Parcels to Iceland take nine working days.")}, "Parcels to Iceland take nine working days. [2]"},
		{"a price in crowns", "How much is the visiting fee?", []desk.Passage{lamp, passage("Visits", "Visits", "The visiting fee is 13 crowns.")}, "The visiting fee is 13 crowns. [2]"},
		{"a price in the money of a country", "参观费多少钱？", []desk.Passage{passage("参观", "参观", "参观费是 50 欧元。")}, "参观费是 50 欧元。 [1]"},
		{"a length", "GH-55 有多长？", []desk.Passage{passage("花园水管", "花园水管 › 长度", "花园水管 GH-55 长 20 米。")}, "花园水管 GH-55 长 20 米。 [1]"},
		{"a price in words", "How much does a parcel to Iceland cost?", []desk.Passage{lamp, passage("Shipping", "Shipping", "A parcel to Iceland costs thirty euros.")}, "A parcel to Iceland costs thirty euros. [2]"},
		{"an ordinal is no period", "How long do parcels to Iceland take?", []desk.Passage{passage("Shipping", "Shipping", "A second parcel to Iceland takes its own label.")}, llm.NoAnswer},
		{"what a page is about is no answer", "How do I scale the cluster?", []desk.Passage{passage("Scale the cluster", "Scale the cluster", "This document introduces how to scale the cluster."), lamp}, llm.NoAnswer},
		{
			"the steps answer, not what their page is about", "How do I scale the cluster?",
			[]desk.Passage{passage("Scale the cluster", "Scale the cluster", "This document describes how to scale the cluster.\n\n1. Open the console.\n2. Set the number of replicas.")},
			"1. Open the console. [1]\n2. Set the number of replicas. [1]",
		},
		{"what a page is about, in Chinese", "怎么查看集群的日志", []desk.Passage{passage("查看日志", "查看日志", "本文档介绍如何查看集群各组件日志，以及慢查询日志。")}, llm.NoAnswer},
		{"the product is known, what was asked of it is not", "What is the screen resolution of the Slate T10?", []desk.Passage{
			covering(0.57, passage("Slate T10 battery", "Slate T10 battery › It does not switch on", "If the screen stays dark, charge it for 30 minutes.")),
		}, llm.NoAnswer},
		{"a part number is one word", "How often do I descale the KT-200?", []desk.Passage{passage("Kettle KT-200", "Kettle KT-200", "The Brewmaster (KT-200) boils a litre in three minutes.")}, llm.NoAnswer},
		{"the answer of a question in a page", "Can I bring my dog?", []desk.Passage{lamp, passage("Visiting", "Visiting", "Q: Can I bring my dog?\nA: Dogs are welcome in the shop on a lead.")}, "Dogs are welcome in the shop on a lead. [2]"},
		{"the answer of a question in a page, in Chinese", "可以带狗进店吗？", []desk.Passage{passage("到店", "到店", "问：可以带狗进店吗？\n答：牵好绳的狗可以进店。")}, "牵好绳的狗可以进店。 [1]"},
		{"misspelt words", "how long do i have to retrun a prodcut", []desk.Passage{costs, returns}, "You can return most products within 30 days of delivery for a full refund. [2] Plus and Family members have 45 days. [2]"},
		{"another word is no misspelt one", "Is there packing?", []desk.Passage{passage("Parking", "Parking", "There is parking behind the shop.")}, llm.NoAnswer},
		{"nor is a long one", "passport", []desk.Passage{zhLocked, passage("Account", "Account › Password", "Open Account > Security > Password.")}, llm.NoAnswer},
		{"a name is not misspelt", "Do you ship to Canads?", []desk.Passage{costs}, llm.NoAnswer},
		{"nothing fits", "Do you ship to Brazil?", []desk.Passage{costs, returns}, llm.NoAnswer},
		{"a name that no source holds", "Does the lamp support HomeKit?", []desk.Passage{lamp}, llm.NoAnswer},
		{"words scattered over sources are no answer", "Which currency is the password in?", []desk.Passage{costs, lamp}, llm.NoAnswer},
		{"no source", "How long do I have to return a product?", nil, llm.NoAnswer},
		{"no word to search for", "And then?", []desk.Passage{returns}, llm.NoAnswer},

		{"a period in Chinese", "商品多久可以退货？", []desk.Passage{zhCosts, zhReturns}, "大部分商品自签收之日起 30 天内可以退货，全额退款；Plus 会员为 45 天。 [2]期限从签收次日算起。 [2]"},
		{"steps in Chinese", "怎么退货？", []desk.Passage{zhReturns, zhSteps}, "1. 登录后打开 我的账号 > 订单； [2]\n2. 进入订单，点击 申请退货； [2]\n3. 打印退货面单； [2]\n4. 14 天内寄出，面单逾期失效； [2]"},
		{"a row in Chinese", "寄到香港的运费是多少？", []desk.Passage{zhReturns, zhCosts}, "地区: 香港、新加坡 | 标准配送: 5.90 美元 | 加急配送: 13.90 美元 [2]"},
		{"a period in a table", "平板保修多久？", []desk.Passage{zhReturns, zhWarranty}, "商品: 平板 | 保修期: 24 个月，电池 12 个月 [2]"},
		{"a section found by its heading", "耳机没声音怎么办", []desk.Passage{zhSound, zhReturns}, "手机放在 10 米以内。 [1]墙壁和微波炉会影响信号。 [1]"},
		{"a curated answer in other words", "订单怎么取消", []desk.Passage{zhSteps, zhCancel}, "发货之前，在订单页点“取消订单”，不收费。 [2]"},
		{"times in Chinese", "密码输错几次会锁定？", []desk.Passage{zhLocked, zhReturns}, "密码连续输错 5 次，账号锁定 15 分钟。 [1]"},
		{"other words for running out", "退货面单多久过期？", []desk.Passage{zhReturns, zhSteps}, "14 天内寄出，面单逾期失效 [2]"},
		{"no sentence states a number", "台灯有几种颜色？", []desk.Passage{zhWarranty}, llm.NoAnswer},
		{"nothing fits in Chinese", "你们CEO是谁？", []desk.Passage{zhReturns, zhCosts}, llm.NoAnswer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ask(t, desk.Complex, tt.question, tt.sources...); got != tt.want {
				t.Errorf("answer = %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDeclinesWhereTheSourcesAreDoubtful(t *testing.T) {
	p := llm.Prompt{Question: "How long do I have to return a product?", Lang: desk.English, Route: desk.Route{Kind: desk.Complex}, Sources: []desk.Passage{returns}, Doubtful: true}
	if got := reply(t, p); got != llm.NoAnswer {
		t.Errorf("answer = %s, want none", got)
	}
	p.Doubtful = false
	if got := reply(t, p); got == llm.NoAnswer {
		t.Error("no answer where they are not")
	}
}

func TestTheSameAskedOfSomethingElseIsNotAnswered(t *testing.T) {
	drill := pair("How long does the battery of the drill last?", "The drill's battery lasts 40 minutes.")
	watches := pair("你们修手表吗？", "修，机械表两周内修好。")
	hours, cards := pair("你们几点开门？", "每天 9:00 到 18:00。"), pair("可以刷卡吗？", "可以，支持银行卡和手机支付。")
	for question, answered := range map[string]bool{
		"How long does the battery of the saw last?": false, "How long does the drill battery last?": true,
		"你们修手机吗？": false, "你们修手表么": true,
	} {
		text := ask(t, desk.Complex, question, drill, watches, hours, cards)
		if (text != llm.NoAnswer) != answered {
			t.Errorf("%s: %s", question, text)
		}
	}
}

func TestOfALongListTheBeginningIsQuoted(t *testing.T) {
	got := ask(t, desk.Complex, "Which photos count?", photos)
	if n := strings.Count(got, "\n- "); n < 5 || n > 9 || !strings.HasSuffix(got, " [1]\n\n…") {
		t.Errorf("answer = %s\nwant some of 12 items, and a sign that there are more", got)
	}
}

func TestPrefersSourcesInTheQuestionsLanguage(t *testing.T) {
	english := passage("Tablet", "Tablet › LM-3010", "The LM-3010 has a battery of 7,600 mAh.")
	chinese := passage("平板", "平板 › LM-3010", "LM-3010 的电池容量是 7,600 毫安时。")
	if got, want := ask(t, desk.Complex, "LM-3010 电池多大？", english, chinese), "LM-3010 的电池容量是 7,600 毫安时。 [2]"; got != want {
		t.Errorf("answer = %s, want %s", got, want)
	}
	if got, want := ask(t, desk.Complex, "LM-3010 参数", english), "The LM-3010 has a battery of 7,600 mAh. [1]"; got != want {
		t.Errorf("answer without a source in the language = %s, want %s", got, want)
	}
}

func TestASimpleQuestionGetsAShortAnswer(t *testing.T) {
	long := passage("Care", "Care", strings.Repeat("Lumenook Care covers drops. It covers liquids. It costs $29. It lasts 24 months. ", 4))
	got := ask(t, desk.Simple, "Does Lumenook Care cover drops?", long)
	if n := strings.Count(got, "[1]"); n < 1 || n > 2 {
		t.Errorf("answer = %s, want one or two quotes", got)
	}
}

func TestPersonalDataIsNotSearchedFor(t *testing.T) {
	got := ask(t, desk.Complex, "I am ⟦EMAIL_1⟧, how long do I have to return a product?", returns)
	if !strings.HasPrefix(got, "You can return most products within 30 days") {
		t.Errorf("answer = %s", got)
	}
}

func TestPleasantriesAreAnsweredByKind(t *testing.T) {
	tests := []struct{ question, holds string }{
		{"Hi there", "Hello"},
		{"Thanks a lot!", "welcome"},
		{"bye", "Goodbye"},
		{"Who are you?", "automatic assistant"},
		{"Are you a human?", "automatic assistant"},
		{"ok, got it", "anything else"},
		{"你好", "您好"},
		{"谢谢你的帮助", "不客气"},
		{"再见", "再见"},
		{"你是机器人吗？", "自动问答助手"},
		{"what can you do for me?", "quoting its articles"},
		{"再見", "再见"},
		{"help", "What can I help you with"},
		{"在吗", "您好"},
	}
	for _, tt := range tests {
		t.Run(tt.question, func(t *testing.T) {
			got := reply(t, llm.Prompt{Question: desk.Masked(tt.question), Lang: lang.Of(tt.question), Route: desk.Route{Kind: desk.Simple, Pleasantry: true}})
			if !strings.Contains(got, tt.holds) || lang.Of(got) != lang.Of(tt.question) || strings.Contains(got, "[") {
				t.Errorf("reply = %s, want one that holds %q", got, tt.holds)
			}
		})
	}
}

func TestReplyNamesTheModelAndCostsNothing(t *testing.T) {
	r, err := offline.New().Start(t.Context(), llm.Call{Stream: true, Prompt: llm.Prompt{Question: "Do you ship to Brazil?", Lang: desk.English}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d, err := r.Next()
	if err != nil || d.Text != llm.NoAnswer {
		t.Errorf("first delta = %q, %v", d.Text, err)
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after it = %v, want EOF", err)
	}
	if r.Provider != "offline" || r.Model != "offline-extractive" || r.Usage() != (desk.Usage{}) {
		t.Errorf("reply of %s/%s used %+v", r.Provider, r.Model, r.Usage())
	}
}

func TestAnEndedContextIsAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := offline.New().Start(ctx, llm.Call{}); llm.KindOf(err) != llm.Cancelled {
		t.Errorf("error = %v, want %s", err, llm.Cancelled)
	}
}

var quoted = regexp.MustCompile(`(?s)\s*(.*?) \[(\d+)\]`)

// FuzzQuotesAreVerbatim holds the model to its one promise.
func FuzzQuotesAreVerbatim(f *testing.F) {
	for _, p := range []desk.Passage{returns, startReturn, costs, plans, lamp, zhReturns, zhSteps, zhCosts} {
		f.Add("How do I return it and what does shipping to Canada cost?", p.Heading, p.Text, "")
		f.Add("怎么退货？运费多少钱", p.Heading, p.Text, "")
	}
	f.Add("box for a return", "", original.Text, original.Question)
	f.Add("a?", "›", "- a:\n\n  b\n1. c\n|d | e\n\n\nhttps://f", "g?")
	f.Fuzz(func(t *testing.T, question, heading, text, curated string) {
		if strings.Contains(text, "[") {
			return // its marks would be taken for the model's
		}
		p := passage("", heading, text)
		p.Question = curated
		got := ask(t, desk.Complex, question, p)
		if got == llm.NoAnswer {
			return
		}
		rest := got
		for _, m := range quoted.FindAllStringSubmatch(got, -1) {
			if n, _ := strconv.Atoi(m[2]); n != 1 || !strings.Contains(text, m[1]) || m[1] == "" {
				t.Errorf("quote %q of source %s is not in %q", m[1], m[2], text)
			}
			rest = strings.Replace(rest, m[0], "", 1)
		}
		if rest = strings.TrimSuffix(rest, "\n\n…"); strings.TrimSpace(rest) != "" {
			t.Errorf("answer %q holds %q, which is no quote", got, rest)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	call := llm.Call{Prompt: llm.Prompt{
		Question: "How do I return an item and how much is express shipping to Canada?", Lang: desk.English,
		Route: desk.Route{Kind: desk.Complex}, Sources: []desk.Passage{returns, startReturn, costs, plans, lamp, whoPays},
	}}
	for b.Loop() {
		if _, err := offline.New().Start(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
