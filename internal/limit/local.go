package limit

import (
	"math"
	"sync"
	"time"
)

// subject is what this process knows of a key, user or address.
type subject struct {
	name             string
	requests, tokens level

	mu     sync.Mutex
	inside int64 // requests under way
	number int64 // of changes to inside
}

// newSubject begins to number where nobody of that name has come before.
func newSubject(name string) *subject {
	return &subject{name: name, number: time.Now().UnixMicro()}
}

// enter counts one more request unless there are limit already; 0 is any
// number.
func (s *subject) enter(limit int) (place, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit > 0 && s.inside >= int64(limit) {
		return place{}, false
	}
	s.inside++
	s.number++
	return s.placeLocked(limit), true
}

func (s *subject) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside--
	s.number++
}

// place is what is under way.
func (s *subject) place(limit int) place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.placeLocked(limit)
}

func (s *subject) placeLocked(limit int) place {
	return place{name: s.name + ":c", limit: limit, inside: s.inside, number: s.number}
}

// level is how full a bucket is: full when it is new.
type level struct {
	mu sync.Mutex
	n  float64
	at time.Time // of n; zero: full
}

// now brings the level up to date; l.mu is held.
func (l *level) fill(b bucket, now time.Time) float64 {
	full := float64(b.perMinute)
	if l.at.IsZero() {
		l.n = full
	} else {
		l.n = math.Min(full, l.n+full*now.Sub(l.at).Minutes())
	}
	l.at = now
	return l.n
}

// charge takes what the bucket costs, also what is not there.
func (l *level) charge(b bucket, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n = l.fill(b, now) - b.cost
}

// takeAll takes from every bucket, or from none.
func takeAll(buckets []bucket, now time.Time) taken {
	got := taken{denied: -1}
	for i, b := range buckets {
		b.local.mu.Lock()
		n := b.local.fill(b, now)
		if n < b.need() {
			if w := b.refill(b.need() - n); got.denied < 0 || w > got.wait {
				got.denied, got.wait = i, w
			}
		}
		if i == 0 {
			got.left = n
		}
	}
	for i, b := range buckets {
		if got.denied < 0 {
			b.local.n -= b.cost
			if i == 0 {
				got.left -= b.cost
			}
		}
		b.local.mu.Unlock()
	}
	return got
}
