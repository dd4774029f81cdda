package llmsim

import (
	"net/http"
)

// stream sends a completion as server-sent events, in OpenAI's order: a chunk
// with the role, one chunk a token, the finish reason, the usage when asked
// for, and the end mark.
func (x *exchange) stream(c completion, includeUsage bool, f faultKind) {
	x.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	x.w.Header().Set("Cache-Control", "no-cache")
	x.w.WriteHeader(http.StatusOK)
	s := newStreamer(x, includeUsage)
	s.chunk(`{"role":"assistant","content":"","refusal":null}`, `null`)
	if !s.tokens(c, s.cutAfter(c, f)) {
		x.end(http.StatusOK, Cancelled)
		return
	}
	switch f {
	case truncate, disconnect:
		x.end(http.StatusOK, Cut)
		s.flush()
		if f == disconnect {
			x.reset()
		}
		return
	}
	s.chunk(`{}`, `"`+c.finish+`"`)
	if includeUsage {
		s.usage()
	}
	x.out.WriteString("data: [DONE]\n\n")
	x.end(http.StatusOK, Finished)
	s.flush()
}

// streamer writes the chunks of one stream to out and out to the client.
type streamer struct {
	*exchange
	control *http.ResponseController
	head    []byte // what every chunk begins with
	tail    string // what every chunk ends with
}

func newStreamer(x *exchange, includeUsage bool) *streamer {
	s := &streamer{exchange: x, control: http.NewResponseController(x.w), tail: "}]}\n\n"}
	if includeUsage {
		s.tail = "}],\"usage\":null}\n\n"
	}
	s.head = append([]byte("data: "), x.head("chat.completion.chunk")...)
	return s
}

// cutAfter is how many tokens of c a fault lets through.
func (s *streamer) cutAfter(c completion, f faultKind) int {
	switch {
	case f != truncate && f != disconnect:
		return c.tokens
	case s.CutAfter < 0:
		return 0
	case s.CutAfter == 0:
		return c.tokens / 2
	}
	return min(s.CutAfter, c.tokens)
}

// tokens sends the first n tokens of c. Without an interval only the first one
// goes out alone: more system calls would measure nothing. It reports whether
// the client is still there.
func (s *streamer) tokens(c completion, n int) bool {
	paced := s.TokenInterval != Distribution{}
	for rest, i := c.text, 0; i < n; i++ {
		if i > 0 && paced && !pause(s.r.Context(), s.TokenInterval.Draw()) {
			return false
		}
		size := nextToken(rest)
		s.text(rest[:size])
		rest = rest[size:]
		s.entry.CompletionTokens++
		if (i == 0 || paced) && !s.flush() {
			return false
		}
	}
	return true
}

// text adds a chunk with a piece of the completion.
func (s *streamer) text(piece string) {
	b := append(s.out.AvailableBuffer(), s.head...)
	b = append(b, `,"choices":[{"index":0,"delta":{"content":`...)
	b = appendString(b, piece)
	b = append(b, `},"logprobs":null,"finish_reason":null`...)
	s.out.Write(append(b, s.tail...))
}

func (s *streamer) chunk(delta, finish string) {
	b := append(s.out.AvailableBuffer(), s.head...)
	b = append(b, `,"choices":[{"index":0,"delta":`+delta+`,"logprobs":null,"finish_reason":`+finish...)
	s.out.Write(append(b, s.tail...))
}

// usage adds the chunk that has no choices.
func (s *streamer) usage() {
	b := append(s.out.AvailableBuffer(), s.head...)
	b = append(b, `,"choices":[],"usage":`...)
	b = appendUsage(b, s.exchange.usage())
	s.out.Write(append(b, "}\n\n"...))
}

// flush sends what was added and reports whether the client is still there.
func (s *streamer) flush() bool {
	_, err := s.w.Write(s.out.Bytes())
	s.out.Reset()
	return err == nil && s.control.Flush() == nil && s.r.Context().Err() == nil
}
