package match_test

import (
	"fmt"
	"testing"

	"kefu/internal/match"
)

func ExampleSame() {
	_, same := match.Same("Please, how can I cancel my order?", "How do I cancel an order?")
	fmt.Println(same)
	_, same = match.Same("怎么取消会员？", "怎么开通会员？")
	fmt.Println(same)
	// Output:
	// true
	// false
}

func TestTheSameQuestionInOtherWords(t *testing.T) {
	for _, pair := range [][2]string{
		{"How do I cancel my order?", "how do i cancel my order"},
		{"How do I cancel my order?", "HOW DO I CANCEL MY ORDER???"},
		{"How can I cancel an order?", "How do I cancel my order?"},
		{"How to cancel my order", "How do I cancel my order?"},
		{"I want to cancel my order", "How do I cancel my order?"},
		{"cancel order", "How do I cancel my order?"},
		{"Hi, can you please tell me how to cancel my order?", "How do I cancel my order?"},
		{"How do I call off my order?", "How do I cancel my order?"},
		{"How long does shipping take?", "How long does delivery take?"},
		{"How do I get my money back?", "How do I get a refund?"},
		{"How do I sign in?", "How do I log in?"},
		{"How can I change my e-mail address?", "How do I update my email?"},
		{"Where is my parcel?", "Where's my package?"},
		{"What payment methods do you accept?", "Which payment methods are accepted?"},
		{"I forgot my password", "I've forgotten my password"},
		{"Why can't I log in?", "Why am I unable to sign in?"},
		{"Is the AB-1203 covered by the warranty?", "is the ab-1203 covered by warranty"},
		{"Do you ship to Canada?", "do you ship to canada please"},
		{"Can I return an item after 30 days?", "Can I return a product after thirty days?"},
		{"How much does express shipping cost?", "how much does express delivery cost?"},
		{"如何取消订单？", "怎么取消订单"},
		{"请问怎么取消订单呢？", "如何取消我的订单"},
		{"我想取消订单", "怎么取消订单？"},
		{"取消订单", "怎么取消订单？"},
		{"您好，麻烦问一下怎么退款", "如何退款？"},
		{"怎么退钱", "怎样退款？"},
		{"退款要多久到账？", "退款多长时间到账"},
		{"忘记密码怎么办？", "忘记密码了怎么办"},
		{"快递费是多少？", "运费是多少"},
		{"怎么修改收货地址？", "如何更改收货地址"},
		{"能不能货到付款", "可不可以货到付款？"},
		{"支持货到付款吗", "支持货到付款吗？"},
		{"你们几点上班？", "几点上班"},
		{"怎么查看物流", "如何查询快递？"},
		{"三十天内可以退货吗", "30天内可以退货吗？"},
		{"怎么注销账号", "如何注销账户？"},
		{"退款什么时候到账", "退款多久到账？"},
		{"耳塞拆封了可以退吗", "耳塞拆封了还能退吗？"},
		{"When will my order arrive?", "How long does it take for my order to arrive?"},
	} {
		similarity, same := match.Same(pair[0], pair[1])
		if !same {
			t.Errorf("%q and %q: not the same (similarity %.2f), want the same", pair[0], pair[1], similarity)
		}
	}
}

func TestQuestionsThatOnlyLookAlike(t *testing.T) {
	for _, pair := range [][2]string{
		{"How do I cancel my subscription?", "How do I activate my subscription?"},
		{"What is the refund policy in the EU?", "What is the refund policy in the US?"},
		{"欧盟的退款政策是什么？", "美国的退款政策是什么？"},
		{"Can I pay $50 by card?", "Can I pay $500 by card?"},
		{"满100元包邮吗", "满200元包邮吗"},
		{"Does part AB-1203 fit the X100?", "Does part AB-1230 fit the X100?"},
		{"Can I return opened items?", "Can't I return opened items?"},
		{"How do I enable notifications?", "How do I disable notifications?"},
		{"Can I change my order before it ships?", "Can I change my order after it ships?"},
		{"Can I return an item after 30 days?", "Can I return an item after 60 days?"},
		{"How do I reset the AB-1203?", "How do I reset the AB-1204?"},
		{"Is shipping free?", "Is shipping not free?"},
		{"Why was my card declined?", "Why was my card not declined?"},
		{"When will I get my refund?", "Where will I get my refund?"},
		{"How long is the warranty?", "Where is the warranty?"},
		{"How much is the Plus plan?", "When is the Plus plan?"},
		{"Who delivers my order?", "When is my order delivered?"},
		{"Why do I pay for returns?", "How do I pay for returns?"},
		{"Do you ship to Canada?", "Do you ship to Australia?"},
		{"Do you ship to the US?", "Do you ship to the UK?"},
		{"Can you send it to us?", "Can you send it to the US?"},
		{"Do you ship?", "Do you ship to Canada?"},
		{"How do I return an item?", "How do I exchange an item?"},
		{"How do I move money from savings to checking?", "How do I move money from checking to savings?"},
		{"How do I set up the app on Android?", "How do I set up the app on iPhone?"},
		{"Is the monthly plan refundable?", "Is the yearly plan refundable?"},
		{"How do I delete my account?", "How do I create my account?"},
		{"How do I change my password?", "How do I change my username?"},
		{"How many days do I have for a return?", "How many weeks do I have for a return?"},
		{"Is the limit 5 kg?", "Is the limit 5 lb?"},
		{"How do I log in?", "How do I log out?"},
		{"Where is my order?", "Where is my refund?"},
		{"How do I cancel my order?", "怎么取消订单？"},
		{"怎么开通会员？", "怎么取消会员？"},
		{"如何开启通知", "如何关闭通知"},
		{"发货之前可以改地址吗", "发货之后可以改地址吗"},
		{"七天内可以退货吗", "十五天内可以退货吗"},
		{"可以退货吗", "不可以退货吗"},
		{"什么时候发货", "从哪里发货"},
		{"会员多少钱", "会员什么时候到期"},
		{"为什么要付运费", "怎么付运费"},
		{"怎么退货", "怎么换货"},
		{"可以寄到香港吗", "可以寄到台湾吗"},
		{"国内运费是多少", "国外运费是多少"},
		{"怎么充值", "怎么提现"},
		{"安卓手机怎么安装", "苹果手机怎么安装"},
		{"月会员可以退款吗", "年会员可以退款吗"},
		{"怎么绑定手机号", "怎么解绑手机号"},
		{"怎么修改密码", "怎么修改用户名"},
		{"保修期多久", "保修期从什么时候开始"},
		{"MX200 怎么重置", "MX300 怎么重置"},
		{"When is the sale?", "How long is the sale?"},
		{"这款灯有什么功能", "这款灯有什么"},
		{"不能退货吗", "能退货吗"},
		{"谁承担运费", "什么时候承担运费"},
		{"", "how do I pay?"},
		{"", ""},
		{"???", "！！！"},
		{"吗", "呢"},
	} {
		if similarity, same := match.Same(pair[0], pair[1]); same {
			t.Errorf("%q and %q: the same (similarity %.2f), want different", pair[0], pair[1], similarity)
		}
	}
}

func TestSimilarityIsOneForTheSameWordsOnly(t *testing.T) {
	tests := []struct {
		name            string
		asked, curated  string
		atLeast, atMost float64
	}{
		{"spelling does not count", "How do I pay?", "how do i pay", 1, 1},
		{"half of the words in common", "express delivery", "express checkout", 0.4, 0.6},
		{"nothing in common", "Where is my parcel?", "Is the shop open on Sundays?", 0, 0},
		{"another language", "How do I pay?", "怎么付款？", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := match.Same(tt.asked, tt.curated)
			if got < tt.atLeast || got > tt.atMost {
				t.Errorf("similarity = %.2f, want %.2f to %.2f", got, tt.atLeast, tt.atMost)
			}
		})
	}
}

func FuzzSame(f *testing.F) {
	f.Add("How do I cancel my order?", "怎么取消订单？")
	f.Add("从 A 到 B", "from US to U.K. 1,000.5 kg")
	f.Fuzz(func(t *testing.T, a, b string) {
		similarity, same := match.Same(a, b)
		if similarity < 0 || similarity > 1 {
			t.Errorf("similarity = %v, want within 0 and 1", similarity)
		}
		back, sameBack := match.Same(b, a)
		if back-similarity > 1e-9 || similarity-back > 1e-9 || same != sameBack {
			t.Errorf("asked the other way round: %v, %v, want %v, %v", back, sameBack, similarity, same)
		}
	})
}

func BenchmarkSame(b *testing.B) {
	b.Run("English", func(b *testing.B) {
		for b.Loop() {
			match.Same("Can you please tell me how to cancel my order?", "How do I cancel an order?")
		}
	})
	b.Run("Chinese", func(b *testing.B) {
		for b.Loop() {
			match.Same("请问怎么取消我的订单呢？", "如何取消订单？")
		}
	})
}
