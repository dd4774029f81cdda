package llmsim

import (
	"net/http"
	"time"
)

// stream sends a completion as server-sent events, one a token.
func (x *exchange) stream(c completion, f faultKind) {
	x.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	x.w.Header().Set("Cache-Control", "no-cache")
	x.w.WriteHeader(http.StatusOK)
	s := &streamer{exchange: x, control: http.NewResponseController(x.w)}
	x.opening(s)
	if len(c.calls) > 0 {
		x.entry.CompletionTokens = c.tokens
		c.tokens = 0
	}
	if !s.tokens(c, s.cutAfter(c, f)) {
		x.end(http.StatusOK, Cancelled)
		return
	}
	switch f {
	case stall:
		s.stall()
		return
	case truncate, disconnect:
		x.end(http.StatusOK, Cut)
		s.flush()
		if f == disconnect {
			x.reset()
		}
		return
	case errorInside:
		x.out.WriteString(x.errorEvent())
		x.failure(x, overloaded)
		x.out.WriteByte('\n')
		x.end(http.StatusOK, Cut)
		s.flush()
		return
	}
	x.closing(s, c)
	x.end(http.StatusOK, Finished)
	s.flush()
}

// streamer writes the events of one stream to out and out to the client.
type streamer struct {
	*exchange
	control *http.ResponseController
	head    []byte // what events begin with, where the protocol repeats itself
	tail    string // what they end with
}

// cutAfter is how many tokens of c a fault lets through.
func (s *streamer) cutAfter(c completion, f faultKind) int {
	switch {
	case f == none:
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
		s.entry.CompletionTokens++
		s.delta(s, rest[:size])
		rest = rest[size:]
		if (i == 0 || paced) && !s.flush() {
			return false
		}
	}
	return true
}

// keepAliveInterval is what a stream that stalls keeps to: often enough that
// no test has to wait for it.
const keepAliveInterval = 50 * time.Millisecond

// stall sends nothing but keep-alives until the client leaves or the simulator
// lets go.
func (s *streamer) stall() {
	tick := time.NewTicker(keepAliveInterval)
	defer tick.Stop()
	for s.flush() {
		select {
		case <-s.r.Context().Done():
		case <-s.sim.released:
			s.end(http.StatusOK, Cut)
			panic(http.ErrAbortHandler)
		case <-tick.C:
			s.out.WriteString(s.keepAlive())
		}
	}
	s.end(http.StatusOK, Cancelled)
}

// flush sends what was added and reports whether the client is still there.
func (s *streamer) flush() bool {
	_, err := s.w.Write(s.out.Bytes())
	s.out.Reset()
	return err == nil && s.control.Flush() == nil && s.r.Context().Err() == nil
}
