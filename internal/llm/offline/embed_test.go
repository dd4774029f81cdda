package offline_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/offline"
)

func vectors(t *testing.T, texts ...desk.Masked) [][]float32 {
	t.Helper()
	got, err := offline.NewEmbedder().Embed(t.Context(), llm.EmbedCall{Texts: texts})
	if err != nil {
		t.Fatal(err)
	}
	return got.Vectors
}

func cosine(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestVectorsHaveLengthOneWhateverTheText(t *testing.T) {
	for i, v := range vectors(t, "", " \n", "?!", "a", "退", "Return within 30 days", "\xff\xfe", desk.Masked(strings.Repeat("退货 refund ", 5000))) {
		if length := math.Sqrt(cosine(v, v)); math.Abs(length-1) > 1e-6 {
			t.Errorf("text %d: length = %v, want 1", i, length)
		}
	}
}

func TestTextsThatShareWordsAreNearer(t *testing.T) {
	tests := []struct {
		name                string
		question, near, far desk.Masked
	}{
		{"inflected words", "returning a damaged item", "Damaged items can be returned", "Shipping to Norway costs more"},
		{"a misspelt word", "how long is the waranty", "The warranty lasts two years", "How long does a refund take"},
		{"Chinese words", "退货的运费谁出", "退货运费由我们承担", "会员每年有两张优惠券"},
		{"function words do not count", "怎么修改密码", "密码可以在设置中修改", "怎么查询物流"},
		{"a part number", "AB-1203 battery", "Part AB-1203 fits all models", "The battery of AC-9 lasts long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := vectors(t, tt.question, tt.near, tt.far)
			if near, far := cosine(v[0], v[1]), cosine(v[0], v[2]); near <= far {
				t.Errorf("near = %.3f, far = %.3f", near, far)
			}
		})
	}
}

// TestModelNamesItsVectors fails when the vectors change: then EmbedderModel
// needs a new version too, because stored vectors are compared with new ones.
func TestModelNamesItsVectors(t *testing.T) {
	v := vectors(t, "Returned: ab-1 退货")[0]
	got := []float32{}
	for i, x := range v {
		if x != 0 {
			got = append(got, float32(i), x)
		}
	}
	if offline.EmbedderModel != "offline-hash-512-v3" || !slices.Equal(got, golden) {
		t.Errorf("model %s: places and values = %v", offline.EmbedderModel, got)
	}
}

func TestEmbeddingIsTheSameEveryTime(t *testing.T) {
	text := desk.Masked(strings.Repeat("Refunds for AB-1203 take 5 days. 退款需要五天。", 20))
	first := vectors(t, text)[0]
	for range 5 {
		if !slices.Equal(first, vectors(t, text)[0]) {
			t.Fatal("the same text gave different vectors")
		}
	}
}

func TestACancelledContextIsAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := offline.NewEmbedder().Embed(ctx, llm.EmbedCall{Texts: []desk.Masked{"a"}})
	if llm.KindOf(err) != llm.Cancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want a cancelled failure", err)
	}
}

func BenchmarkEmbedPassage(b *testing.B) {
	text := []desk.Masked{desk.Masked(strings.Repeat("Refunds for AB-1203 take 5 working days. 退款需要五个工作日。", 8))}
	e := offline.NewEmbedder()
	for b.Loop() {
		if _, err := e.Embed(b.Context(), llm.EmbedCall{Texts: text}); err != nil {
			b.Fatal(err)
		}
	}
}

// golden holds the places and values of the vector of "Returned: ab-1 退货".
var golden = []float32{
	19, -0.1796053, 32, 0.1796053, 33, 0.1796053, 51, 0.1796053, 54, -0.26940796, 77, -0.26940796,
	82, 0.1796053, 101, -0.1796053, 154, 0.26940796, 156, -0.1796053, 174, -0.1796053, 189, 0.1796053,
	194, 0.1796053, 208, -0.26940796, 212, -0.1796053, 243, -0.1796053, 284, 0.1796053, 300, 0.1796053,
	302, 0.1796053, 326, 0.1796053, 356, -0.1796053, 357, -0.1796053, 359, 0.1796053, 409, -0.1796053,
	457, -0.1796053, 480, -0.1796053,
}
