package llmsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

type messagesRequest struct {
	Model     string  `json:"model"`
	System    content `json:"system"`
	MaxTokens int     `json:"max_tokens"`
	Stream    bool    `json:"stream"`
	Messages  []struct {
		Role    string `json:"role"`
		Content blocks `json:"content"`
	} `json:"messages"`
	Tools []struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		InputSchema json.RawMessage `json:"input_schema"`
	} `json:"tools"`
	ToolChoice struct {
		Type string `json:"type"`
	} `json:"tool_choice"`
}

// blocks are what a message is made of; a string is one of text.
type blocks []block

type block struct {
	Type string `json:"type"`
	Text string `json:"text"`
	// Of tool_use.
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
	// Of tool_result.
	Content content `json:"content"`
}

func (b *blocks) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("[")) {
		return json.Unmarshal(raw, (*[]block)(b))
	}
	*b = blocks{{Type: "text"}}
	return json.Unmarshal(raw, &(*b)[0].Text)
}

// messages translates what was said: results of tools are messages of their
// own.
func (r messagesRequest) messages() []message {
	said := []message{{Role: "system", Content: r.System}}
	for _, m := range r.Messages {
		var texts []string
		out := message{Role: m.Role}
		for _, b := range m.Content {
			switch b.Type {
			case "tool_use":
				out.calls = append(out.calls, call{b.ID, b.Name, string(b.Input)})
			case "tool_result":
				said = append(said, message{Role: "tool", Content: b.Content})
			default:
				texts = append(texts, b.Text)
			}
		}
		if out.Content = content(strings.Join(texts, "\n")); len(texts) > 0 || len(out.calls) > 0 {
			said = append(said, out)
		}
	}
	return said
}

func (x *exchange) messages() {
	var req messagesRequest
	if !x.decode(&req) {
		return
	}
	switch {
	case x.r.Header.Get("anthropic-version") == "":
		x.invalid("anthropic-version: header is required")
		return
	case req.Model == "" || len(req.Model) > maxModel:
		x.invalid("model: Field required")
		return
	case req.MaxTokens < 1:
		x.invalid("max_tokens: Input should be greater than or equal to 1")
		return
	case len(req.Messages) == 0:
		x.invalid("messages: at least one message is required")
		return
	}
	x.entry.ID = "msg_" + x.entry.ID
	q := question{
		model: req.Model, messages: req.messages(), stream: req.Stream, maxTokens: req.MaxTokens, mustAnswer: req.ToolChoice.Type == "none",
	}
	for _, t := range req.Tools {
		q.offers = append(q.offers, offer{t.Name, t.Description, t.InputSchema})
	}
	x.answer(q)
}

// anthropic is the protocol of messages.
type anthropic struct{}

func (anthropic) keepAlive() string   { return "event: ping\ndata: {\"type\":\"ping\"}\n\n" }
func (anthropic) errorEvent() string  { return "event: error\ndata: " }
func (anthropic) refusesInBand() bool { return true }

func (anthropic) completion(x *exchange, c completion) {
	b := messageHead(x.out.AvailableBuffer(), &x.entry)
	switch c.finish {
	case refusal:
		b = append(b, `[]`...)
	case toolUse:
		b = append(b, '[')
		for i, call := range c.calls {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, asJSON(newToolUse(call, call.arguments))...)
		}
		b = append(b, ']')
	default:
		b = append(b, `[{"type":"text","text":`...)
		b = append(appendString(b, c.text), `}]`...)
	}
	b = append(b, `,"stop_reason":"`+stopReason(c.finish)+`","stop_sequence":null,"usage":`...)
	x.out.Write(append(appendMessageUsage(b, x.entry.PromptTokens, x.entry.CompletionTokens), '}'))
}

func (anthropic) opening(s *streamer) {
	b := append(s.out.AvailableBuffer(), "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
	b = messageHead(b, &s.entry)
	b = append(b, `[],"stop_reason":null,"stop_sequence":null,"usage":`...)
	b = appendMessageUsage(b, s.entry.PromptTokens, 1)
	s.out.Write(append(b, "}}\n\n"...))
	s.out.WriteString("event: content_block_start\n" +
		"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n")
	s.out.WriteString(anthropic{}.keepAlive())
}

func (anthropic) delta(s *streamer, piece string) {
	b := append(s.out.AvailableBuffer(), "event: content_block_delta\n"+
		"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"...)
	s.out.Write(append(appendString(b, piece), "}}\n\n"...))
}

func (anthropic) closing(s *streamer, c completion) {
	b := append(s.out.AvailableBuffer(), "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"...)
	for i, call := range c.calls {
		b = appendToolUse(b, i+1, call)
	}
	b = append(b, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""+stopReason(c.finish)+
		"\",\"stop_sequence\":null},\"usage\":"...)
	b = appendMessageUsage(b, s.entry.PromptTokens, s.entry.CompletionTokens)
	s.out.Write(append(b, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...))
}

// messageHead appends the beginning of a message object, up to its content.
func messageHead(b []byte, e *Entry) []byte {
	b = append(b, `{"id":"`+e.ID+`","type":"message","role":"assistant","model":`...)
	b = appendString(b, e.Model)
	return append(b, `,"content":`...)
}

type toolUseBlock struct {
	Type  string          `json:"type"`
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
}

func newToolUse(c call, input string) toolUseBlock {
	return toolUseBlock{"tool_use", "toolu_" + c.id, c.name, json.RawMessage(input)}
}

// appendToolUse appends the events of a call in a stream.
func appendToolUse(b []byte, index int, c call) []byte {
	n := strconv.Itoa(index)
	b = append(b, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"+n+",\"content_block\":"...)
	b = append(b, asJSON(newToolUse(c, "{}"))...)
	b = append(b, "}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"+n+",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"...)
	b = appendString(b, c.arguments)
	return append(b, "}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"+n+"}\n\n"...)
}

func stopReason(f finish) string {
	switch f {
	case toolUse:
		return "tool_use"
	case length:
		return "max_tokens"
	case refusal:
		return "refusal"
	default:
		return "end_turn"
	}
}

func appendMessageUsage(b []byte, input, output int) []byte {
	b = append(b, `{"input_tokens":`...)
	b = strconv.AppendInt(b, int64(input), 10)
	b = append(b, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":`...)
	b = strconv.AppendInt(b, int64(output), 10)
	return append(b, '}')
}

// failure translates what has no error type of its own into the status and
// words that Anthropic has for it.
func (anthropic) failure(x *exchange, f failure) int {
	type detail struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	switch f.code {
	case insufficientQuota:
		f.status = http.StatusBadRequest
		f.message = "Your credit balance is too low to access the API. Please go to Plans & Billing to upgrade or purchase credits."
	case contextTooLong:
		f.message = "prompt is too long: 210000 tokens > 200000 maximum"
	}
	x.askToWait(f.status)
	x.encode(struct {
		Type      string `json:"type"`
		Error     detail `json:"error"`
		RequestID string `json:"request_id"`
	}{"error", detail{messagesErrorType(f.status), f.message}, "req_" + strings.TrimPrefix(x.entry.ID, "msg_")})
	return f.status
}

func messagesErrorType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	case statusOverloaded:
		return "overloaded_error"
	}
	if status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}
