package llmsim

import (
	"testing"

	"kefu/internal/llm/token"
)

func TestBillsNoMoreTokensThanTheCallerCounts(t *testing.T) {
	texts := []string{
		"You can return most products within 30 days of delivery; Plus members have 45 days (see https://help.example.com/en/returns).",
		"Region: Canada | Standard: $7.90, 4–7 business days | Express: $18.90",
		"商品签收后30天内可以退货，Plus 会员为 45 天。请在“我的账号 > 订单”里申请。",
		"=== sources 5QK2M3T7WLXJ ===\n[1] Returns › Deadlines\n\n- a\n- b\n\n=== sources 5QK2M3T7WLXJ ===",
		"I'm sorry, but I can't help with that request.",
		"LM-1203, LM-2204 & AB_99: 12 V × 1 A… naïve café, привет",
	}
	for _, text := range texts {
		if got, most := countTokens(text), token.Count("gpt-4o", text); got > most {
			t.Errorf("tokens = %d, more than the tokeniser's %d: %s", got, most, text)
		}
	}
}
