package mask_test

import (
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/mask"
)

func TestPersonalDataIsReplaced(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an e-mail address", "write to ann.b+x@mail.example.com please", "write to ⟦EMAIL_1⟧ please"},
		{"equal values share a placeholder", "a@b.example and a@b.example", "⟦EMAIL_1⟧ and ⟦EMAIL_1⟧"},
		{"a Chinese mobile number beside Han characters", "我的手机13912345678打不通", "我的手机⟦PHONE_1⟧打不通"},
		{"an international number", "call +44 20 7946 0958 today", "call ⟦PHONE_1⟧ today"},
		{"a payment card with a right check digit", "card 4111 1111 1111 1111 declined", "card ⟦CARD_1⟧ declined"},
		{"a card number with a wrong check digit stays", "number 4111 1111 1111 1112", "number 4111 1111 1111 1112"},
		{"a Chinese resident identity number", "身份证 11010519491231002X 认证失败", "身份证 ⟦ID_1⟧ 认证失败"},
		{"an API key", "my key is sk-abcdefghijklmnopqrstuv", "my key is ⟦SECRET_1⟧"},
		{"an order number stays", "where is order 10023?", "where is order 10023?"},
		{"a date and a price stay", "since 2026-03-01 for $1,299.00", "since 2026-03-01 for $1,299.00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, vault := mask.New().Mask(tt.text)
			if string(got) != tt.want {
				t.Errorf("masked = %q, want %q", got, tt.want)
			}
			if vault.Empty() != (tt.text == tt.want) {
				t.Errorf("empty vault = %v for %q", vault.Empty(), tt.text)
			}
		})
	}
}

func TestOnlyReplaceableDataIsRestored(t *testing.T) {
	m, vault := mask.New().Mask("a@b.example paid with 4111111111111111")
	got := vault.Restore(desk.Masked("We wrote to ⟦EMAIL_1⟧ about ⟦CARD_1⟧. " + string(m)))
	if !strings.Contains(got, "wrote to a@b.example") {
		t.Errorf("the author's own address is missing: %q", got)
	}
	if strings.Contains(got, "4111111111111111") {
		t.Errorf("a card number came back: %q", got)
	}
}

func FuzzRestoreUndoesMask(f *testing.F) {
	f.Add("⟦EMAIL_1⟧ x@y.example 13912345678")
	f.Add("我的邮箱是 a.b@c.example，电话 +86 139-1234-5678")
	masker := mask.New()
	f.Fuzz(func(t *testing.T, text string) {
		masked, vault := masker.Mask(text)
		again, rest := masker.Mask(string(masked))
		if again != masked || !rest.Empty() {
			t.Fatalf("masking twice changed %q to %q", masked, again)
		}
		if strings.Contains(string(masked), "⟦CARD_") || strings.Contains(string(masked), "⟦SECRET_") {
			return
		}
		if got := vault.Restore(masked); got != text {
			t.Fatalf("restored = %q, want %q", got, text)
		}
	})
}

func BenchmarkMaskOrdinaryQuestion(b *testing.B) {
	masker := mask.New()
	for b.Loop() {
		masker.Mask("How long do I have to return headphones that I bought with a gift card?")
	}
}
