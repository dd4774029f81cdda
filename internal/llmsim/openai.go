package llmsim

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

type chatRequest struct {
	Model    string `json:"model"`
	Messages []struct {
		message
		ToolCalls []chatCall `json:"tool_calls"`
	} `json:"messages"`
	Tools []struct {
		Function struct {
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Parameters  json.RawMessage `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
	ToolChoice          any  `json:"tool_choice"`
	Stream              bool `json:"stream"`
	MaxTokens           int  `json:"max_tokens"`
	MaxCompletionTokens int  `json:"max_completion_tokens"`
	StreamOptions       *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type chatCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

func newChatCall(c call) chatCall {
	out := chatCall{ID: c.id, Type: "function"}
	out.Function.Name, out.Function.Arguments = c.name, c.arguments
	return out
}

// content is a string, null, or an array of parts whose texts are joined.
type content string

func (c *content) UnmarshalJSON(b []byte) error {
	if !bytes.HasPrefix(b, []byte("[")) {
		return json.Unmarshal(b, (*string)(c))
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.Text
	}
	*c = content(strings.Join(texts, "\n"))
	return nil
}

func (x *exchange) chat() {
	var req chatRequest
	if !x.decode(&req) {
		return
	}
	switch {
	case req.Model == "" || len(req.Model) > maxModel:
		x.invalid("you must provide a model parameter")
		return
	case len(req.Messages) == 0:
		x.invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.")
		return
	case req.StreamOptions != nil && !req.Stream:
		x.invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
		return
	}
	x.entry.ID = "chatcmpl-" + x.entry.ID
	x.protocol = openAI{usage: req.StreamOptions != nil && req.StreamOptions.IncludeUsage}
	q := question{
		model: req.Model, stream: req.Stream, maxTokens: max(req.MaxTokens, req.MaxCompletionTokens),
		mustAnswer: req.ToolChoice == "none",
	}
	for _, m := range req.Messages {
		for _, c := range m.ToolCalls {
			m.calls = append(m.calls, call{c.ID, c.Function.Name, c.Function.Arguments})
		}
		q.messages = append(q.messages, m.message)
	}
	for _, t := range req.Tools {
		q.offers = append(q.offers, offer{t.Function.Name, t.Function.Description, t.Function.Parameters})
	}
	x.answer(q)
}

// openAI is the protocol of chat completions and embeddings.
type openAI struct {
	usage bool // a stream ends with the usage
}

func (openAI) keepAlive() string   { return ": keep-alive\n\n" }
func (openAI) errorEvent() string  { return "data: " }
func (openAI) refusesInBand() bool { return false }

func (openAI) completion(x *exchange, c completion) {
	b := chatHead(x, "chat.completion")
	b = append(b, `,"choices":[{"index":0,"message":{"role":"assistant","content":`...)
	if len(c.calls) > 0 {
		b = append(appendCalls(append(b, `null,"tool_calls":`...), c.calls, false), `,"refusal":null},"logprobs"`...)
	} else {
		b = append(appendString(b, c.text), `,"refusal":null},"logprobs"`...)
	}
	b = append(b, `:null,"finish_reason":"`+chatFinish(c.finish)+`"}],"usage":`...)
	x.out.Write(append(appendChatUsage(b, &x.entry), '}'))
}

// opening adds the chunk with the role.
func (p openAI) opening(s *streamer) {
	s.head = append([]byte("data: "), chatHead(s.exchange, "chat.completion.chunk")...)
	s.tail = "}]}\n\n"
	if p.usage {
		s.tail = "}],\"usage\":null}\n\n"
	}
	chatChunk(s, `{"role":"assistant","content":"","refusal":null}`, `null`)
}

func (openAI) delta(s *streamer, piece string) {
	b := append(s.out.AvailableBuffer(), s.head...)
	b = append(b, `,"choices":[{"index":0,"delta":{"content":`...)
	b = appendString(b, piece)
	b = append(b, `},"logprobs":null,"finish_reason":null`...)
	s.out.Write(append(b, s.tail...))
}

// closing adds the finish reason, the usage when asked for, and the end mark.
func (p openAI) closing(s *streamer, c completion) {
	delta := `{}`
	if len(c.calls) > 0 {
		delta = `{"tool_calls":` + string(appendCalls(nil, c.calls, true)) + `}`
	}
	chatChunk(s, delta, `"`+chatFinish(c.finish)+`"`)
	if p.usage {
		b := append(s.out.AvailableBuffer(), s.head...)
		b = append(b, `,"choices":[],"usage":`...)
		s.out.Write(append(appendChatUsage(b, &s.entry), "}\n\n"...))
	}
	s.out.WriteString("data: [DONE]\n\n")
}

func chatChunk(s *streamer, delta, finish string) {
	b := append(s.out.AvailableBuffer(), s.head...)
	b = append(b, `,"choices":[{"index":0,"delta":`+delta+`,"logprobs":null,"finish_reason":`+finish...)
	s.out.Write(append(b, s.tail...))
}

// chatHead is the beginning of a completion or chunk object. It lies in out's
// spare capacity, to be appended to and then written there.
func chatHead(x *exchange, object string) []byte {
	b := append(x.out.AvailableBuffer(), `{"id":"`...)
	b = append(b, x.entry.ID...)
	b = append(b, `","object":"`+object+`","created":`...)
	b = strconv.AppendInt(b, x.entry.Time.Unix(), 10)
	b = append(b, `,"model":`...)
	return appendString(b, x.entry.Model)
}

// appendCalls appends the calls, in a stream with their index.
func appendCalls(b []byte, calls []call, indexed bool) []byte {
	b = append(b, '[')
	for i, c := range calls {
		if i > 0 {
			b = append(b, ',')
		}
		var index *int
		if indexed {
			index = &i
		}
		b = append(b, asJSON(struct {
			Index *int `json:"index,omitempty"`
			chatCall
		}{index, newChatCall(c)})...)
	}
	return append(b, ']')
}

func chatFinish(f finish) string {
	switch f {
	case length:
		return "length"
	case toolUse:
		return "tool_calls"
	}
	return "stop"
}

func appendChatUsage(b []byte, e *Entry) []byte {
	b = append(b, `{"prompt_tokens":`...)
	b = strconv.AppendInt(b, int64(e.PromptTokens), 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, int64(e.CompletionTokens), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(e.PromptTokens+e.CompletionTokens), 10)
	return append(b, '}')
}

func (openAI) failure(x *exchange, f failure) int {
	type detail struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	d := detail{Message: f.message, Type: f.kind}
	if f.code != "" {
		d.Code = &f.code
	}
	x.askToWait(f.status)
	x.encode(struct {
		Error detail `json:"error"`
	}{d})
	return f.status
}
