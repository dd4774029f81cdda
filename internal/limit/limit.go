// Package limit bounds how much one caller may ask: requests and tokens a
// minute, and requests at a time, shared by all replicas through Redis. Without
// Redis, or while it is away, each replica lets its equal share of a limit in,
// at least one: never more than the limit by all of them, but for what Redis let
// in before and this replica has not heard of. The requests under way of a
// replica that dies are forgotten when its lease ends.
package limit

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
)

// Rates bound one subject; 0 is unlimited.
type Rates struct {
	Requests   int // a minute; all may come at once
	Tokens     int // a minute, paid after an answer: the last one may overdraw
	Concurrent int // requests at a time
}

// Config says whose rates are bounded.
type Config struct {
	Key     Rates // one key
	User    Rates // one user of a tenant, where the caller names them
	Address Rates // one address, of callers without a key
	Visitor Rates // one address, of callers with a website's key
	// Timeout bounds the round trip to Redis. Default 50 ms.
	Timeout time.Duration
	// Lease is for how long Redis believes what a replica said of its requests
	// under way; it repeats that three times meanwhile. Default 15 s.
	Lease time.Duration
	// Replicas returns how many there are, at least 1. Default: this one.
	Replicas func() int
}

// Caller is who asks.
type Caller struct {
	Scope   desk.Scope
	Address string // used where the scope has no key, or that of a website
	Website bool   // the key is a website's, which all of its visitors can read
}

// Why a caller has to wait, a closed set for metrics.
const (
	Requests   = "requests"
	Tokens     = "tokens"
	Concurrent = "concurrent"
)

// Whose limit makes them wait, a closed set for metrics.
const (
	OfKey     = "key"
	OfUser    = "user"
	OfAddress = "address"
	OfVisitor = "visitor"
)

// Verdict is whether a caller may ask now. Limit, Remaining and Reset describe
// their requests a minute; Limit is 0 where these are unlimited.
type Verdict struct {
	Refused   string        // why not; empty: they may
	Scope     string        // whose limit refuses them
	Wait      time.Duration // until it is worth to try again
	Limit     int
	Remaining int
	Reset     time.Duration // until all requests are there again
	Along     desk.Along    // what Redis was asked for by the way

	of     *Limiter
	inside []*subject // where the request counts as one under way
	tokens []bucket
}

const (
	// subjects is how many are remembered; the least recent is forgotten first
	// and starts anew.
	subjects = 100_000
	// forgetAfter is when a silent subject is forgotten: by then any bucket is
	// full again that was not overdrawn by more than its rate.
	forgetAfter = 2 * time.Minute
	// busyWait is after how long a request beyond the concurrent ones should
	// be tried again.
	busyWait = time.Second
)

// Limiter is safe for concurrent use.
type Limiter struct {
	cfg      Config
	subjects *otter.Cache[string, *subject]
	shared   *shared // nil: without Redis
}

// New returns a limiter; client may be nil. Its Run must be started.
func New(cfg Config, client *redis.Client, log *slog.Logger) *Limiter {
	if cfg.Timeout == 0 {
		cfg.Timeout = 50 * time.Millisecond
	}
	if cfg.Lease == 0 {
		cfg.Lease = 15 * time.Second
	}
	if cfg.Replicas == nil {
		cfg.Replicas = func() int { return 1 }
	}
	l := &Limiter{cfg: cfg, subjects: otter.Must(&otter.Options[string, *subject]{
		MaximumSize:      subjects,
		ExpiryCalculator: otter.ExpiryAccessing[string, *subject](forgetAfter),
	})}
	if client != nil {
		l.shared = newShared(client, cfg, log)
	}
	return l
}

// Run tells Redis of the tokens that answers took and of requests that have
// ended, until ctx ends.
func (l *Limiter) Run(ctx context.Context) error {
	defer l.subjects.StopAllGoroutines()
	if l.shared == nil {
		<-ctx.Done()
		return nil
	}
	return l.shared.run(ctx)
}

// Enter decides whether the caller may ask now. Where they may, Leave must be
// called when they have their answer. A key of Redis is read in the same round
// trip, where there is one; empty: none.
func (l *Limiter) Enter(ctx context.Context, c Caller, key string) Verdict {
	v := Verdict{of: l}
	var take []bucket
	var places []place
	replicas := l.cfg.Replicas()
	for s, rates := range l.rates(c) {
		if rates.Concurrent > 0 {
			p, ok := s.enter(rates.Concurrent)
			if !ok {
				v.leave()
				return Verdict{Refused: Concurrent, Scope: s.scope, Wait: busyWait}
			}
			places, v.inside = append(places, p), append(v.inside, s)
		}
		if rates.Requests > 0 {
			take = append(take, s.bucket(":r", rates.Requests, replicas, 1, &s.requests))
		}
		if rates.Tokens > 0 {
			b := s.bucket(":t", rates.Tokens, replicas, 0, &s.tokens)
			take, v.tokens = append(take, b), append(v.tokens, b)
		}
	}
	if len(take)+len(places) == 0 {
		return v
	}
	if l.shared != nil {
		for _, s := range v.inside {
			l.shared.places.hold(s)
		}
		var got taken
		var ok bool
		if got, v.Along, ok = l.shared.take(ctx, take, places, key); ok {
			follow(take, got, replicas, time.Now()) // ready to take over
			return v.decide(take, places, got)
		}
	}
	return v.decide(take, places, takeAlone(take, places, replicas, time.Now()))
}

// decide is the verdict on what became of taking.
func (v Verdict) decide(take []bucket, places []place, got taken) Verdict {
	if len(take) > 0 && take[0].cost > 0 {
		first := take[0]
		full := first.share
		if got.shared {
			full = float64(first.perMinute)
		}
		v.Limit, v.Remaining = first.perMinute, max(0, int(first.left))
		v.Reset = refill(full-first.left, full)
	}
	switch i := got.denied; {
	case i < 0:
		return v
	case i >= len(take):
		v.Refused, v.Scope, v.Wait = Concurrent, places[i-len(take)].scope, busyWait
	case take[i].cost == 0:
		v.Refused, v.Scope, v.Wait = Tokens, take[i].scope, got.wait
	default:
		v.Refused, v.Scope, v.Wait = Requests, take[i].scope, got.wait
	}
	v.leave()
	return v
}

// rates are those of each subject that the caller belongs to. The tenant is a
// hash tag: all of it lies in one slot of a Redis Cluster.
func (l *Limiter) rates(c Caller) func(func(*subject, Rates) bool) {
	return func(yield func(*subject, Rates) bool) {
		base := "kefu:{" + string(c.Scope.Tenant) + "}:limit:"
		mine, scope, id := l.cfg.Key, OfKey, string(c.Scope.Key)
		switch {
		case c.Website:
			mine, scope, id = l.cfg.Visitor, OfVisitor, c.Address
		case c.Scope.Key == "":
			mine, scope, id = l.cfg.Address, OfAddress, c.Address
		}
		if mine != (Rates{}) && !yield(l.subject(base, scope, id), mine) {
			return
		}
		if l.cfg.User != (Rates{}) && c.Scope.User != desk.Anonymous {
			yield(l.subject(base, OfUser, string(c.Scope.User)), l.cfg.User)
		}
	}
}

func (l *Limiter) subject(base, scope, id string) *subject {
	name := base + scope + ":" + id
	s, _ := l.subjects.ComputeIfAbsent(name, func() (*subject, bool) { return newSubject(scope, name), false })
	return s
}

// Leave ends a request that was let in and charges the tokens of its answer.
func (v *Verdict) Leave(tokens int) {
	v.leave()
	if tokens <= 0 || len(v.tokens) == 0 {
		return
	}
	now := time.Now()
	for _, b := range v.tokens {
		b.cost = float64(tokens)
		b.local.charge(b, now)
		if v.of.shared != nil {
			v.of.shared.charge(b)
		}
	}
}

func (v *Verdict) leave() {
	for _, s := range v.inside {
		s.leave()
		if v.of.shared != nil {
			v.of.shared.places.left(s)
		}
	}
	v.inside = nil
}

// bucket is a token bucket of a minute's worth.
type bucket struct {
	scope     string // whose it is
	name      string
	perMinute int     // of all replicas together
	share     float64 // of this one without the others, at least 1
	cost      float64 // 0: pays later, and may pass while something is left
	left      float64 // after taking, of what decided
	local     *level
}

func (s *subject) bucket(suffix string, perMinute, replicas int, cost float64, local *level) bucket {
	share := math.Max(1, float64(perMinute)/float64(replicas))
	return bucket{scope: s.scope, name: s.name + suffix, perMinute: perMinute, share: share, cost: cost, local: local}
}

// need is how much must be there for the bucket to let pass.
func (b bucket) need() float64 { return math.Max(b.cost, 1) }

// refill is how long it takes until n more are there, of full ones a minute.
func refill(n, full float64) time.Duration {
	return time.Duration(math.Max(0, n) / full * float64(time.Minute))
}

// taken is what became of taking from several buckets at once.
type taken struct {
	denied int           // index of the bucket that has to be waited for longest, beyond them of a place, -1: none
	wait   time.Duration // for it
	shared bool          // by Redis, for all replicas
}
