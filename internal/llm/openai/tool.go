package openai

import (
	"slices"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/llm"
)

// offerTools tells the model of the tools of c.
func offerTools(r *vendor.ChatCompletionRequest, c llm.Call) {
	for _, t := range c.Tools {
		r.Tools = append(r.Tools, vendor.Tool{Type: vendor.ToolTypeFunction, Function: &vendor.FunctionDefinition{
			Name: t.Name, Description: t.Description, Parameters: t.Parameters,
		}})
	}
	if c.MustAnswer && len(c.Tools) > 0 {
		r.ToolChoice = "none"
	}
	if len(c.Tools) > 0 && (c.Model == vendor.GPT6Luna || c.Model == vendor.GPT6Sol) {
		r.ReasoningEffort = vendor.ReasoningEffortNone // this endpoint gives them tools only so
	}
}

func vendorCalls(calls []llm.ToolCall) []vendor.ToolCall {
	var out []vendor.ToolCall
	for _, c := range calls {
		out = append(out, vendor.ToolCall{
			ID: c.ID, Type: vendor.ToolTypeFunction, Function: vendor.FunctionCall{Name: c.Name, Arguments: c.Arguments},
		})
	}
	return out
}

func callsOf(calls []vendor.ToolCall) []llm.ToolCall {
	var out []llm.ToolCall
	for _, c := range calls {
		out = append(out, llm.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments})
	}
	return out
}

// callPieces puts the calls of a stream together: the first piece of a call has
// its name, the others continue its arguments. Servers that send a call whole
// may leave its index out.
type callPieces []vendor.ToolCall

func (p *callPieces) add(pieces []vendor.ToolCall) {
	for _, piece := range pieces {
		i := slices.IndexFunc(*p, func(c vendor.ToolCall) bool {
			return piece.Index != nil && c.Index != nil && *c.Index == *piece.Index
		})
		if i < 0 {
			*p = append(*p, piece)
			continue
		}
		(*p)[i].Function.Arguments += piece.Function.Arguments
	}
}

// take returns the calls, nil without any, and forgets them.
func (p *callPieces) take() []llm.ToolCall {
	calls := callsOf(*p)
	*p = nil
	return calls
}
