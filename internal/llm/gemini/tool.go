package gemini

import (
	"crypto/rand"
	"encoding/json"

	"kefu/internal/llm"
)

type tools struct {
	Functions []function `json:"functionDeclarations"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parametersJsonSchema,omitempty"`
}

type toolConfig struct {
	Calling struct {
		Mode string `json:"mode"`
	} `json:"functionCallingConfig"`
}

type functionCall struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args,omitempty"`
}

type functionResponse struct {
	ID       string            `json:"id,omitempty"`
	Name     string            `json:"name"`
	Response map[string]string `json:"response"`
}

// offerTools tells the model of the tools of c.
func offerTools(r *request, c llm.Call) {
	if len(c.Tools) == 0 {
		return
	}
	var offered tools
	for _, t := range c.Tools {
		offered.Functions = append(offered.Functions, function(t))
	}
	r.Tools = []tools{offered}
	if c.MustAnswer {
		r.ToolConfig = new(toolConfig)
		r.ToolConfig.Calling.Mode = "NONE"
	}
}

// unsigned stands where newer models want the signature of the thought that
// led to a call. A round may have been another vendor's, and its calls are
// kept as every vendor understands them. Source: ai.google.dev, "Thought
// signatures": what a model did not sign is let pass by this word.
const unsigned = "skip_thought_signature_validator"

// callParts translates the calls of an assistant's message.
func callParts(calls []llm.ToolCall) []part {
	var out []part
	for i, c := range calls {
		p := part{Call: &functionCall{ID: c.ID, Name: c.Name, Args: arguments(c)}}
		if i == 0 { // one a step
			p.Signature = unsigned
		}
		out = append(out, p)
	}
	return out
}

// arguments is the object that was asked for; what a model wrote that is none
// would be refused.
func arguments(c llm.ToolCall) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(c.Arguments), &object) != nil || object == nil {
		return nil
	}
	return json.RawMessage(c.Arguments)
}

// callOf translates a call of the model, which need not have an id.
func callOf(f *functionCall) llm.ToolCall {
	c := llm.ToolCall{ID: f.ID, Name: f.Name, Arguments: string(f.Args)}
	if c.ID == "" {
		c.ID = "call_" + rand.Text()
	}
	if c.Arguments == "" {
		c.Arguments = "{}"
	}
	return c
}
