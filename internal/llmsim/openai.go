package llmsim

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

type chatRequest struct {
	Model               string    `json:"model"`
	Messages            []message `json:"messages"`
	Stream              bool      `json:"stream"`
	MaxTokens           int       `json:"max_tokens"`
	MaxCompletionTokens int       `json:"max_completion_tokens"`
	StreamOptions       *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
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
	x.answer(question{
		model: req.Model, messages: req.Messages, stream: req.Stream,
		maxTokens: max(req.MaxTokens, req.MaxCompletionTokens),
	})
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
	b = appendString(b, c.text)
	b = append(b, `,"refusal":null},"logprobs":null,"finish_reason":"`+chatFinish(c.finish)+`"}],"usage":`...)
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
	chatChunk(s, `{}`, `"`+chatFinish(c.finish)+`"`)
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

func chatFinish(f finish) string {
	if f == length {
		return "length"
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
