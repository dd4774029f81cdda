package limit

import (
	"math"
	"sync"
	"time"
)

// subject is what this process knows of a key, user or address.
type subject struct {
	scope, name      string
	requests, tokens level

	mu     sync.Mutex
	inside int64 // requests under way
	number int64 // of changes to inside
}

// newSubject begins to number where nobody of that name has come before.
func newSubject(scope, name string) *subject {
	return &subject{scope: scope, name: name, number: time.Now().UnixMicro()}
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
	return place{scope: s.scope, name: s.name + ":c", limit: limit, inside: s.inside, number: s.number}
}

// level is how full this replica's share of a bucket is: full when it is new.
type level struct {
	mu sync.Mutex
	n  float64
	at time.Time // of n; zero: full
}

// fill brings the level up to date; l.mu is held.
func (l *level) fill(b bucket, now time.Time) float64 {
	if l.at.IsZero() {
		l.n = b.share
	} else {
		l.n = math.Min(b.share, l.n+b.share*now.Sub(l.at).Minutes())
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

// lower leaves at most n.
func (l *level) lower(n float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n = math.Min(l.n, n)
}

// follow takes from every bucket where Redis has let the request in, and leaves
// in none more than this replica's share of what Redis has left for all.
func follow(buckets []bucket, got taken, replicas int, now time.Time) {
	for _, b := range buckets {
		if got.denied >= 0 {
			b.cost = 0
		}
		b.local.charge(b, now)
		b.local.lower(b.left / float64(replicas))
	}
}

// takeAlone takes from every bucket and keeps every place, or none of them,
// within this replica's share of each.
func takeAlone(buckets []bucket, places []place, replicas int, now time.Time) taken {
	for i, p := range places {
		if p.inside > int64(max(1, p.limit/replicas)) {
			return taken{denied: len(buckets) + i}
		}
	}
	return takeAll(buckets, now)
}

// takeAll takes from every bucket, or from none.
func takeAll(buckets []bucket, now time.Time) taken {
	got := taken{denied: -1}
	for i := range buckets {
		b := &buckets[i]
		b.local.mu.Lock()
		b.left = b.local.fill(*b, now)
		if b.left < b.need() {
			if w := refill(b.need()-b.left, b.share); got.denied < 0 || w > got.wait {
				got.denied, got.wait = i, w
			}
		}
	}
	for i := range buckets {
		b := &buckets[i]
		if got.denied < 0 {
			b.left -= b.cost
			b.local.n = b.left
		}
		b.local.mu.Unlock()
	}
	return got
}
