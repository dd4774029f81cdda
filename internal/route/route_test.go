package route_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/lang"
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

func TestSupportQuestionsAreRoutedByWhatTheyNeed(t *testing.T) {
	r := route.New()
	right := map[desk.Lang]int{}
	for _, e := range route.Support() {
		got := r.Decide(e.Text)
		if got.Kind == e.Kind {
			right[lang.Of(e.Text)]++
		} else {
			t.Logf("Decide(%q) = %+v, want %s", e.Text, got, e.Kind)
		}
		if got.Confidence < 0.5 || got.Confidence > 1 {
			t.Errorf("Decide(%q): confidence = %v, want 0.5 to 1", e.Text, got.Confidence)
		}
	}
	for _, l := range []desk.Lang{desk.English, desk.Chinese} {
		if right[l] < 97 {
			t.Errorf("%s: %d of 100 questions as labelled, want 97: the router was trained on them", l, right[l])
		}
	}
}

func TestWhatTheRouterNeverSawItIsNotSaidToKnow(t *testing.T) {
	r := route.New()
	if !r.Knows("  HOW do I reset my password ") || r.Knows("How do I reset my toaster?") {
		t.Error("the router does not know which questions it was trained on")
	}
}

func TestTrainingIsRepeatable(t *testing.T) {
	a, _ := route.Train(route.Support()).MarshalBinary()
	b, _ := route.Train(route.Support()).MarshalBinary()
	if !bytes.Equal(a, b) {
		t.Error("the same examples gave other weights")
	}
	loaded, err := route.Load(a)
	if err != nil {
		t.Fatal(err)
	}
	if trained := route.Train(route.Support()); loaded.Version() != trained.Version() {
		t.Errorf("version = %s after loading, want %s", loaded.Version(), trained.Version())
	}
	if untrained := route.Train(nil); untrained.Version() == loaded.Version() {
		t.Error("other weights have the same version")
	}
}

func TestWeightsAreSmall(t *testing.T) {
	if raw, _ := route.New().MarshalBinary(); len(raw) > 300_000 {
		t.Errorf("%d bytes, want at most 300,000", len(raw))
	}
}

func TestDamagedWeightsAreRefused(t *testing.T) {
	whole, _ := route.Train(route.Support()).MarshalBinary()
	unsorted := bytes.Clone(whole)
	copy(unsorted[len(unsorted)-4:], []byte{0, 0, 0, 0})
	notANumber := bytes.Clone(whole)
	copy(notANumber[len("kefu-route-2"):], []byte{0, 0, 0xc0, 0x7f})
	for name, raw := range map[string][]byte{
		"nothing": nil, "another file": []byte("PNG"), "cut off": whole[:len(whole)-1], "cut in the weights": whole[:1000],
		"unsorted": unsorted, "a scale that is no number": notANumber,
	} {
		if _, err := route.Load(raw); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestADecisionExplainsItself(t *testing.T) {
	r := route.New()
	for question, want := range map[string]string{
		"What is the difference between the Basic and Pro plans?": route.ReasonComparison,
		"如果商品已经拆封但没有发票还能退货吗？":                                     route.ReasonCondition,
	} {
		why := r.Explain(question, 3)
		if len(why) != 3 || why[0].Text != want || why[0].Weight <= 0 || math.Abs(why[1].Weight) > math.Abs(why[0].Weight) {
			t.Errorf("Explain(%q) = %+v, want %s first", question, why, want)
		}
	}
	if why := r.Explain("", 3); len(why) > 3 {
		t.Errorf("Explain of nothing = %+v", why)
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
	for _, e := range route.Support() {
		f.Add(e.Text)
	}
	f.Add("\xff ' .I")
	f.Add(strings.Repeat("的", 4000))
	reasons := []string{
		route.ReasonPleasantry, route.ReasonSingleFact, route.ReasonSeveralQuestions, route.ReasonComparison, route.ReasonCondition, route.ReasonSteps,
		route.ReasonExplanation, route.ReasonMultiHop, route.ReasonAggregate, route.ReasonContext, route.ReasonWording, route.ReasonUnsure,
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
	for b.Loop() { // two questions
		r.Decide("What is the difference between the Basic and Pro plans?")
		r.Decide("如果商品已经拆封但没有发票还能退货吗？")
	}
}
