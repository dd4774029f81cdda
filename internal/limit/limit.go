// Package limit bounds how often one caller may ask. The limit is local to
// the process: with several replicas a caller has as many times the rate.
package limit

import (
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

const (
	// callers is how many callers are remembered; the least recent is forgotten
	// first and starts anew.
	callers = 100_000
	// forgetAfter is when a silent caller is forgotten: by then any bucket is
	// full again.
	forgetAfter = 2 * time.Minute
)

// Limiter is a token bucket for each caller: a minute's requests may come at
// once, then one at a time. It is safe for concurrent use.
type Limiter struct {
	perMinute int
	buckets   *otter.Cache[string, *rate.Limiter]
}

// New returns a limiter of at least one request a minute. Close it after use.
func New(perMinute int) *Limiter {
	return &Limiter{perMinute: perMinute, buckets: otter.Must(&otter.Options[string, *rate.Limiter]{
		MaximumSize:      callers,
		ExpiryCalculator: otter.ExpiryAccessing[string, *rate.Limiter](forgetAfter),
	})}
}

// Allow takes one request from the caller's bucket, or says how long it takes
// until there is one.
func (l *Limiter) Allow(caller string) (wait time.Duration, ok bool) {
	bucket, _ := l.buckets.ComputeIfAbsent(caller, func() (*rate.Limiter, bool) {
		return rate.NewLimiter(rate.Limit(l.perMinute)/60, l.perMinute), false
	})
	r := bucket.Reserve()
	if wait = r.Delay(); wait > 0 {
		r.Cancel()
		return wait, false
	}
	return 0, true
}

// Close releases what the limiter remembers.
func (l *Limiter) Close() { l.buckets.StopAllGoroutines() }
