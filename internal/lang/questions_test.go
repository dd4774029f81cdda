package lang_test

import (
	"slices"
	"strings"
	"testing"

	"kefu/internal/lang"
)

func TestATextIsCutIntoWhatItAsks(t *testing.T) {
	tests := []struct {
		name, text string
		asked      []string
		told       string
	}{
		{"one question", "How do I return it?", []string{"How do I return it?"}, ""},
		{"two", "How do I return it and who pays for the label?", []string{"How do I return it", "and who pays for the label?"}, ""},
		{"what is told is no question", "I live in Canada. What does shipping cost?", []string{"What does shipping cost?"}, "I live in Canada"},
		{"a problem and what to do", "My lamp is dark, what should I do?", []string{"My lamp is dark, what should I do?"}, ""},
		{"a problem and a call for help", "智能灯红灯每秒闪一下，连不上网，怎么排查？", []string{"智能灯红灯每秒闪一下，连不上网，怎么排查？"}, ""},
		{"a request to compare and to say more", "请比较标准配送和加急配送，并说明费用和时间", []string{"请比较标准配送和加急配送", "并说明费用和时间"}, ""},
		{"a statement is its only question", "I was charged twice", []string{"I was charged twice"}, ""},
		{"two in Chinese", "运费是多少？几天能到？", []string{"运费是多少", "几天能到？"}, ""},
		{"a request and a question", "请说明退货流程以及运费由谁承担", []string{"请说明退货流程", "以及运费由谁承担"}, ""},
		{"nothing", "", []string{""}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked, told := lang.Questions(tt.text)
			if !slices.Equal(asked, tt.asked) || told != tt.told {
				t.Errorf("asked %q, told %q; want %q, %q", asked, told, tt.asked, tt.told)
			}
		})
	}
}

func FuzzQuestionsKeepTheText(f *testing.F) {
	f.Add("How do I return it, and who pays? I am in a hurry.")
	f.Add("保修期多久，进水能保修吗？另外运费多少")
	f.Fuzz(func(t *testing.T, text string) {
		asked, told := lang.Questions(text)
		if len(asked) == 0 || len(asked) > 4 || len(strings.Join(asked, "")+told) > len(text) {
			t.Errorf("%q gives %q and %q", text, asked, told)
		}
	})
}
