package main_test

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sashabaranov/go-openai"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// An OpenAI client needs another base URL and another key, nothing else.
func TestAnOpenAIClientTalksToKefu(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef0123456789abcdef"
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := newShop(t, append(vendor.Env(), "KEFU_API_KEY="+key)...).Serve()
	cfg := openai.DefaultConfig(key)
	cfg.BaseURL, cfg.HTTPClient = server.URL+"/v1", server.Client
	client := openai.NewClientWithConfig(cfg)

	models, err := client.ListModels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range models.Models {
		names = append(names, m.ID)
	}
	if len(names) < 5 || !slices.Equal(names[:3], []string{"kefu-auto", "kefu-simple", "kefu-complex"}) {
		t.Fatalf("models = %v, want the routes and what is configured", names)
	}
	for i, tt := range []struct{ model, question, answer string }{
		{"kefu-auto", complexEN, "24 months"},
		{"kefu-auto", complexZH, "欧元"},
		{"kefu-simple", simpleEN, "30 days"},
		{"kefu-complex", simpleZH, "30天"},
		{names[3], simpleEN, "30 days"},
		{"kefu-auto", unknownEN, "help@example.com"},
	} {
		request := openai.ChatCompletionRequest{Model: tt.model, Messages: []openai.ChatCompletionMessage{
			{Role: "system", Content: "Reply in one word."},
			{Role: "user", Content: "你好 / hello"},
			{Role: "assistant", Content: "您好！ / Hello!"},
			{Role: "user", Content: tt.question},
		}}
		stream := func() string { return streamedText(t, client, request) }
		whole := func() string {
			r, err := client.CreateChatCompletion(t.Context(), request)
			if err != nil {
				t.Fatalf("%s: %s: %v", tt.model, tt.question, err)
			}
			return r.Choices[0].Message.Content
		}
		first, second := stream, whole // the second one comes from the cache
		if i%2 == 1 {
			first, second = whole, stream
		}
		holds(t, tt.model+": the first answer", first(), tt.answer)
		holds(t, tt.model+": the second answer", second(), tt.answer)
	}
	asked := map[string]bool{}
	for _, call := range vendor.Log() {
		asked[call.Model] = asked[call.Model] || strings.HasSuffix(call.Path, "/chat/completions")
	}
	if tiers := slices.DeleteFunc(slices.Collect(maps.Keys(asked)), func(m string) bool { return !asked[m] }); len(tiers) != 2 {
		t.Errorf("models asked at the provider: %v, want those of both tiers", tiers)
	}
	var refused *openai.APIError
	if _, err := client.CreateChatCompletion(t.Context(), openai.ChatCompletionRequest{Model: "gpt-9", Messages: []openai.ChatCompletionMessage{{Role: "user", Content: simpleEN}}}); !errors.As(err, &refused) || refused.HTTPStatusCode != 404 {
		t.Errorf("a model that there is not: %v", err)
	}
}

func streamedText(t *testing.T, client *openai.Client, request openai.ChatCompletionRequest) string {
	t.Helper()
	stream, err := client.CreateChatCompletionStream(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var text strings.Builder
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(chunk.Choices[0].Delta.Content)
	}
}
