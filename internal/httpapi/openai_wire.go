package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"kefu/internal/desk"
)

// completionRequest is the part of OpenAI's request that has a meaning here;
// clients send many other fields.
type completionRequest struct {
	Model         string    `json:"model"`
	Messages      []message `json:"messages"`
	Stream        bool      `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	N    int    `json:"n"`
	User string `json:"user"`
	Kefu struct {
		Confirmation string `json:"confirmation"`
	} `json:"kefu"`
}

type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"` // a string, parts, or null
}

type messagePart struct {
	Type string  `json:"type"`
	Text *string `json:"text"`
}

const (
	roleUser      = "user"
	roleAssistant = "assistant"
)

// decodeCompletion reads a request. Unlike /query it takes fields that it does
// not know, but no wrong types.
func decodeCompletion(body []byte) (completionRequest, error) {
	var req completionRequest
	var mismatch *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, &req); {
	case errors.As(err, &mismatch) && mismatch.Field == "":
		return req, invalid("wrong_type", "", "The body must be a JSON object.")
	case errors.As(err, &mismatch):
		return req, invalid("wrong_type", mismatch.Field, fmt.Sprintf("%q must be %s.", mismatch.Field, wanted(mismatch.Type)))
	case err != nil:
		return req, syntaxError(body)
	case !utf8.Valid(body):
		return req, invalid("invalid_utf8", "", "The body is not valid UTF-8.")
	case req.N < 0 || req.N > 1:
		return req, invalid("unsupported_value", "n", "One question has one answer: leave n out, or send 1.")
	}
	req.Model = cmp.Or(req.Model, modelAuto)
	if err := checkConfirmation(req.Kefu.Confirmation); err != nil {
		return req, err
	}
	return req, checkName("user", req.User)
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "an integer"
	case reflect.Slice:
		return "an array"
	case reflect.Struct:
		return "an object"
	default:
		return "a string"
	}
}

// question is the last message of the user, and what was said before it. All
// messages must be sound; those of the system are the client's words about the
// answer, which neither instruct Kefu nor ask anything.
func (r *completionRequest) question() (question string, earlier []desk.Exchange, err error) {
	var said []desk.Exchange
	for i, m := range r.Messages {
		text, err := m.text(fmt.Sprintf("messages[%d]", i))
		switch {
		case err != nil:
			return "", nil, err
		case m.Role == roleUser:
			said = append(said, desk.Exchange{Question: text})
		case m.Role == roleAssistant && len(said) > 0:
			said[len(said)-1].Answer = text
		}
	}
	if len(said) == 0 {
		return "", nil, invalid("question_missing", "messages", "messages must hold one with the role user: the question.")
	}
	last := len(said) - 1
	return said[last].Question, said[:last], nil
}

// text is what a message says; at tells where it stands in the request.
func (m *message) text(at string) (string, error) {
	switch m.Role {
	case roleUser, roleAssistant, "system", "developer", "tool", "function":
	default:
		return "", invalid("unsupported_value", at+".role", at+".role must be system, developer, user, assistant or tool.")
	}
	at += ".content"
	var text string
	var parts []messagePart
	switch {
	case m.silent() && m.Role == roleAssistant: // it called tools
		return "", nil
	case !m.silent() && json.Unmarshal(m.Content, &text) == nil:
		return text, nil
	case !m.silent() && json.Unmarshal(m.Content, &parts) == nil:
		return joined(parts, at)
	}
	return "", invalid("wrong_type", at, at+" must be a string or an array of text parts.")
}

func (m *message) silent() bool { return len(m.Content) == 0 || string(m.Content) == "null" }

func joined(parts []messagePart, at string) (string, error) {
	texts := make([]string, 0, len(parts))
	for i, p := range parts {
		switch {
		case p.Type == "refusal": // of an assistant: nothing was said
		case p.Type != "text":
			return "", invalid("unsupported_content", at, fmt.Sprintf("%s[%d] has the type %s; only text can be read.", at, i, quoted(p.Type)))
		case p.Text == nil:
			return "", invalid("wrong_type", at, fmt.Sprintf("%s[%d] has no text.", at, i))
		default:
			texts = append(texts, *p.Text)
		}
	}
	return strings.Join(texts, "\n"), nil
}

// quoted shows a value that the caller made up.
func quoted(value string) string { return `"` + shown(value) + `"` }

type completion struct {
	completionHead
	Choices []completionChoice `json:"choices"`
	Usage   completionUsage    `json:"usage"`
	Kefu    completionSources  `json:"kefu"`
}

// completionHead is what all chunks of a completion have in common.
type completionHead struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix seconds
	Model   string `json:"model"`   // as it was asked for
}

type completionChoice struct {
	Index        int               `json:"index"`
	Message      completionMessage `json:"message"`
	Logprobs     *struct{}         `json:"logprobs"` // always null
	FinishReason string            `json:"finish_reason"`
}

type completionMessage struct {
	Role    string  `json:"role"`
	Content string  `json:"content"`
	Refusal *string `json:"refusal"` // always null
}

type completionUsage struct {
	PromptTokens        int `json:"prompt_tokens"`
	CompletionTokens    int `json:"completion_tokens"`
	TotalTokens         int `json:"total_tokens"`
	PromptTokensDetails struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// completionSources is what OpenAI's reply has no place for.
type completionSources struct {
	AnswerID    string           `json:"answer_id"`
	Citations   []sourceDocument `json:"citations"`
	Route       string           `json:"route"`
	RouteReason string           `json:"route_reason"`
	Model       string           `json:"model"` // that answered
	Provider    string           `json:"provider"`
	CostUSD     float64          `json:"cost_usd"`
	Grounded    bool             `json:"grounded"`
	Degraded    bool             `json:"degraded"`
	Handoff     *handoff         `json:"handoff"`
	// Confirmations are what the customer must agree to; a request with one of
	// their tokens as kefu.confirmation carries it out.
	Confirmations []confirmation `json:"confirmations,omitempty"`
	CacheHit      bool           `json:"cache_hit"`
	TraceID       string         `json:"trace_id"`
}

type completionChunk struct {
	completionHead
	Choices []chunkChoice      `json:"choices"`
	Usage   *completionUsage   `json:"usage,omitempty"`
	Kefu    *completionSources `json:"kefu,omitempty"`
}

type chunkChoice struct {
	Index        int        `json:"index"`
	Delta        chunkDelta `json:"delta"`
	Logprobs     *struct{}  `json:"logprobs"` // always null
	FinishReason *string    `json:"finish_reason"`
}

type chunkDelta struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

// offer is how clients that show nothing but the text learn of a person.
func offer(h *handoff) string {
	if h == nil || h.Contact.Message == "" {
		return ""
	}
	return "\n\n" + h.Contact.Message
}

func newCompletion(head completionHead, r queryResponse) completion {
	head.Object = "chat.completion"
	whole := completion{
		completionHead: head,
		Choices: []completionChoice{{
			Message: completionMessage{Role: roleAssistant, Content: r.Answer + offer(r.Handoff)}, FinishReason: "stop",
		}},
		Usage: completionUsage{
			PromptTokens: r.Usage.PromptTokens, CompletionTokens: r.Usage.CompletionTokens, TotalTokens: r.TokensUsed,
		},
		Kefu: completionSources{
			AnswerID: r.ID, Citations: r.SourceDocuments, Route: r.Route, RouteReason: r.RouteReason,
			Model: r.Model, Provider: r.Provider, CostUSD: r.Usage.CostUSD, Grounded: r.Grounded, Degraded: r.Degraded,
			Handoff: r.Handoff, Confirmations: r.Confirmations, CacheHit: r.CacheHit, TraceID: r.TraceID,
		},
	}
	whole.Usage.PromptTokensDetails.CachedTokens = r.Usage.CachedTokens
	return whole
}

type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix seconds
	OwnedBy string `json:"owned_by"`
}

type modelList struct {
	Object string        `json:"object"`
	Data   []modelObject `json:"data"`
}

// openAIError is an error as OpenAI's clients read it.
type openAIError struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    string  `json:"code"`
	} `json:"error"`
}

// speaksOpenAI tells the paths whose errors have OpenAI's shape.
func speaksOpenAI(path string) bool {
	return path == "/v1/models" || strings.HasPrefix(path, "/v1/models/") || strings.HasPrefix(path, "/v1/chat/")
}

func newOpenAIError(p problem) openAIError {
	var e openAIError
	e.Error.Message, e.Error.Type, e.Error.Code = p.Detail, openAIErrorType(p.Status, p.Code), p.Code
	if p.Field == "question" {
		p.Field = "messages"
	}
	if p.Field != "" {
		e.Error.Param = &p.Field
	}
	return e
}

func openAIErrorType(status int, code string) string {
	switch {
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusForbidden:
		return "permission_error"
	case code == "over_budget":
		return "insufficient_quota"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status >= http.StatusInternalServerError:
		return "server_error"
	}
	return "invalid_request_error"
}
