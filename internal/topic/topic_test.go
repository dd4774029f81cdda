package topic_test

import (
	"testing"

	"kefu/internal/topic"
)

const setting = "medical=diagnosis,side effect,诊断; legal=lawsuit，诉讼；trade=Project Falcon"

func TestTextsAreRecognisedByTheirWords(t *testing.T) {
	l, err := topic.Parse(setting)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"What is my DIAGNOSIS?":                 "medical",
		"Are there any side effects of it":      "medical",
		"请问我的诊断结果是什么？":                          "medical",
		"Two lawsuits are pending":              "legal",
		"关于诉讼，请问进展":                             "legal",
		"the budget of project falcon":          "trade",
		"the falcon project":                    "",
		"the side of the box, and its effect":   "",
		"How long do I have to return an item?": "",
		"退货需要多长时间？":                             "",
		"":                                      "",
		"Ｄｉａｇｎｏｓｉｓ in full width is the same word": "medical",
	} {
		if got, ok := l.Of(text); got != want || ok != (want != "") {
			t.Errorf("%q is of %q, want %q", text, got, want)
		}
	}
	if got, _ := l.Of("hello", "a lawsuit"); got != "legal" {
		t.Errorf("of two texts the second is of %q, want legal", got)
	}
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, bad := range []string{"medical", "medical=", "Medical=a", "=word", "a b=word", "m=!!!", "medical=x;legal"} {
		if _, err := topic.Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, none := range []string{"", " ; \n"} {
		if l, err := topic.Parse(none); l != nil || err != nil {
			t.Errorf("%q = %v, %v, want none", none, l, err)
		}
	}
}
