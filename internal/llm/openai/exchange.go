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
	body []byte // is sent instead of what go-openai made; nil: that
}

// Do implements go-openai's HTTPDoer.
func (x *exchange) Do(r *http.Request) (*http.Response, error) {
	if x.body != nil {
		r.ContentLength = int64(len(x.body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.body)), nil }
		r.Body, _ = r.GetBody()
	}
	return x.Exchange.Do(r)
}

// chatBody is a chat request as it is sent. go-openai leaves a temperature of
// 0 out, for which servers then take 1, and writes each message twice. It gets
// the request without either and checks the rest.
type chatBody struct {
	vendor.ChatCompletionRequest
	Temperature *float64  `json:"temperature,omitempty"`
	Messages    []message `json:"messages"`
}

type message struct {
	Role       string            `json:"role"`
	Content    string            `json:"content,omitempty"`
	ToolCalls  []vendor.ToolCall `json:"tool_calls,omitempty"`
	ToolCallID string            `json:"tool_call_id,omitempty"`
}

// bodyOf renders what r leaves out of c.
func bodyOf(r vendor.ChatCompletionRequest, c llm.Call) ([]byte, error) {
	messages := c.Prompt.Messages()
	b := chatBody{ChatCompletionRequest: r, Messages: make([]message, len(messages))}
	for i, m := range messages {
		b.Messages[i] = message{Role: m.Role, Content: m.Text, ToolCalls: vendorCalls(m.Calls), ToolCallID: m.CallID}
	}
	if !reasons(c.Model) { // would refuse one
		b.Temperature = &c.Temperature
	}
	return json.Marshal(b)
}
