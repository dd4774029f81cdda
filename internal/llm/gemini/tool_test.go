package gemini

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kefu/internal/llm"
	"kefu/internal/llm/llmtest"
)

func TestCallsOfTools(t *testing.T) {
	first := llm.ToolCall{ID: "f1", Name: "order_status", Arguments: `{"order_id":"LN20417735"}`}
	second := llm.ToolCall{ID: "f2", Name: "time", Arguments: `{}`}
	const (
		order = `{"functionCall":{"id":"f1","name":"order_status","args":{"order_id":"LN20417735"}},"thoughtSignature":"c2lnbmVk"}`
		clock = `{"functionCall":{"id":"f2","name":"time"}}`
	)
	parts := func(list, rest string) string {
		return `{"candidates":[{"content":{"parts":[` + list + `]}` + rest + `}]}`
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		stream  bool
		text    string
		calls   []llm.ToolCall
		kind    llm.FailureKind
	}{
		{"whole", llmtest.Reply(200, parts(`{"text":"Wait."},`+order+","+clock, `,"finishReason":"STOP"`)), false, "Wait.", []llm.ToolCall{first, second}, ""},
		{"whole, without a text", llmtest.Reply(200, parts(clock, `,"finishReason":"STOP"`)), false, "", []llm.ToolCall{second}, ""},
		{"streamed", llmtest.Events(event("Wait.", ""), "data: "+parts(order, ""), "data: "+parts(clock, ""), finish), true, "Wait.", []llm.ToolCall{first, second}, ""},
		{"streamed, without a text", llmtest.Events("data: " + parts(order+","+clock, `,"finishReason":"STOP"`)), true, "", []llm.ToolCall{first, second}, ""},
		{"streamed and cut", llmtest.Events(event("Wait.", ""), "data: "+parts(order, "")), true, "Wait.", nil, llm.Cut},
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

func TestACallWithoutAnIDGetsOne(t *testing.T) {
	a, b := callOf(&functionCall{Name: "time"}), callOf(&functionCall{Name: "time"})
	if a.ID == b.ID || !strings.HasPrefix(a.ID, "call_") {
		t.Errorf("ids = %q and %q, want two of ours", a.ID, b.ID)
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
		ToolConfig json.RawMessage `json:"toolConfig"`
		Contents   []content       `json:"contents"`
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
	if want := `[{"functionDeclarations":[{"name":"order_status","description":"Looks an order up.","parametersJsonSchema":{"type":"object","properties":{"order_id":{"type":"string"}}}}]}]`; string(sent.Tools) != want {
		t.Errorf("tools = %s, want %s", sent.Tools, want)
	}
	if string(sent.ToolConfig) != `{"functionCallingConfig":{"mode":"NONE"}}` {
		t.Errorf("tool config = %s, want none", sent.ToolConfig)
	}
	if len(sent.Contents) != 3 || len(sent.Contents[1].Parts) != 3 || len(sent.Contents[2].Parts) != 2 {
		t.Fatalf("contents = %+v, want the question, a text with two calls, two results in one", sent.Contents)
	}
	asked, results := sent.Contents[1], sent.Contents[2]
	if got := asked.Parts[1]; asked.Role != "model" || got.Call.ID != "call_1" || string(got.Call.Args) != `{"order_id":"1"}` || got.Signature != unsigned {
		t.Errorf("the first call = %+v", got)
	}
	if got := asked.Parts[2]; got.Call.Name != "time" || got.Call.Args != nil || got.Signature != "" {
		t.Errorf("the second call = %+v, want neither arguments nor a signature", got)
	}
	if got := results.Parts[0].Result; results.Role != "user" || got.ID != "call_1" || got.Name != "order_status" || !strings.Contains(got.Response["result"], "Shipped") {
		t.Errorf("the first result = %+v", got)
	}
	if got := results.Parts[1].Result; got.Name != "time" {
		t.Errorf("the second result = %+v", got)
	}
}
