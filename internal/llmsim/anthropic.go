package llmsim

import (
	"net/http"
	"strconv"
	"strings"
)

type messagesRequest struct {
	Model     string    `json:"model"`
	System    content   `json:"system"`
	Messages  []message `json:"messages"`
	MaxTokens int       `json:"max_tokens"`
	Stream    bool      `json:"stream"`
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
	x.answer(question{
		model: req.Model, messages: withSystem(req.System, req.Messages), stream: req.Stream, maxTokens: req.MaxTokens,
	})
}

// withSystem puts the instructions before the messages.
func withSystem(system content, messages []message) []message {
	return append([]message{{Role: "system", Content: system}}, messages...)
}

// anthropic is the protocol of messages.
type anthropic struct{}

func (anthropic) keepAlive() string   { return "event: ping\ndata: {\"type\":\"ping\"}\n\n" }
func (anthropic) errorEvent() string  { return "event: error\ndata: " }
func (anthropic) refusesInBand() bool { return true }

func (anthropic) completion(x *exchange, c completion) {
	b := messageHead(x.out.AvailableBuffer(), &x.entry)
	if c.finish == refusal {
		b = append(b, `[]`...)
	} else {
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
	b := append(s.out.AvailableBuffer(), "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"+
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""+stopReason(c.finish)+
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

func stopReason(f finish) string {
	switch f {
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
