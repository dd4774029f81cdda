package gateway

import (
	"sync"
	"time"
)

// share bounds additional calls, such as retries, to a part of the ordinary calls
// of the last ten seconds: when everything fails, they would only add to the load.
// floor of them are always allowed, so that a quiet service can make some. It is
// safe for concurrent use.
type share struct {
	part  float64
	floor int
	begin time.Time

	mu     sync.Mutex
	second int     // since begin, of the newest count
	calls  [10]int // ordinary calls, by second modulo 10
	extra  [10]int // additional calls, likewise
}

func newShare(part float64, floor int) *share {
	return &share{part: part, floor: floor, begin: time.Now()}
}

// called counts an ordinary call.
func (s *share) called() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[s.now()]++
}

// take reports whether an additional call may be made now, and counts it.
func (s *share) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	calls, extra := 0, 0
	for i := range s.calls {
		calls += s.calls[i]
		extra += s.extra[i]
	}
	if extra >= s.floor && float64(extra+1) > s.part*float64(calls) {
		return false
	}
	s.extra[now]++
	return true
}

// now is the index of this second, with the counts of older ones cleared.
func (s *share) now() int {
	second := int(time.Since(s.begin) / time.Second)
	for s.second = max(s.second, second-len(s.calls)); s.second < second; {
		s.second++
		s.calls[s.second%len(s.calls)], s.extra[s.second%len(s.calls)] = 0, 0
	}
	return second % len(s.calls)
}
