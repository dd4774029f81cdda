package anthropic

import (
	"encoding/json"

	vendor "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/packages/param"

	"kefu/internal/llm"
)

// offerTools tells the model of the tools of c.
func offerTools(p *vendor.MessageNewParams, c llm.Call) {
	for _, t := range c.Tools {
		p.Tools = append(p.Tools, vendor.ToolUnionParam{OfTool: &vendor.ToolParam{
			Name: t.Name, Description: vendor.String(t.Description),
			InputSchema: param.Override[vendor.ToolInputSchemaParam](t.Parameters),
		}})
	}
	if c.MustAnswer && len(c.Tools) > 0 {
		p.ToolChoice.OfNone = &vendor.ToolChoiceNoneParam{}
	}
}

// messages translates what was said. Results of tools belong to the user, and
// those of one round into one message.
func messages(said []llm.Message) []vendor.MessageParam {
	var out []vendor.MessageParam
	before := ""
	for _, m := range said {
		var blocks []vendor.ContentBlockParamUnion
		if m.Role == "tool" {
			blocks = append(blocks, vendor.NewToolResultBlock(m.CallID, m.Text, false))
		} else if m.Text != "" { // an empty block is refused
			blocks = append(blocks, vendor.NewTextBlock(m.Text))
		}
		for _, c := range m.Calls {
			blocks = append(blocks, vendor.NewToolUseBlock(c.ID, arguments(c), c.Name))
		}
		switch {
		case len(blocks) == 0:
			continue
		case m.Role == "assistant":
			out = append(out, vendor.NewAssistantMessage(blocks...))
		case m.Role == "tool" && before == "tool":
			last := &out[len(out)-1]
			last.Content = append(last.Content, blocks...)
		default:
			out = append(out, vendor.NewUserMessage(blocks...))
		}
		before = m.Role
	}
	return out
}

// arguments is the object that was asked for; what a model wrote that is none
// would be refused.
func arguments(c llm.ToolCall) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(c.Arguments), &object) != nil || object == nil {
		return json.RawMessage("{}")
	}
	return json.RawMessage(c.Arguments)
}

// callPieces puts the calls of a stream together: a block begins with the name,
// its deltas are the arguments.
type callPieces struct {
	calls  []llm.ToolCall
	inside bool // the block under way is a call
}

func (p *callPieces) add(event vendor.MessageStreamEventUnion) {
	switch event.Type {
	case "content_block_start":
		p.inside = event.ContentBlock.Type == "tool_use"
		if p.inside {
			p.calls = append(p.calls, llm.ToolCall{ID: event.ContentBlock.ID, Name: event.ContentBlock.Name})
		}
	case "content_block_delta":
		if p.inside && event.Delta.Type == "input_json_delta" {
			p.calls[len(p.calls)-1].Arguments += event.Delta.PartialJSON
		}
	}
}

// take returns the calls, nil without any, and forgets them.
func (p *callPieces) take() []llm.ToolCall {
	calls := p.calls
	for i := range calls {
		if calls[i].Arguments == "" { // a call without any comes without deltas
			calls[i].Arguments = "{}"
		}
	}
	p.calls = nil
	return calls
}
