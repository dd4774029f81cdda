package llmsim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// protocol puts into one vendor's bytes what the simulator has decided. Its
// methods add to x.out; they send nothing.
type protocol interface {
	// completion adds a whole reply.
	completion(x *exchange, c completion)
	// opening, delta and closing add the events of a stream: those before the
	// first token, that of one token, and those after the last.
	opening(s *streamer)
	delta(s *streamer, piece string)
	closing(s *streamer, c completion)
	// keepAlive is an event without content.
	keepAlive() string
	// errorEvent begins the event within a stream that holds a failure.
	errorEvent() string
	// failure adds an error reply and returns its status.
	failure(x *exchange, f failure) (status int)
	// refusesInBand tells whether content that the vendor does not allow is
	// declined by a completion with status 200 rather than by an error.
	refusesInBand() bool
}

// question is a request for a completion, whatever the protocol.
type question struct {
	model     string
	messages  []message
	maxTokens int // 0: unlimited
	stream    bool
	offers    []offer
	// mustAnswer forbids the use of the tools on offer.
	mustAnswer bool
}

// message is one of the conversation. Results of tools have the role "tool".
type message struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
	calls   []call
}

// completion is a text that a model has made.
type completion struct {
	text   string
	calls  []call // instead of a text
	tokens int
	finish finish
}

// finish is why a completion ended.
type finish uint8

const (
	stop    finish = iota // by itself
	length                // at the bound on its tokens
	refusal               // the vendor does not allow the content
	toolUse               // with calls
)

// complete makes the completion, whose text is cut off at the question's bound.
func complete(mode Mode, atLeast int, q question, id string) completion {
	p := readPrompt(q.messages)
	if calls := wish(mode, q, p); len(calls) > 0 {
		c := completion{calls: calls, finish: toolUse}
		for i := range calls {
			calls[i].id = "call_" + id + "_" + strconv.Itoa(i)
			c.tokens += countTokens(calls[i].name) + countTokens(calls[i].arguments)
		}
		return c
	}
	text, maxTokens := lengthen(compose(mode, p), atLeast), q.maxTokens
	c := completion{text: text}
	for end := 0; end < len(text); c.tokens++ {
		if maxTokens > 0 && c.tokens == maxTokens {
			c.text, c.finish = text[:end], length
			break
		}
		end += nextToken(text[end:])
	}
	return c
}

// lengthen says text again until it has so many tokens.
func lengthen(text string, atLeast int) string {
	if atLeast == 0 {
		return text
	}
	again := (atLeast-1)/countTokens(text) + 1
	return strings.TrimSuffix(strings.Repeat(text+" ", again), " ")
}

// answer replies to q, or fails as configured.
func (x *exchange) answer(q question) {
	x.entry.Model, x.entry.Stream = q.model, q.stream
	for _, m := range q.messages {
		x.entry.PromptTokens += countTokens(string(m.Content))
		for _, c := range m.calls {
			x.entry.PromptTokens += countTokens(c.name) + countTokens(c.arguments)
		}
	}
	for _, o := range q.offers {
		x.entry.PromptTokens += countTokens(o.name) + countTokens(o.description) + countTokens(string(o.parameters))
	}
	f := x.fate(q.model, len(q.offers) > 0)
	refused := f.failure.code == contentPolicy && x.refusesInBand()
	if refused {
		f = fault{}
	}
	if x.strike(f) {
		return
	}
	c := completion{finish: refusal}
	if !refused {
		c = complete(x.Mode, x.Length, q, x.entry.ID)
	}
	if q.stream {
		x.stream(c, f.kind)
		return
	}
	x.entry.CompletionTokens = c.tokens
	x.completion(x, c)
	x.deliver(f.kind)
}

// deliver sends the whole reply in out, or what a fault leaves of it.
func (x *exchange) deliver(f faultKind) {
	switch f {
	case truncate, disconnect, stall:
		x.part(f)
	case errorInside:
		x.out.Reset()
		x.entry.CompletionTokens = 0
		x.failure(x, overloaded)
		x.whole(http.StatusOK)
	default:
		x.whole(http.StatusOK)
	}
}

// part sends the first half of a JSON reply and breaks off, or falls silent.
func (x *exchange) part(how faultKind) {
	half := x.out.Bytes()[:x.out.Len()/2]
	if x.CutAfter < 0 {
		half = nil
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(http.StatusOK)
	_, _ = x.w.Write(half) // a client that has left loses only its own reply
	if how == stall {
		_ = http.NewResponseController(x.w).Flush()
		x.wait(http.StatusOK)
		return
	}
	x.end(http.StatusOK, Cut)
	if how == disconnect {
		_ = http.NewResponseController(x.w).Flush()
		x.reset()
	}
}

// encode adds v as JSON and a line feed.
func (x *exchange) encode(v any) {
	if err := json.NewEncoder(&x.out).Encode(v); err != nil {
		panic(err) // the reply types are ours and always encode
	}
}

// askToWait sets Retry-After where vendors send it.
func (x *exchange) askToWait(status int) {
	if x.RetryAfter > 0 && mayAskToWait(status) {
		x.w.Header().Set("Retry-After", strconv.Itoa(x.RetryAfter))
	}
}

func mayAskToWait(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || status == statusOverloaded
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte { return append(b, asJSON(s)...) }

// asJSON encodes what is ours and always encodes.
func asJSON(v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return encoded
}
