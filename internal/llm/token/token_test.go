package token

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

const (
	english = "You can return most items within 30 days of delivery, unused and in their original packaging. " +
		"Refunds arrive on the card you paid with after 3–5 working days; see order #AB-1203 for details.\n"
	chinese = "大多数商品可在签收后30天内退货，须未使用且保留原包装。退款将在3至5个工作日内退回原支付方式，详见订单AB-1203。\n"
)

func TestCount(t *testing.T) {
	tests := []struct {
		name, model, text string
		want              int
	}{
		{"nothing is no token", "gpt-5.4-mini", "", 0},
		{"two words with cl100k", "gpt-4", "hello world", 2},
		{"the reference sentence with cl100k", "gpt-3.5-turbo", "tiktoken is great!", 6},
		{"a snapshot counts as its family", "gpt-4-0613", "tiktoken is great!", 6},
		{"the reference sentence with o200k", "gpt-4o-mini", "tiktoken is great!", 6},
		{"no name means o200k", "", "你好", 1},
		{"cl100k takes a token for each common character", "gpt-4", "你好", 2},
		{"a reseller's prefix does not hide the model", "openai/gpt-4o", "你好", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Count(tt.model, tt.text); got != tt.want {
				t.Errorf("Count(%q, %q) = %d, want %d", tt.model, tt.text, got, tt.want)
			}
		})
	}
}

func TestUnknownVendorsAreEstimatedFromAbove(t *testing.T) {
	texts := []string{
		english, chinese, english + chinese, "a", "AB-1203-XJ-7", "1234567890", strings.Repeat("。，", 40),
		"Straße, naïve café, Zürich", "Возврат возможен в течение 30 дней", "返品は30日以内です。반품은 30일 이내입니다.",
		"😀👍🏽 thanks!!!", `{"a":[1,2,3],"b":"x\ny"}`, "\n\n\n\t\t- item\n- item\n", "https://example.com/help/returns?lang=en#top",
	}
	for _, text := range texts {
		got := Count("claude-haiku-5-5", text)
		if exact := max(Count("gpt-4", text), Count("gpt-4o", text)); got < exact {
			t.Errorf("estimate of %q = %d, below the %d of a real tokenizer", text, got, exact)
		}
		if bytes := len(text); got > bytes {
			t.Errorf("estimate of %q = %d, above one token a byte (%d)", text, got, bytes)
		}
	}
}

func TestBound(t *testing.T) {
	for _, text := range []string{english, chinese, "A", ""} {
		o200k := Count("", text)
		for _, model := range []string{"gpt-4o", "gpt-4", "claude-haiku-5-5"} {
			for _, known := range []int{o200k, 0} {
				if got := Bound(model, text, known); got < Count(model, text) && model != "claude-haiku-5-5" || got > len(text) {
					t.Errorf("Bound(%s, %q, %d) = %d, not between its tokens and its bytes", model, text, known, got)
				}
			}
		}
		if got := Bound("gpt-6-luna", text, o200k); got != o200k {
			t.Errorf("Bound with the model's own count = %d, want %d", got, o200k)
		}
	}
}

func TestCountIsSafeForConcurrentUse(t *testing.T) {
	want := Count("gpt-4o", english)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got := Count("gpt-4o", english); got != want {
					t.Errorf("Count = %d, want %d", got, want)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCount(f *testing.F) {
	f.Add(english)
	f.Add(chinese)
	f.Add("\xff\xfe'S  \r\n 　")
	f.Fuzz(func(t *testing.T, text string) {
		for _, model := range []string{"gpt-4", "gpt-4o"} {
			if got := Count(model, text); got < 0 || got > len(text) {
				t.Errorf("Count(%q, %q) = %d, outside [0, %d]", model, text, got, len(text))
			}
		}
		if got := Estimate(text); got < 0 || got > 2*len(text) {
			t.Errorf("Estimate(%q) = %d, outside [0, %d]", text, got, 2*len(text))
		}
	})
}

func BenchmarkCount(b *testing.B) {
	for _, in := range []struct{ name, text string }{
		{"English 4 KB", strings.Repeat(english, 4096/len(english))},
		{"Chinese 4 KB", strings.Repeat(chinese, 4096/len(chinese))},
	} {
		for _, model := range []string{"gpt-4o", "gpt-4", "claude"} {
			b.Run(fmt.Sprintf("%s %s", in.name, model), func(b *testing.B) {
				Count(model, in.text)
				for b.Loop() {
					Count(model, in.text)
				}
			})
		}
	}
}
