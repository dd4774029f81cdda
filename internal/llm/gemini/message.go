package gemini

import (
	"errors"
	"fmt"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

type request struct {
	System     *content    `json:"systemInstruction,omitempty"`
	Contents   []content   `json:"contents"`
	Tools      []tools     `json:"tools,omitempty"`
	ToolConfig *toolConfig `json:"toolConfig,omitempty"`
	Generation generation  `json:"generationConfig"`
}

type content struct {
	Role  string `json:"role,omitempty"`
	Parts []part `json:"parts"`
}

// part is a text, a call or a result.
type part struct {
	Text      string            `json:"text,omitempty"`
	Thought   bool              `json:"thought,omitempty"` // what the model thinks, not what it says
	Call      *functionCall     `json:"functionCall,omitempty"`
	Result    *functionResponse `json:"functionResponse,omitempty"`
	Signature string            `json:"thoughtSignature,omitempty"`
}

func requestOf(c llm.Call) request {
	r := request{Generation: generationOf(c.Model, c.Temperature, c.MaxTokens)}
	said := c.Prompt.Messages()
	if first := said[0]; first.Role == "system" {
		said = said[1:]
		if first.Text != "" { // an empty part is refused
			r.System = &content{Parts: []part{{Text: first.Text}}}
		}
	}
	r.Contents = contents(said)
	offerTools(&r, c)
	return r
}

// contents translates what was said. Results of tools belong to the user, and
// those of one round into one content; they go by the name of their tool.
func contents(said []llm.Message) []content {
	var out []content
	asked := map[string]string{} // names of the tools by the ids of the calls
	before := ""
	for _, m := range said {
		var parts []part
		if m.Role == "tool" {
			parts = append(parts, part{Result: &functionResponse{
				ID: m.CallID, Name: asked[m.CallID], Response: map[string]string{"result": m.Text},
			}})
		} else if m.Text != "" {
			parts = append(parts, part{Text: m.Text})
		}
		for _, c := range m.Calls {
			asked[c.ID] = c.Name
		}
		parts = append(parts, callParts(m.Calls)...)
		switch {
		case len(parts) == 0:
			continue
		case m.Role == "assistant":
			out = append(out, content{Role: "model", Parts: parts})
		case m.Role == "tool" && before == "tool":
			last := &out[len(out)-1]
			last.Parts = append(last.Parts, parts...)
		default:
			out = append(out, content{Role: "user", Parts: parts})
		}
		before = m.Role
	}
	return out
}

// response is a whole reply, or one event of a stream.
type response struct {
	Candidates []struct {
		Content      content `json:"content"`
		FinishReason string  `json:"finishReason"`
	} `json:"candidates"`
	PromptFeedback struct {
		BlockReason string `json:"blockReason"`
	} `json:"promptFeedback"`
	Usage struct {
		Prompt     int `json:"promptTokenCount"`
		Cached     int `json:"cachedContentTokenCount"` // of those
		Candidates int `json:"candidatesTokenCount"`
		Thoughts   int `json:"thoughtsTokenCount"` // beside those
	} `json:"usageMetadata"`
	Error *statusError `json:"error"`
}

var (
	errSpent   = fmt.Errorf("%w: token limit reached before any text", wire.ErrInvalid)
	errStopped = fmt.Errorf("%w: stopped without a reason that is known", wire.ErrInvalid)
	errNotSent = errors.New("request could not be made")
)

// read returns what was said and the finish reason, which is empty until the
// last event of a stream.
func (r *response) read() (delta llm.Delta, finish string, err error) {
	if r.PromptFeedback.BlockReason != "" {
		return delta, "", wire.ErrFiltered
	}
	if len(r.Candidates) == 0 {
		return delta, "", nil // an event with the usage alone
	}
	candidate := r.Candidates[0]
	switch candidate.FinishReason {
	case "", "STOP", "MAX_TOKENS":
	case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII":
		return delta, "", wire.ErrFiltered
	default: // LANGUAGE, OTHER, MALFORMED_FUNCTION_CALL and whatever comes to be
		return delta, "", errStopped
	}
	for _, p := range candidate.Content.Parts {
		switch {
		case p.Thought:
		case p.Call != nil:
			delta.Calls = append(delta.Calls, callOf(p.Call))
		default:
			delta.Text += p.Text
		}
	}
	return delta, candidate.FinishReason, nil
}

// silence says why a reply that ended has no text.
func silence(finish string) error {
	if finish == "MAX_TOKENS" {
		return errSpent
	}
	return wire.ErrEmpty
}

// usage translates the counts; thoughts are paid for as completion.
func (r *response) usage() desk.Usage {
	u := r.Usage
	return desk.Usage{Prompt: u.Prompt, Completion: u.Candidates + u.Thoughts, Cached: u.Cached, Reasoning: u.Thoughts}
}
