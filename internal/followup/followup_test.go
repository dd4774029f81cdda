package followup_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"kefu/internal/followup"
)

func TestAFollowUpStandsAlone(t *testing.T) {
	tests := []struct{ previous, question, want string }{
		{"How long does shipping take to the US?", "And in Canada?", "How long does shipping take in Canada?"},
		{"How long does shipping take to the US?", "to Canada?", "How long does shipping take to Canada?"},
		{"How long is the warranty of the smart lamp?", "What about the tablet?", "How long is the warranty of the tablet?"},
		{"How long is the warranty of the smart lamp?", "how about headphones", "How long is the warranty of headphones?"},
		{"How much is the Plus plan per year?", "And for two people?", "How much is the Plus plan per year for two people?"},
		{"Can I return a gift card?", "What about opened headphones?", "Can I return a opened headphones?"},
		{"How long is the warranty of the smart lamp?", "Does it cover water damage?", "Does the smart lamp cover water damage?"},
		{"How do I reset the robot vacuum?", "How much does it cost?", "How much does the robot vacuum cost?"},
		{"Can I return the tablet?", "How long?", "Can I return the tablet? How long?"},
		{"Can I return the tablet?", "Why not?", "Can I return the tablet? Why not?"},
		{"智能灯的保修期是多久？", "那平板电脑呢？", "平板电脑的保修期是多久？"},
		{"智能灯的保修期是多久？", "运费呢？", "智能灯的运费是怎样的？"},
		{"寄到香港要多久？", "那加拿大呢？", "寄到加拿大要多久？"},
		{"寄到上海要几天？", "那北京呢？", "寄到北京要几天？"},
		{"智能灯多少钱？", "保修呢？", "智能灯的保修是怎样的？"},
		{"智能灯多少钱？", "那平板呢？", "平板多少钱？"},
		{"请问智能灯怎么安装？", "它防水吗？", "智能灯防水吗？"},
		{"运费多少钱？", "那平板呢？", "运费多少钱，那平板呢？"},
		{"退货需要多少天？", "那运费呢？", "退货需要多少天，那运费呢？"},
		{"智能灯的保修期是多久？", "它支持语音控制吗？", "智能灯支持语音控制吗？"},
		{"礼品卡能退款吗？", "为什么？", "礼品卡能退款吗，为什么？"},
		{"How long is the warranty?", "那运费呢？", "How long is the warranty? 那运费呢？"},
	}
	for _, tt := range tests {
		if got := followup.StandAlone(tt.question, tt.previous); got != tt.want {
			t.Errorf("%q after %q = %q, want %q", tt.question, tt.previous, got, tt.want)
		}
	}
}

func TestAQuestionOfItsOwnStaysAsItIs(t *testing.T) {
	for _, question := range []string{
		"How long does it take to get a refund?",
		"Is it possible to change my address?",
		"My lamp is broken, can I return it?",
		"How do I reset my password?",
		"Which plan includes the lamp that I bought?",
		"What is the warranty of this product?",
		"And how long is the warranty of the smart lamp?",
		"I bought the headphones that you advertised. Can I return the case?",
		"Do you ship to Canada?",
		"智能灯的保修期是多久？",
		"怎么修改收货地址？",
		"请问退货的运费由谁承担？",
		"为什么我的订单被取消了？",
		"Hello",
		"你好",
		"",
		strings.Repeat("it ", 200),
	} {
		if got := followup.StandAlone(question, "Can I return the tablet?"); got != strings.TrimSpace(question) {
			t.Errorf("%q became %q", question, got)
		}
	}
}

func TestNothingBeforeLeavesAQuestionAsItIs(t *testing.T) {
	if got := followup.StandAlone("And in Canada?", ""); got != "And in Canada?" {
		t.Errorf("became %q", got)
	}
	if !followup.Leans("And in Canada?") || !followup.Leans("那运费呢？") {
		t.Error("a follow-up is not recognised")
	}
}

func FuzzStandAlone(f *testing.F) {
	f.Add("And in Canada?", "How long does shipping take to the US?")
	f.Add("那运费呢？", "智能灯的保修期是多久？")
	f.Add("its", "the")
	f.Fuzz(func(t *testing.T, question, previous string) {
		got := followup.StandAlone(question, previous)
		if utf8.ValidString(question) && utf8.ValidString(previous) && !utf8.ValidString(got) {
			t.Errorf("%q is not valid UTF-8", got)
		}
		if len(got) > len(question)+len(previous)+64 {
			t.Errorf("%q is longer than both", got)
		}
	})
}

func BenchmarkLeans(b *testing.B) {
	for b.Loop() {
		followup.Leans("How long is the warranty of the smart lamp?")
	}
}
