package llmsim

import (
	"bytes"
	"encoding/json"
	"net/http"
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

type message struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
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

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// completion is a text that a model has made.
type completion struct {
	text   string
	tokens int
	finish string // stop or length
}

// complete makes the completion, cut off at maxTokens when that is positive.
func complete(mode Mode, messages []message, maxTokens int) completion {
	text := compose(mode, readPrompt(messages))
	c := completion{text: text, finish: "stop"}
	for end := 0; end < len(text); c.tokens++ {
		if maxTokens > 0 && c.tokens == maxTokens {
			c.text, c.finish = text[:end], "length"
			break
		}
		end += nextToken(text[end:])
	}
	return c
}

func (x *exchange) chat() {
	var req chatRequest
	if !x.decode(&req) {
		return
	}
	switch {
	case req.Model == "" || len(req.Model) > 256:
		x.invalid("you must provide a model parameter")
		return
	case len(req.Messages) == 0:
		x.invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.")
		return
	case req.StreamOptions != nil && !req.Stream:
		x.invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
		return
	}
	c := complete(x.Mode, req.Messages, max(req.MaxTokens, req.MaxCompletionTokens))
	x.entry.ID = "chatcmpl-" + x.entry.ID
	x.entry.Model, x.entry.Stream = req.Model, req.Stream
	for _, m := range req.Messages {
		x.entry.PromptTokens += countTokens(string(m.Content))
	}
	f := x.draw(req.Model)
	if x.strike(f) {
		return
	}
	if req.Stream {
		x.stream(c, req.StreamOptions != nil && req.StreamOptions.IncludeUsage, f.kind)
		return
	}
	x.entry.CompletionTokens = c.tokens
	x.encodeCompletion(c)
	if f.kind == truncate || f.kind == disconnect {
		x.part(f.kind)
		return
	}
	x.whole(http.StatusOK)
}

func (x *exchange) usage() usage {
	return usage{x.entry.PromptTokens, x.entry.CompletionTokens, x.entry.PromptTokens + x.entry.CompletionTokens}
}

// encodeCompletion writes a chat.completion object to out.
func (x *exchange) encodeCompletion(c completion) {
	u := x.usage()
	b := x.head("chat.completion")
	b = append(b, `,"choices":[{"index":0,"message":{"role":"assistant","content":`...)
	b = appendString(b, c.text)
	b = append(b, `,"refusal":null},"logprobs":null,"finish_reason":"`+c.finish+`"}],"usage":`...)
	b = append(appendUsage(b, u), '}')
	x.out.Write(b)
}

// head is the beginning of a completion or chunk object. It lies in out's
// spare capacity, to be appended to and then written there.
func (x *exchange) head(object string) []byte {
	b := append(x.out.AvailableBuffer(), `{"id":"`...)
	b = append(b, x.entry.ID...)
	b = append(b, `","object":"`+object+`","created":`...)
	b = strconv.AppendInt(b, x.entry.Time.Unix(), 10)
	b = append(b, `,"model":`...)
	return appendString(b, x.entry.Model)
}

// part sends the first half of a JSON reply and breaks off.
func (x *exchange) part(how faultKind) {
	half := x.out.Bytes()[:x.out.Len()/2]
	if x.CutAfter < 0 {
		half = nil
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(http.StatusOK)
	_, _ = x.w.Write(half) // a client that has left loses only its own reply
	x.end(http.StatusOK, Cut)
	if how == disconnect {
		_ = http.NewResponseController(x.w).Flush()
		x.reset()
	}
}

func appendUsage(b []byte, u usage) []byte {
	b = append(b, `{"prompt_tokens":`...)
	b = strconv.AppendInt(b, int64(u.PromptTokens), 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, int64(u.CompletionTokens), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(u.TotalTokens), 10)
	return append(b, '}')
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	return append(b, quoted...)
}
