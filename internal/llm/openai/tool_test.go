package openai

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/llmtest"
)

var orderStatus = llm.ToolSpec{
	Name: "order_status", Description: "Looks an order up.",
	Parameters: json.RawMessage(`{"type":"object","properties":{"order_id":{"type":"string"}},"required":["order_id"]}`),
}

func TestCallsOfTools(t *testing.T) {
	first := llm.ToolCall{ID: "call_1", Name: "order_status", Arguments: `{"order_id":"LN20417735"}`}
	second := llm.ToolCall{ID: "call_2", Name: "parcel", Arguments: `{"n":1}`}
	piece := func(calls string) string { return `data: {"choices":[{"delta":{"tool_calls":[` + calls + `]}}]}` }
	last := `data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}`
	tests := []struct {
		name    string
		handler http.HandlerFunc
		stream  bool
		text    string
		calls   []llm.ToolCall
		kind    llm.FailureKind
	}{
		{"whole", llmtest.Reply(200, `{"choices":[{"message":{"content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"order_status","arguments":"{\"order_id\":\"LN20417735\"}"}}]},"finish_reason":"tool_calls"}]}`), false, "", []llm.ToolCall{first}, ""},
		{"whole, beside a text", llmtest.Reply(200, `{"choices":[{"message":{"content":"Wait.","tool_calls":[{"id":"call_2","type":"function","function":{"name":"parcel","arguments":"{\"n\":1}"}}]},"finish_reason":"stop"}]}`), false, "Wait.", []llm.ToolCall{second}, ""},
		{
			"streamed in pieces that alternate",
			llmtest.Events(
				role, delta("Wait."),
				piece(`{"index":0,"id":"call_1","type":"function","function":{"name":"order_status","arguments":""}}`),
				piece(`{"index":0,"function":{"arguments":"{\"order_id\":"}},{"index":1,"id":"call_2","function":{"name":"parcel","arguments":"{\"n\""}}`),
				piece(`{"index":1,"function":{"arguments":":1}"}},{"index":0,"function":{"arguments":"\"LN20417735\"}"}}`),
				last, done,
			),
			true, "Wait.",
			[]llm.ToolCall{first, second},
			"",
		},
		{
			"streamed whole, without an index",
			llmtest.Events(piece(`{"id":"call_1","function":{"name":"order_status","arguments":"{\"order_id\":\"LN20417735\"}"}}`), piece(`{"id":"call_2","function":{"name":"parcel","arguments":"{\"n\":1}"}}`), finish, done),
			true, "",
			[]llm.ToolCall{first, second},
			"",
		},
		{"streamed and cut", llmtest.Events(role, delta("Wait."), piece(`{"index":0,"id":"call_1","function":{"name":"order_status"}}`)), true, "Wait.", nil, llm.Cut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := call(tt.stream)
			c.Tools = []llm.ToolSpec{orderStatus}
			r, err := serve(t, tt.handler).Start(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Whole()
			if got.Text != tt.text || !slices.Equal(got.Calls, tt.calls) || llm.KindOf(err) != tt.kind {
				t.Errorf("reply = %+v, %v, want %q, %+v and kind %q", got, err, tt.text, tt.calls, tt.kind)
			}
		})
	}
}

func TestWhereAModelIsGivenNoToolsAnotherIsAsked(t *testing.T) {
	c := call(false)
	c.Model, c.Tools = "gpt-6.1-sol", []llm.ToolSpec{orderStatus}
	_, err := serve(t, llmtest.Reply(200, wholeBody)).Start(t.Context(), c)
	if llm.KindOf(err) != llm.ModelGone {
		t.Errorf("Start = %v, want a failure after which the next model is asked", err)
	}
}

func TestToolsAndTheirResultsAreSent(t *testing.T) {
	type message struct {
		Role       string `json:"role"`
		ToolCallID string `json:"tool_call_id"`
		ToolCalls  []struct {
			ID       string                           `json:"id"`
			Type     string                           `json:"type"`
			Function struct{ Name, Arguments string } `json:"function"`
		} `json:"tool_calls"`
	}
	var sent struct {
		Messages []message `json:"messages"`
		Tools    []struct {
			Type     string `json:"type"`
			Function struct {
				Name        string          `json:"name"`
				Description string          `json:"description"`
				Parameters  json.RawMessage `json:"parameters"`
			} `json:"function"`
		} `json:"tools"`
		ToolChoice string `json:"tool_choice"`
		Effort     string `json:"reasoning_effort"`
	}
	p := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		llmtest.Reply(200, wholeBody)(w, r)
	})
	c := call(false)
	c.Model, c.MustAnswer, c.Tools = "gpt-6-luna", true, []llm.ToolSpec{orderStatus}
	c.Prompt.Rounds = []llm.ToolRound{{
		Calls:   []llm.ToolCall{{ID: "call_1", Name: "order_status", Arguments: `{"order_id":"1"}`}},
		Results: []llm.ToolResult{{Call: "call_1", Tool: "order_status", Text: desk.Masked("Shipped")}},
	}}
	if _, err := p.Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if len(sent.Messages) != 4 || len(sent.Messages[2].ToolCalls) != 1 {
		t.Fatalf("messages = %+v, want system, user, the calls, the result", sent.Messages)
	}
	asked, result := sent.Messages[2], sent.Messages[3]
	if got := asked.ToolCalls[0]; asked.Role != "assistant" || got.ID != "call_1" || got.Type != "function" || got.Function.Arguments != `{"order_id":"1"}` {
		t.Errorf("the calls = %+v", asked)
	}
	if result.Role != "tool" || result.ToolCallID != "call_1" {
		t.Errorf("the result = %+v", result)
	}
	if len(sent.Tools) != 1 || sent.Tools[0].Type != "function" || sent.Tools[0].Function.Name != "order_status" || string(sent.Tools[0].Function.Parameters) != string(orderStatus.Parameters) {
		t.Errorf("tools = %+v", sent.Tools)
	}
	if sent.ToolChoice != "none" || sent.Effort != "none" {
		t.Errorf("tool choice %q, effort %q, want none of both", sent.ToolChoice, sent.Effort)
	}
}
