package limit

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// gather is for how long a request that has ended waits for others: a busy
	// replica tells Redis of them at most 200 times a second.
	gather = 5 * time.Millisecond
	// mostTold bounds the subjects that one pipeline tells of.
	mostTold = 256
	// mostUntold bounds those that wait while Redis is away; what the others
	// had under way is believed until their lease ends.
	mostUntold = 10_000
)

// place is what this replica has under way for one subject. It is said in whole
// and numbered, instead of counted up and down: what is lost, said twice or
// overtaken does no harm.
type place struct {
	scope  string // whose it is
	name   string
	limit  int // of all replicas; 0: only say it
	inside int64
	number int64
}

// places are the requests under way of which Redis is told. Entering is said
// with the limits; leaving soon after, or by the next who enters.
type places struct {
	mu      sync.Mutex
	held    map[string]*subject // may have requests under way
	changed map[string]*subject // have fewer than Redis was told
	wake    chan struct{}
}

func newPlaces() *places {
	return &places{held: map[string]*subject{}, changed: map[string]*subject{}, wake: make(chan struct{}, 1)}
}

// hold has the lease of a subject's places renewed until all are left.
func (p *places) hold(s *subject) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[s.name] = s
}

// left has Redis told that a request of the subject has ended.
func (p *places) left(s *subject) {
	p.untold(s)
	select {
	case p.wake <- struct{}{}:
	default: // woken already
	}
}

func (p *places) untold(s *subject) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.changed) < mostUntold {
		p.changed[s.name] = s
	}
}

// due are the subjects to tell of: those that changed, or also all that are
// held.
func (p *places) due(all bool) (due []*subject) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if all {
		for name, s := range p.held {
			if p.changed[name] == nil {
				due = append(due, s)
			}
		}
	}
	for _, s := range p.changed {
		due = append(due, s)
	}
	clear(p.changed)
	for _, s := range due {
		if s.place(0).inside == 0 {
			delete(p.held, s.name)
		}
	}
	return due
}

// keepPlaces tells Redis of requests that have ended, and renews the lease of
// those under way, until ctx ends; what is left then within a second.
func (s *shared) keepPlaces(ctx context.Context) {
	beat := time.NewTicker(s.lease / 3)
	defer beat.Stop()
	for {
		select {
		case <-s.places.wake:
			select {
			case <-time.After(gather):
			case <-ctx.Done():
			}
			s.tell(ctx, s.places.due(false))
		case <-beat.C:
			s.tell(ctx, s.places.due(true))
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			s.tell(last, s.places.due(false))
			return
		}
	}
}

// tell says what is under way for the subjects; who could not be told of waits
// for the next time.
func (s *shared) tell(ctx context.Context, due []*subject) {
	for len(due) > 0 {
		some := due[:min(len(due), mostTold)]
		due = due[len(some):]
		if s.away.Load() != 0 || !s.say(ctx, some) {
			for _, one := range some {
				s.places.untold(one)
			}
		}
	}
}

// say tells of some subjects in one round trip.
func (s *shared) say(ctx context.Context, some []*subject) (told bool) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	say := func() error {
		_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for _, one := range some {
				keys, args := s.arguments(nil, []place{one.place(0)}, false)
				s.script.EvalSha(ctx, pipe, keys, args...)
			}
			return nil
		})
		return err
	}
	err := say()
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // Redis has just been started
		if err = s.script.Load(ctx, s.client).Err(); err == nil {
			err = say()
		}
	}
	if err != nil {
		s.log.Debug("requests that ended not told to redis", "error", err)
	}
	return err == nil
}
