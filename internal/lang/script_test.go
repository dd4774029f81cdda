package lang_test

import (
	"slices"
	"testing"
	"unicode/utf8"

	"kefu/internal/lang"
)

func TestSimplifyWritesTheSameWords(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"Traditional Chinese", "請問可以寄到臺灣嗎？運費怎麼算", "请问可以寄到台湾吗？运费怎么算"},
		{"Simplified Chinese stays", "退货运费", "退货运费"},
		{"other scripts stay", "Refunds für AB-1203 カード", "Refunds für AB-1203 カード"},
		{"what is no text stays in place", "退\xff貨", "退\ufffd货"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := lang.Simplify(tt.text); got != tt.want {
				t.Errorf("Simplify(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestTermsAreThoseOfTheOtherScript(t *testing.T) {
	for _, pair := range [][2]string{
		{"如何查詢物流進度", "如何查询物流进度"},
		{"可以開發票嗎，幾天寄到臺灣", "可以开发票吗，几天寄到台湾"},
	} {
		if a, b := lang.Terms(pair[0]), lang.Terms(pair[1]); !slices.Equal(a, b) {
			t.Errorf("Terms = %q and %q, want the same", a, b)
		}
		if a, b := lang.ContentTerms(pair[0]), lang.ContentTerms(pair[1]); !slices.Equal(a, b) {
			t.Errorf("ContentTerms = %q and %q, want the same", a, b)
		}
	}
}

func FuzzSimplifyKeepsEveryCharacterAndIsDoneOnce(f *testing.F) {
	f.Add("請問退貨")
	f.Add("ab\x80")
	f.Fuzz(func(t *testing.T, text string) {
		simple := lang.Simplify(text)
		if utf8.RuneCountInString(simple) != utf8.RuneCountInString(text) {
			t.Errorf("%q became %q", text, simple)
		}
		if again := lang.Simplify(simple); again != simple {
			t.Errorf("%q became %q", simple, again)
		}
	})
}
