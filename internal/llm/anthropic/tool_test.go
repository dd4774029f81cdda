package anthropic

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"kefu/internal/llm"
	"kefu/internal/llm/llmtest"
)

func TestCallsOfTools(t *testing.T) {
	first := llm.ToolCall{ID: "toolu_1", Name: "order_status", Arguments: `{"order_id":"LN20417735"}`}
	second := llm.ToolCall{ID: "toolu_2", Name: "time", Arguments: `{}`}
	call := func(id, name string) string {
		return event("content_block_start", `{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"`+id+`","name":"`+name+`","input":{}}}`)
	}
	piece := func(text string) string {
		quoted, _ := json.Marshal(text)
		return event("content_block_delta", `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":`+string(quoted)+`}}`)
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		stream  bool
		text    string
		calls   []llm.ToolCall
		kind    llm.FailureKind
	}{
		{"whole", llmtest.Reply(200, `{"type":"message","content":[{"type":"text","text":"Wait."},{"type":"tool_use","id":"toolu_1","name":"order_status","input":{"order_id":"LN20417735"}},{"type":"tool_use","id":"toolu_2","name":"time","input":{}}],"stop_reason":"tool_use"}`), false, "Wait.", []llm.ToolCall{first, second}, ""},
		{"whole, without a text", llmtest.Reply(200, `{"type":"message","content":[{"type":"tool_use","id":"toolu_2","name":"time","input":{}}],"stop_reason":"tool_use"}`), false, "", []llm.ToolCall{second}, ""},
		{"streamed in pieces", llmtest.Events(start, block, delta("Wait."), blockEnd, call("toolu_1", "order_status"), piece(""), piece(`{"order_id":`), ping, piece(`"LN20417735"}`), blockEnd, call("toolu_2", "time"), blockEnd, stopped("tool_use"), end), true, "Wait.", []llm.ToolCall{first, second}, ""},
		{"streamed and cut", llmtest.Events(start, delta("Wait."), call("toolu_1", "order_status"), piece(`{"order_id":`)), true, "Wait.", nil, llm.Cut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := llmtest.Serve(t, dial, tt.handler).Start(t.Context(), llmtest.Call(tt.stream))
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

func TestToolsAndTheirResultsAreSent(t *testing.T) {
	c := llmtest.Call(false)
	c.MustAnswer = true
	c.Tools = []llm.ToolSpec{{Name: "order_status", Description: "Looks an order up.", Parameters: json.RawMessage(`{"type":"object","properties":{"order_id":{"type":"string"}}}`)}}
	c.Prompt.Rounds = []llm.ToolRound{{
		Text:    "One look.",
		Calls:   []llm.ToolCall{{ID: "call_1", Name: "order_status", Arguments: `{"order_id":"1"}`}, {ID: "call_2", Name: "time", Arguments: "no object"}},
		Results: []llm.ToolResult{{Call: "call_1", Text: "Shipped"}, {Call: "call_2", Text: "no such tool", Failed: true}},
	}}
	var sent struct {
		Tools      json.RawMessage `json:"tools"`
		ToolChoice json.RawMessage `json:"tool_choice"`
		Messages   []struct {
			Role    string `json:"role"`
			Content []struct {
				Type      string          `json:"type"`
				ID        string          `json:"id"`
				ToolUseID string          `json:"tool_use_id"`
				Input     json.RawMessage `json:"input"`
			} `json:"content"`
		} `json:"messages"`
	}
	p := llmtest.Serve(t, dial, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		llmtest.Reply(200, wholeBody)(w, r)
	})
	if _, err := p.Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if want := `[{"input_schema":{"type":"object","properties":{"order_id":{"type":"string"}}},"name":"order_status","description":"Looks an order up."}]`; string(sent.Tools) != want {
		t.Errorf("tools = %s, want %s", sent.Tools, want)
	}
	if string(sent.ToolChoice) != `{"type":"none"}` {
		t.Errorf("tool choice = %s, want none", sent.ToolChoice)
	}
	if len(sent.Messages) != 3 || len(sent.Messages[1].Content) != 3 || len(sent.Messages[2].Content) != 2 {
		t.Fatalf("messages = %+v, want the question, a text with two calls, two results in one", sent.Messages)
	}
	asked, results := sent.Messages[1], sent.Messages[2]
	if asked.Role != "assistant" || asked.Content[1].Type != "tool_use" || asked.Content[1].ID != "call_1" || string(asked.Content[1].Input) != `{"order_id":"1"}` {
		t.Errorf("the calls = %+v", asked)
	}
	if got := string(asked.Content[2].Input); got != "{}" {
		t.Errorf("arguments that are no object are sent as %s", got)
	}
	if results.Role != "user" || results.Content[0].Type != "tool_result" || results.Content[0].ToolUseID != "call_1" || results.Content[1].ToolUseID != "call_2" {
		t.Errorf("the results = %+v", results)
	}
}
