package limit

import (
	"context"
	"crypto/rand"
	_ "embed" // the script below
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
)

//go:embed take.lua
var takeLua string

const (
	// awayFor is how long Redis is left alone after it failed.
	awayFor = time.Second
	// charges bounds the payments that wait for Redis; what is beyond is
	// charged in this process alone.
	charges = 1024
)

// shared is the buckets and places that all replicas take from.
type shared struct {
	client  *redis.Client
	script  *redis.Script
	timeout time.Duration
	log     *slog.Logger
	away    atomic.Int64 // until when Redis is left alone, in ns of Unix time
	charged chan bucket

	replica string // this one among others, and among those that it was before
	lease   time.Duration
	places  *places
}

func newShared(client *redis.Client, cfg Config, log *slog.Logger) *shared {
	return &shared{
		client: client, script: redis.NewScript(takeLua), timeout: cfg.Timeout, log: log, charged: make(chan bucket, charges),
		replica: rand.Text(), lease: cfg.Lease, places: newPlaces(),
	}
}

// take asks Redis for what is in the buckets and for places, and for a key too; ok is false when it does not answer. Only one
// caller a second finds out whether it is back.
func (s *shared) take(ctx context.Context, buckets []bucket, places []place, key string) (got taken, along desk.Along, ok bool) {
	until, now := s.away.Load(), time.Now()
	if until > now.UnixNano() {
		return taken{}, along, false
	}
	if until != 0 && !s.away.CompareAndSwap(until, now.Add(awayFor).UnixNano()) {
		return taken{}, along, false // somebody else is finding out
	}
	got, along, err := s.ask(ctx, buckets, places, false, key)
	switch {
	case err == nil:
		if until != 0 {
			s.away.Store(0)
			s.log.Info("limits are shared again")
		}
		return got, along, true
	case errors.Is(ctx.Err(), context.Canceled): // the caller left
		s.away.Store(until)
	case s.away.Swap(time.Now().Add(awayFor).UnixNano()) == 0:
		s.log.Warn("redis does not answer; each replica limits by itself", "error", err)
	}
	return taken{}, along, false
}

// ask runs the script once, which fills in what is left in the buckets, and reads
// a key, unless that is empty, in the same round trip.
func (s *shared) ask(ctx context.Context, buckets []bucket, places []place, force bool, key string) (taken, desk.Along, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	keys, args := s.arguments(buckets, places, force)

	pipe := s.client.Pipeline()
	run := s.script.EvalSha(ctx, pipe, keys, args...)
	var along desk.Along
	if key == "" {
		_, _ = pipe.Exec(ctx) // its errors are those of the commands
	} else {
		found := pipe.Get(ctx, key)
		_, _ = pipe.Exec(ctx)
		along = broughtAlong(found)
	}
	if redis.HasErrorPrefix(run.Err(), "NOSCRIPT") { // Redis has just been started
		run = s.script.Eval(ctx, s.client, keys, args...)
	}
	got, err := read(run, buckets)
	return got, along, err
}

// arguments are those of the script.
func (s *shared) arguments(buckets []bucket, places []place, force bool) (keys []string, args []any) {
	keys = make([]string, 0, len(buckets)+len(places))
	args = append(make([]any, 0, 4+2*len(buckets)+3*len(places)), len(buckets), force, s.replica, s.lease.Milliseconds())
	for _, b := range buckets {
		keys = append(keys, b.name)
		args = append(args, b.perMinute, b.cost)
	}
	for _, p := range places {
		keys = append(keys, p.name)
		args = append(args, p.limit, p.inside, p.number)
	}
	return keys, args
}

func broughtAlong(found *redis.StringCmd) desk.Along {
	value, err := found.Bytes()
	if errors.Is(err, redis.Nil) {
		value, err = nil, nil
	}
	return desk.Along{Asked: true, Value: value, Err: err}
}

// read is what the script replied; it fills in what is left in the buckets.
func read(run *redis.Cmd, buckets []bucket) (taken, error) {
	reply, err := run.Slice()
	if err != nil {
		return taken{}, err
	}
	if len(reply) != 2+len(buckets) {
		return taken{}, errors.New("the script replied with something else")
	}
	denied, _ := reply[0].(int64)
	wait, _ := reply[1].(int64)
	for i := range buckets {
		text, _ := reply[2+i].(string)
		if buckets[i].left, err = strconv.ParseFloat(text, 64); err != nil {
			return taken{}, err
		}
	}
	return taken{denied: int(denied) - 1, wait: time.Duration(wait) * time.Millisecond, shared: true}, nil
}

// charge tells Redis later of what is owed already.
func (s *shared) charge(b bucket) {
	select {
	case s.charged <- b:
	default:
	}
}

// run tells Redis of what is owed and of what has ended until ctx ends, then of
// what is left within a second.
func (s *shared) run(ctx context.Context) error {
	var places sync.WaitGroup
	places.Go(func() { s.keepPlaces(ctx) })
	defer places.Wait()
	for {
		select {
		case b := <-s.charged:
			s.pay(ctx, b)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			for len(s.charged) > 0 && last.Err() == nil {
				s.pay(last, <-s.charged)
			}
			return nil
		}
	}
}

func (s *shared) pay(ctx context.Context, b bucket) {
	if s.away.Load() != 0 {
		return // this process has charged it
	}
	if _, _, err := s.ask(ctx, []bucket{b}, nil, true, ""); err != nil {
		s.log.Debug("tokens not charged in redis", "error", err)
	}
}
