package gemini

import (
	"errors"
	"fmt"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

type request struct {
	System     *content   `json:"systemInstruction,omitempty"`
	Contents   []content  `json:"contents"`
	Generation generation `json:"generationConfig"`
}

type content struct {
	Role  string `json:"role,omitempty"`
	Parts []part `json:"parts"`
}

type part struct {
	Text    string `json:"text,omitempty"`
	Thought bool   `json:"thought,omitempty"` // what the model thinks, not what it says
}

func requestOf(c llm.Call) request {
	r := request{Generation: generationOf(c.Model, c.Temperature, c.MaxTokens)}
	for _, m := range c.Prompt.Messages() {
		parts := []part{{Text: m.Text}}
		switch {
		case m.Text == "": // refused by the endpoint
		case m.Role == "system":
			r.System = &content{Parts: parts}
		case m.Role == "assistant":
			r.Contents = append(r.Contents, content{Role: "model", Parts: parts})
		default:
			r.Contents = append(r.Contents, content{Role: "user", Parts: parts})
		}
	}
	return r
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
	case "", "FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS":
	case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII":
		return delta, "", wire.ErrFiltered
	default: // LANGUAGE, OTHER, malformed calls and whatever comes to be
		return delta, "", errStopped
	}
	for _, p := range candidate.Content.Parts {
		if !p.Thought {
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
