package lang_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

func TestOf(t *testing.T) {
	tests := []struct {
		name, text string
		want       desk.Lang
	}{
		{"an English question", "How do I return an item?", desk.English},
		{"a Chinese question", "怎么退货？", desk.Chinese},
		{"product names in a Chinese question", "TiDB Lightning TiKV PD 报错", desk.Chinese},
		{"one Chinese word in an English question", "What does 客服 mean in the contract?", desk.English},
		{"Traditional Chinese", "請問運費是多少？", desk.Chinese},
		{"Japanese is not Chinese", "返品はどうすればいいですか", desk.English},
		{"French", "Où est ma commande ?", desk.English},
		{"nothing", "", desk.English},
		{"numbers only", "12345", desk.English},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lang.Of(tt.text); got != tt.want {
				t.Errorf("Of(%q) = %s, want %s", tt.text, got, tt.want)
			}
		})
	}
}

func TestNormalise(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"case, spaces and end marks do not matter", "  How do I  RETURN it ?? ", "how do i return it"},
		{"full-width forms become plain", "ＡＢ－１２０３ 多少钱？", "ab-1203多少钱"},
		{"Chinese end marks are dropped", "怎么退货呢？！。", "怎么退货呢"},
		{"spaces beside Han characters mean nothing", "iPhone 15 怎么 激活", "iphone 15怎么激活"},
		{"typographic apostrophes are plain", "What’s this", "what's this"},
		{"percent and plus signs carry meaning", "C++ 50%", "c++ 50%"},
		{"invisible characters vanish", "re\u200bfund\ufeff", "refund"},
		{"invalid UTF-8 is a space", "a\xffb", "a b"},
		{"a blank question is empty", " \n\t ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lang.Normalise(tt.text); got != tt.want {
				t.Errorf("Normalise(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestTerms(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"English words are stemmed", "Returning returned items", []string{"return", "return", "item"}},
		{"Han runs give bigrams", "退货运费", []string{"退货", "货运", "运费"}},
		{"a single Han character gives itself", "税", []string{"税"}},
		{"scripts are separated", "iPhone15手机", []string{"iphone15", "手机"}},
		{"a part number is kept whole and gives its parts", "AB-1203", []string{"ab-1203", "ab", "1203"}},
		{"a date gives its parts", "2024-03-01", []string{"2024-03-01", "2024", "03", "01"}},
		{"a decimal is one number", "9.99.", []string{"9.99"}},
		{"thousands are one number", "1,000 items", []string{"1000", "item"}},
		{"a short hyphenated word is also one word", "e-mail", []string{"email", "e", "mail"}},
		{"a hyphenated word gives its parts", "step-by-step sign-ups", []string{"stepbystep", "step", "by", "step", "sign", "up"}},
		{"an identifier is kept whole", "tidb_gc", []string{"tidb_gc", "tidb", "gc"}},
		{"apostrophes do not split", "don’t", []string{"don't"}},
		{"accents stay", "café", []string{"café"}},
		{"nothing", " -- ... ", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lang.Terms(tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("Terms(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestContentTerms(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"English stop words are left out", "How do I return the item?", []string{"return", "item"}},
		{"Chinese question words are left out", "请问运费是多少？", []string{"运费"}},
		{"words that contain a function character stay", "怎么了解会员功能", []string{"了解", "解会", "会员", "员功", "功能"}},
		{"words of time and possibility are left out", "积分会过期吗", []string{"积分", "过期"}},
		{"so they are where several follow each other", "还要多久才能退款", []string{"退款"}},
		{"Traditional Chinese too", "什麼時候發貨", []string{"发货"}},
		{"an older question word asks too", "圜丘壇於何年建成", []string{"圜丘", "丘坛", "坛于", "建成"}},
		{"only function words", "what is this", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lang.ContentTerms(tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("ContentTerms(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestSentences(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"English prose", "Refunds take 5 days. Call us! Really?", []string{"Refunds take 5 days.", "Call us!", "Really?"}},
		{"Chinese prose", "七天内可退货。运费由我们承担！好吗？", []string{"七天内可退货。", "运费由我们承担！", "好吗？"}},
		{"decimals, versions and addresses do not split", "It costs 9.99 at shop.example.com?a=1 in v1.2 now. Yes.", []string{"It costs 9.99 at shop.example.com?a=1 in v1.2 now.", "Yes."}},
		{"abbreviations do not split", "Dr. Smith, e.g. from the U.S. Embassy, came. No. 5 too.", []string{"Dr. Smith, e.g. from the U.S. Embassy, came.", "No. 5 too."}},
		{"quotes stay with their sentence", "他说：“可以。”然后走了。", []string{"他说：“可以。”", "然后走了。"}},
		{"citation marks stay with their sentence", "Free returns. [1][2] Pay later [3]. 免运费。[1]好的。", []string{"Free returns. [1][2]", "Pay later [3].", "免运费。[1]", "好的。"}},
		{"list items stand alone", "Steps:\n1. Open the app\n2. Tap Return\n- or call", []string{"Steps:", "1. Open the app", "2. Tap Return", "- or call"}},
		{"Chinese list items stand alone", "步骤：\n一、打开应用\n二、点击退货", []string{"步骤：", "一、打开应用", "二、点击退货"}},
		{"a short line stands alone", "Returns\nYou have 30 days.", []string{"Returns", "You have 30 days."}},
		{"wrapped prose is joined", "You may return any item that you bought from us in the very last\nThirty days are plenty of time.", []string{"You may return any item that you bought from us in the very last\nThirty days are plenty of time."}},
		{"a line that goes on in lower case is joined", "You may return\nany item.", []string{"You may return\nany item."}},
		{"paragraphs are apart", "One\n\ntwo", []string{"One", "two"}},
		{"table rows stand alone", "| Plan | Price |\n| Basic | $5 |", []string{"| Plan | Price |", "| Basic | $5 |"}},
		{"a wide row stands alone, whatever stops it holds", "Our fees depend on where you live. See below\nRegion: Canada and all islands | Express: $18.90. Sent at once. | Free from: $79\nRegion: EU | Free from: $59\nthen more.", []string{"Our fees depend on where you live.", "See below", "Region: Canada and all islands | Express: $18.90. Sent at once. | Free from: $79", "Region: EU | Free from: $59", "then more."}},
		{"a question mark within a sentence does not split", "Press Forgot password? on the page. Not there? Call us.", []string{"Press Forgot password? on the page.", "Not there?", "Call us."}},
		{"who writes without capitals ends questions too", "where is it? i wait", []string{"where is it?", "i wait"}},
		{"an ellipsis in mid-sentence does not split", "Wait... and see. 等等……好。", []string{"Wait... and see.", "等等……", "好。"}},
		{"nothing", " \n ", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, s := range lang.Sentences(tt.text) {
				got = append(got, tt.text[s.Start:s.End])
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Sentences(%q) =\n%q, want\n%q", tt.text, got, tt.want)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"one form however it is written", "1,000 = 1000.0 = １０００", []string{"1000", "1000", "1000"}},
		{"units do not matter", "30-day 30天 三十天 thirty days", []string{"30", "30", "30", "30"}},
		{"prices and shares", "$9.99, 50%", []string{"9.99", "50"}},
		{"dates give their fields", "2024-03-05 2024年3月5日 10:30", []string{"2024", "3", "5", "2024", "3", "5", "10", "30"}},
		{"part numbers lose case and separators", "AB-1203 ab1203 X_9", []string{"ab1203", "ab1203", "x9"}},
		{"a model name is a word and a number", "iPhone15, iPhone 15, iphone-15", []string{"15", "15", "15"}},
		{"versions keep their dots", "v5.4.0 and 5.4.0", []string{"5.4.0", "5.4.0"}},
		{"Chinese numerals", "二十四 一百零五 三千二 两万 一百二十 二〇二四年", []string{"24", "105", "3200", "20000", "120", "2024"}},
		{"万 scales digits", "3万 1.5亿", []string{"30000", "150000000"}},
		{"Chinese digits before a unit", "两年 三个工作日 十天 五折", []string{"2", "3", "10", "5"}},
		{"Chinese words that only look like numbers", "万一 一下 一些 十分 千万 周三 两三百 三五天 统一", nil},
		{"English number words before a unit", "two business days, twenty-four hours, a two-year plan", []string{"2", "24", "2"}},
		{"English number words without a unit", "one of them is second to none", nil},
		{"more than can be counted", "一亿亿亿亿亿", nil},
		{"nothing", "no numbers", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lang.Numbers(tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("Numbers(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

var seeds = []string{
	"", "How do I return AB-1203?", "怎么退货？七天内。", "1,000.50 v1.2 2024-03-05", "一百二十 万一 两三百",
	"Dr. Smith e.g. [1] (a) \n- x\n1. y\n|a|\n", "İstanbul ﬁ Ω ͅ\u0345 ǅ", "\xff\xfe", "……？！。”", "e-mail don’t ’s'-'",
	"亿亿亿亿亿亿亿亿亿亿九亿", "ﷺ\u200d👩‍👩‍👧", "two-", "-1-.-2",
}

func FuzzNormalise(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := lang.Normalise(text)
		if twice := lang.Normalise(once); twice != once {
			t.Errorf("Normalise is not idempotent: %q, then %q", once, twice)
		}
		if !utf8.ValidString(once) {
			t.Errorf("Normalise(%q) = %q is not valid UTF-8", text, once)
		}
	})
}

func FuzzTerms(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all := lang.Terms(text)
		for _, term := range slices.Concat(all, lang.ContentTerms(text)) {
			if term == "" || strings.ContainsAny(term, " \n\t") {
				t.Errorf("Terms(%q) holds %q", text, term)
			}
		}
		if len(all) > 3*len(text)+1 {
			t.Errorf("Terms(%q) has %d terms", text, len(all))
		}
		lang.Numbers(text)
		lang.Of(text)
	})
}

func FuzzSentences(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, s := range lang.Sentences(text) {
			if s.Start < end || s.End <= s.Start || s.End > len(text) {
				t.Fatalf("Sentences(%q) has span %v after %d", text, s, end)
			}
			if gap := strings.TrimSpace(text[end:s.Start]); gap != "" {
				t.Fatalf("Sentences(%q) leaves out %q", text, gap)
			}
			end = s.End
		}
		if rest := strings.TrimSpace(text[end:]); rest != "" {
			t.Fatalf("Sentences(%q) leaves out %q", text, rest)
		}
	})
}

func TestSynonymsAreOfAllFormsAndBothWays(t *testing.T) {
	for _, tt := range []struct{ a, b string }{{"telephones", "mobile"}, {"delivered", "delivery"}, {"过期", "失效"}} {
		a, b := lang.Terms(tt.a)[0], lang.Terms(tt.b)[0]
		if !slices.Contains(lang.Synonyms(a), b) || !slices.Contains(lang.Synonyms(b), a) {
			t.Errorf("%q and %q are no synonyms", a, b)
		}
		if slices.Contains(lang.Synonyms(a), a) {
			t.Errorf("%q is its own synonym", a)
		}
	}
	if got := lang.Synonyms("battery"); got != nil {
		t.Errorf("synonyms of battery = %q, want none", got)
	}
}
