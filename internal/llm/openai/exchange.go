package openai

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// exchange is go-openai's HTTP client for one call.
type exchange struct {
	wire.Exchange
	body   []byte // is sent instead of what go-openai made; nil: that
	events bool   // are what comes back
}

// Do implements go-openai's HTTPDoer.
func (x *exchange) Do(r *http.Request) (*http.Response, error) {
	if x.body != nil {
		r.ContentLength = int64(len(x.body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.body)), nil }
		r.Body, _ = r.GetBody()
	}
	response, err := x.Exchange.Do(r)
	if err == nil && x.events {
		response.Body = newDataAlone(response.Body)
	}
	return response, err
}

// chatBody is a chat request as it is sent: what this adapter asks for of
// go-openai's request, which has forty fields to look through, writes each
// message twice and leaves a temperature of 0 out, for which servers then take
// 1. go-openai gets the request without messages and checks the rest.
type chatBody struct {
	Model               string                `json:"model"`
	Messages            []message             `json:"messages"`
	Temperature         *float64              `json:"temperature,omitempty"`
	MaxTokens           int                   `json:"max_tokens,omitempty"`
	MaxCompletionTokens int                   `json:"max_completion_tokens,omitempty"`
	ReasoningEffort     string                `json:"reasoning_effort,omitempty"`
	Stream              bool                  `json:"stream"`
	StreamOptions       *vendor.StreamOptions `json:"stream_options,omitempty"`
	Tools               []vendor.Tool         `json:"tools,omitempty"`
	ToolChoice          any                   `json:"tool_choice,omitempty"`
}

type message struct {
	Role       string            `json:"role"`
	Content    string            `json:"content,omitempty"`
	ToolCalls  []vendor.ToolCall `json:"tool_calls,omitempty"`
	ToolCallID string            `json:"tool_call_id,omitempty"`
}

// bodyOf renders what r leaves out of c.
func bodyOf(r vendor.ChatCompletionRequest, c llm.Call) ([]byte, error) {
	b := chatBody{
		Model: r.Model, MaxCompletionTokens: r.MaxCompletionTokens, ReasoningEffort: r.ReasoningEffort,
		//lint:ignore SA1019 compatible servers know no other name for it
		MaxTokens: r.MaxTokens,
		Stream:    r.Stream, StreamOptions: r.StreamOptions, Tools: r.Tools, ToolChoice: r.ToolChoice,
	}
	messages := c.Prompt.Messages()
	b.Messages = make([]message, len(messages))
	for i, m := range messages {
		b.Messages[i] = message{Role: m.Role, Content: m.Text, ToolCalls: vendorCalls(m.Calls), ToolCallID: m.CallID}
	}
	if !reasons(c.Model) { // would refuse one
		b.Temperature = &c.Temperature
	}
	return json.Marshal(b)
}
