package route_test

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/route"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPleasantriesNeedNoSource(t *testing.T) {
	for _, text := range []string{
		"hi", "Hello there!", "Good morning", "hey, how are you?", "Thanks a lot!!", "thank you so much for your help", "ok thanks, bye",
		"Who are you?", "Are you a bot?", "what can you do", "You've been very helpful 👍", "See you later",
		"你好", "您好！在吗？", "谢谢", "非常感谢您的帮助！", "好的，谢谢你", "再见", "拜拜～", "你是谁？", "你是机器人吗", "你能做什么", "早上好呀", "谢谢啦，再见！", "謝謝", "嗯嗯好的",
	} {
		got := route.New().Decide(text)
		if got.Kind != desk.Simple || !got.Pleasantry || got.Reason != route.ReasonPleasantry {
			t.Errorf("Decide(%q) = %+v, want a pleasantry", text, got)
		}
	}
}

func TestAQuestionIsNoPleasantry(t *testing.T) {
	for _, text := range []string{
		"hi, where is my parcel?", "thanks, and how do I return it", "help me cancel my order", "good price?", "who are your partners",
		"你好，我的快递到哪了", "谢谢，请问怎么退货", "在吗？运费多少", "你是谁的代理商", "可以退货吗", "好的评价怎么写",
	} {
		if got := route.New().Decide(text); got.Pleasantry {
			t.Errorf("Decide(%q) is a pleasantry", text)
		}
	}
}

// support holds questions as customers put them.
var support = []struct {
	question string
	want     desk.RouteKind
}{
	// One fact.
	{"How do I reset my password?", desk.Simple},
	{"What is your return policy?", desk.Simple},
	{"How long does shipping take?", desk.Simple},
	{"Do you ship to New Zealand?", desk.Simple},
	{"Where is my order?", desk.Simple},
	{"How many days do I have to return an item?", desk.Simple},
	{"Can I pay with PayPal?", desk.Simple},
	{"What are your opening hours?", desk.Simple},
	{"how much is express delivery", desk.Simple},
	{"Is there a student discount?", desk.Simple},
	{"When will I get my refund?", desk.Simple},
	{"How do I cancel my subscription?", desk.Simple},
	{"Does the X100 have a headphone jack?", desk.Simple},
	{"Who pays for return shipping?", desk.Simple},
	{"What's the warranty period for part AB-1203?", desk.Simple},
	{"Can I change my delivery address?", desk.Simple},
	{"怎么退货？", desk.Simple},
	{"运费是多少？", desk.Simple},
	{"保修期多长？", desk.Simple},
	{"请问几天可以发货？", desk.Simple},
	{"可以用支付宝付款吗？", desk.Simple},
	{"如何修改密码", desk.Simple},
	{"客服电话是多少", desk.Simple},
	{"在哪里查看订单？", desk.Simple},
	{"发票怎么开", desk.Simple},
	{"退款什么时候到账？", desk.Simple},
	{"会员一年多少钱？", desk.Simple},
	{"支持货到付款吗？", desk.Simple},
	{"你们几点上班？", desk.Simple},
	{"請問可以寄到台灣嗎？", desk.Simple},
	{"怎么注销账号？", desk.Simple},
	{"专业版套餐的存储空间是多少？", desk.Simple},
	{"可以更改收货地址吗？", desk.Simple},

	// Several facts.
	{"What is the return window and who pays for the shipping?", desk.Complex},
	{"How long is the warranty, and does it cover water damage?", desk.Complex},
	{"Do you ship to Norway? What are the customs fees?", desk.Complex},
	{"I want to change my e-mail address and also delete my payment details. How?", desk.Complex},
	{"请说明退货流程以及运费由谁承担", desk.Complex},
	{"保修期多久，进水能保修吗？", desk.Complex},
	{"运费是多少？几天能到？", desk.Complex},
	{"退货和换货的运费分别由谁承担？", desk.Complex},
	// Comparison.
	{"Is Plus cheaper than Basic for two people?", desk.Complex},
	{"What is the difference between the Basic and Pro plans?", desk.Complex},
	{"Which plan is better for a small team, Plus or Business?", desk.Complex},
	{"Compare the X100 with the X200", desk.Complex},
	{"基础版和专业版有什么区别？", desk.Complex},
	{"X100 和 X200 哪个更适合学生？", desk.Complex},
	{"包年还是包月更划算？", desk.Complex},
	{"標準版與專業版有何不同", desk.Complex},
	// Steps and troubleshooting.
	{"Can you give me step by step instructions to set up the router?", desk.Complex},
	{"My headphones keep disconnecting and won't pair with my laptop", desk.Complex},
	{"The app fails with error 504 after the update, how do I fix it?", desk.Complex},
	{"Walk me through moving my account to a new phone", desk.Complex},
	{"路由器的安装步骤是什么？", desk.Complex},
	{"耳机连不上手机怎么办？", desk.Complex},
	{"更新之后应用打不开，一直报错", desk.Complex},
	{"详细介绍一下退款流程", desk.Complex},
	// Conditions.
	{"Can I still return an item if I have opened the box but lost the receipt?", desk.Complex},
	{"What happens to my points if I cancel my membership?", desk.Complex},
	{"If my parcel arrives damaged, do I have to pay for sending it back?", desk.Complex},
	{"如果商品已经拆封但没有发票还能退货吗？", desk.Complex},
	{"超过三十天还可以退货吗，要扣多少手续费？", desk.Complex},
	{"要是快递丢了的话怎么赔偿？", desk.Complex},
	// Problems told instead of asked.
	{"My package says delivered but I didn't receive it", desk.Complex},
	{"I was charged twice", desk.Complex},
	{"商品有质量问题", desk.Complex},
	{"物流信息一直不更新", desk.Complex},
	// Reasons and details.
	{"Why was my card charged twice?", desk.Complex},
	{"Please explain in detail how refunds are calculated", desk.Complex},
	{"为什么我的退款还没到账？", desk.Complex},
	{"请详细说明积分规则", desk.Complex},
}

func TestSupportQuestionsAreRoutedByWhatTheyNeed(t *testing.T) {
	for _, tt := range support {
		got := route.New().Decide(tt.question)
		if got.Kind != tt.want {
			t.Errorf("Decide(%q) = %+v, want %s", tt.question, got, tt.want)
		}
		if got.Confidence < 0.5 || got.Confidence > 1 {
			t.Errorf("Decide(%q): confidence = %v, want 0.5 to 1", tt.question, got.Confidence)
		}
	}
}

func TestReasonsNameTheStrongestSign(t *testing.T) {
	tests := []struct{ name, question, want string }{
		{"one fact", "How long does shipping take?", route.ReasonSingleFact},
		{"a comparison", "基础版和专业版有什么区别？", route.ReasonComparison},
		{"steps", "Give me step by step instructions", route.ReasonSteps},
		{"a condition", "如果丢了怎么赔", route.ReasonCondition},
		{"two questions", "How long is the warranty, and does it cover water?", route.ReasonSeveralQuestions},
		{"an explanation", "请详细说明积分规则", route.ReasonExplanation},
		{"facts that lead to facts", "重庆理工大学学报的主办单位的校歌叫什么？", route.ReasonMultiHop},
		{"nothing to read", "", route.ReasonUnsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := route.New().Decide(tt.question); got.Reason != tt.want {
				t.Errorf("reason = %s, want %s (%+v)", got.Reason, tt.want, got)
			}
		})
	}
}

func TestLengthIsNotCountedInSpaces(t *testing.T) {
	question := "我上个月在你们店里买了一台咖啡机用了三个星期就开始漏水客服让我自己寄回去可是包装箱早就扔掉了我应该联系谁"
	if got := route.New().Decide(question); got.Kind != desk.Complex {
		t.Errorf("Decide(%q) = %+v, want complex", question, got)
	}
}

func FuzzDecide(f *testing.F) {
	for _, tt := range support {
		f.Add(tt.question)
	}
	f.Add("\xff ' .I")
	f.Add(strings.Repeat("的", 4000))
	reasons := []string{
		route.ReasonPleasantry, route.ReasonSingleFact, route.ReasonSeveralQuestions, route.ReasonComparison, route.ReasonCondition, route.ReasonSteps,
		route.ReasonExplanation, route.ReasonMultiHop, route.ReasonAggregate, route.ReasonContext, route.ReasonUnsure,
	}
	f.Fuzz(func(t *testing.T, question string) {
		got := route.New().Decide(question)
		if got.Kind != desk.Simple && got.Kind != desk.Complex || !slices.Contains(reasons, got.Reason) || !(got.Confidence >= 0.5 && got.Confidence <= 1) {
			t.Errorf("Decide(%q) = %+v", question, got)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	r := route.New()
	for b.Loop() {
		r.Decide("What is the difference between the Basic and Pro plans?")
		r.Decide("如果商品已经拆封但没有发票还能退货吗？")
	}
}
