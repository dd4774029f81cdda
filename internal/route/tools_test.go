package route_test

import (
	"strings"
	"testing"

	"kefu/internal/route"
)

func TestAnActionOrLiveDataNeedsTools(t *testing.T) {
	live := []string{
		"where is my order 10023?", "Where's my parcel?", "What is the status of order LN20410023?", "Has my order shipped yet?",
		"When will my package arrive?", "Did my refund get processed?", "order 10023", "How many points do I have left on my account?",
		"My order #4711 has not arrived", "Can you check on my return?", "Can I still cancel order 10023?",
		"我的订单10023到哪里了？", "查一下订单10023", "帮我查一下物流", "我的快递什么时候到？", "我的退款到账了吗", "订单 LN20410023 发货了没",
		"我的积分还剩多少？", "我上周买的包裹怎么还没到", "單號 LN20410023 到哪裡了",
	}
	action := []string{
		"cancel my subscription", "Please cancel order 10002", "I want to cancel my order", "Can you cancel my order LN20410002?",
		"I ordered the wrong size. Please cancel order 10002.", "Could you reschedule my delivery?", "I'd like to return my purchase",
		"帮我取消", "帮我取消订单10002", "我要取消订单 LN20410002", "请把订单10002取消", "能帮我取消我的订单吗", "麻烦帮我退订", "取消我的订单10002",
	}
	for _, q := range live {
		if r, ok := route.WantsTools(q); !ok || r.Action || r.Reason != route.ReasonLiveData || r.Confidence < 0.5 {
			t.Errorf("WantsTools(%q) = %+v, %t, want live data", q, r, ok)
		}
	}
	for _, q := range action {
		if r, ok := route.WantsTools(q); !ok || !r.Action || r.Reason != route.ReasonAction {
			t.Errorf("WantsTools(%q) = %+v, %t, want an action", q, r, ok)
		}
	}
}

func TestWhatStandsInDocumentsNeedsNoTools(t *testing.T) {
	for _, q := range []string{
		"How do I cancel my order?", "How long do I have to return a product?", "Can I cancel my subscription at any time?", "What is your return policy?",
		"How long does shipping take?", "What happens to my points if I cancel my membership?", "Do you ship to Norway?", "hello", "",
		"What does order status “on hold” mean?", "How do I track a parcel?", "Which plan is better for a small team?", "Where is your shop?",
		"怎么取消订单？", "签收后多少天内可以退货？", "如何查询物流？", "退款多久到账？", "可以更改收货地址吗？", "会员积分有什么用？", "我想了解一下退货流程", "你们几点上班？",
		"怎么注销账号？", "我的会员可以退款吗", "超过三十天还可以退货吗",
	} {
		if r, ok := route.WantsTools(q); ok {
			t.Errorf("WantsTools(%q) = %+v, want none", q, r)
		}
	}
}

func FuzzWantsTools(f *testing.F) {
	f.Add("where is my order 10023?")
	f.Add("帮我取消\xff")
	f.Add(strings.Repeat("我的订单1", 800))
	f.Fuzz(func(t *testing.T, question string) {
		if r, ok := route.WantsTools(question); ok != (r.Confidence > 0) || r.Confidence > 1 {
			t.Errorf("WantsTools(%q) = %+v, %t", question, r, ok)
		}
	})
}

func BenchmarkWantsTools(b *testing.B) {
	for b.Loop() {
		route.WantsTools("How long do I have to return a product?")
		route.WantsTools("签收后多少天内可以退货？")
	}
}
