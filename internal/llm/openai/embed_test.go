package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/llmtest"
)

type embedRequest struct {
	Input      []string `json:"input"`
	Model      string   `json:"model"`
	Dimensions int      `json:"dimensions"`
}

// embedder returns an embedder of two dimensions and the requests it made.
func embedder(t *testing.T, answer func(embedRequest) string) (*Embedder, *[]embedRequest) {
	t.Helper()
	var seen []embedRequest
	p := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var in embedRequest
		json.NewDecoder(r.Body).Decode(&in)
		seen = append(seen, in)
		if r.URL.Path != "/v1/embeddings" {
			w.WriteHeader(http.StatusNotFound)
		}
		llmtest.Reply(200, answer(in))(w, r)
	})
	return NewEmbedder(EmbedderConfig{Config: p.config, Dimensions: 2}), &seen
}

// backwards gives text i the vector (i, 2), last one first.
func backwards(in embedRequest) string {
	var data []string
	for i := range slices.Backward(in.Input) {
		data = append(data, fmt.Sprintf(`{"index":%d,"embedding":[%d,2]}`, i, i))
	}
	return `{"data":[` + strings.Join(data, ",") + `],"usage":{"prompt_tokens":` + fmt.Sprint(len(in.Input)) + `}}`
}

func TestEmbeddingsAreInOrderAndOfLengthOne(t *testing.T) {
	e, _ := embedder(t, backwards)
	got, err := e.Embed(t.Context(), llm.EmbedCall{Texts: []desk.Masked{"a", "b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got.Vectors {
		if ratio := v[0] / v[1]; math.Abs(float64(ratio)-float64(i)/2) > 1e-6 {
			t.Errorf("vector %d = %v, belongs to another text", i, v)
		}
		if length := math.Hypot(float64(v[0]), float64(v[1])); math.Abs(length-1) > 1e-6 {
			t.Errorf("length of vector %d = %v, want 1", i, length)
		}
	}
	if got.Usage.Prompt != 3 {
		t.Errorf("usage = %+v, want 3 prompt tokens", got.Usage)
	}
}

func TestManyTextsMakeSeveralRequests(t *testing.T) {
	e, seen := embedder(t, backwards)
	texts := slices.Repeat([]desk.Masked{"short"}, 300)
	texts = append(texts, desk.Masked(strings.Repeat("x", 200_000)), desk.Masked(strings.Repeat("y", 200_000)))
	got, err := e.Embed(t.Context(), llm.EmbedCall{Texts: texts})
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, r := range *seen {
		sizes = append(sizes, len(r.Input))
		if r.Model != "text-embedding-3-small" || r.Dimensions != 2 {
			t.Errorf("request = %s of %d dimensions", r.Model, r.Dimensions)
		}
	}
	if !slices.Equal(sizes, []int{256, 45, 1}) {
		t.Errorf("texts by request = %v, want 256 by number, 45 by bytes, 1", sizes)
	}
	if len(got.Vectors) != 302 || got.Usage.Prompt != 302 {
		t.Errorf("%d vectors, usage %+v, want 302 of each", len(got.Vectors), got.Usage)
	}
}

func TestNoTextsMakeNoRequest(t *testing.T) {
	e, seen := embedder(t, backwards)
	if got, err := e.Embed(t.Context(), llm.EmbedCall{}); err != nil || len(got.Vectors) != 0 || len(*seen) != 0 {
		t.Errorf("Embed = %v, %v after %d requests", got, err, len(*seen))
	}
}

func TestEmbeddingsThatCannotBeUsed(t *testing.T) {
	tests := []struct{ name, data string }{
		{"a zero vector", `{"index":0,"embedding":[0,0]},{"index":1,"embedding":[1,0]}`},
		{"a vector beyond every float", `{"index":0,"embedding":[1e39,0]},{"index":1,"embedding":[1,0]}`},
		{"an empty vector", `{"index":0,"embedding":[]},{"index":1,"embedding":[]}`},
		{"one too few", `{"index":0,"embedding":[1,0]}`},
		{"one index twice", `{"index":0,"embedding":[1,0]},{"index":0,"embedding":[1,0]}`},
		{"an index out of range", `{"index":0,"embedding":[1,0]},{"index":2,"embedding":[1,0]}`},
		{"other dimensions than asked for", `{"index":0,"embedding":[1,0,0]},{"index":1,"embedding":[1,0,0]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := embedder(t, func(embedRequest) string {
				return `{"data":[` + tt.data + `],"usage":{"prompt_tokens":9}}`
			})
			_, err := e.Embed(t.Context(), llm.EmbedCall{Texts: []desk.Masked{"a", "b"}})
			if llm.KindOf(err) != llm.InvalidReply {
				t.Errorf("Embed = %v, want an invalid reply", err)
			}
		})
	}
}

func TestNotANumberIsNoVector(t *testing.T) {
	for _, v := range [][]float32{{float32(math.NaN()), 1}, {float32(math.Inf(1)), 1}, {}, {0}} {
		if normalise(v) {
			t.Errorf("normalise(%v) succeeded", v)
		}
	}
}

func TestAFailedRequestKeepsTheUsageOfThoseBefore(t *testing.T) {
	calls := 0
	e, _ := embedder(t, func(in embedRequest) string {
		if calls++; calls > 1 {
			return `{}`
		}
		return backwards(in)
	})
	got, err := e.Embed(t.Context(), llm.EmbedCall{Texts: slices.Repeat([]desk.Masked{"a"}, 300)})
	if err == nil || got.Usage.Prompt != 256 || got.Vectors != nil {
		t.Errorf("Embed = %d vectors, %+v, %v, want a failure after 256 tokens", len(got.Vectors), got.Usage, err)
	}
}

func TestEmbeddingFailures(t *testing.T) {
	p := serve(t, llmtest.Reply(429, `{"error":{"message":"`+secretBody+`","code":"insufficient_quota"}}`))
	_, err := NewEmbedder(EmbedderConfig{Config: p.config}).Embed(t.Context(), llm.EmbedCall{Texts: []desk.Masked{llmtest.SecretPrompt}})
	var f *llm.Failure
	if !errors.As(err, &f) || f.Kind != llm.QuotaExhausted || f.Model != "text-embedding-3-small" {
		t.Errorf("Embed = %v", err)
	}
	llmtest.Private(t, err)
}

func TestTheModelNamesItsVectorSpace(t *testing.T) {
	tests := []struct {
		config EmbedderConfig
		want   string
	}{
		{EmbedderConfig{}, "text-embedding-3-small@1536"},
		{EmbedderConfig{Model: "text-embedding-3-large"}, "text-embedding-3-large@3072"},
		{EmbedderConfig{Model: "text-embedding-3-large", Dimensions: 256}, "text-embedding-3-large@256"},
		{EmbedderConfig{Model: "bge-m3"}, "bge-m3@native"},
	}
	for _, tt := range tests {
		if got := NewEmbedder(tt.config).Model(); got != tt.want {
			t.Errorf("Model of %+v = %q, want %q", tt.config, got, tt.want)
		}
	}
}
