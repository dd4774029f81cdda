package limit

import (
	"context"
	_ "embed" // the script below
	"errors"
	"log/slog"
	"strconv"
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

// shared is the buckets that all replicas take from.
type shared struct {
	client  *redis.Client
	script  *redis.Script
	timeout time.Duration
	log     *slog.Logger
	away    atomic.Int64 // until when Redis is left alone, in ns of Unix time
	charged chan bucket
}

func newShared(client *redis.Client, timeout time.Duration, log *slog.Logger) *shared {
	return &shared{
		client: client, script: redis.NewScript(takeLua), timeout: timeout, log: log, charged: make(chan bucket, charges),
	}
}

// take asks Redis, for a key too; ok is false when it does not answer. Only one
// caller a second finds out whether it is back.
func (s *shared) take(ctx context.Context, buckets []bucket, key string) (got taken, along desk.Along, ok bool) {
	until, now := s.away.Load(), time.Now()
	if until > now.UnixNano() {
		return taken{}, along, false
	}
	if until != 0 && !s.away.CompareAndSwap(until, now.Add(awayFor).UnixNano()) {
		return taken{}, along, false // somebody else is finding out
	}
	got, along, err := s.ask(ctx, buckets, false, key)
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

// ask runs the script once, and reads a key, unless that is empty, in the same
// round trip.
func (s *shared) ask(ctx context.Context, buckets []bucket, force bool, key string) (taken, desk.Along, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	keys, args := make([]string, len(buckets)), make([]any, 0, 2*len(buckets)+1)
	for i, b := range buckets {
		keys[i] = b.name
		args = append(args, b.perMinute, b.cost)
	}
	args = append(args, force)

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
	got, err := read(run)
	return got, along, err
}

func broughtAlong(found *redis.StringCmd) desk.Along {
	value, err := found.Bytes()
	if errors.Is(err, redis.Nil) {
		value, err = nil, nil
	}
	return desk.Along{Asked: true, Value: value, Err: err}
}

// read is what the script replied.
func read(run *redis.Cmd) (taken, error) {
	reply, err := run.Slice()
	if err != nil {
		return taken{}, err
	}
	if len(reply) != 3 {
		return taken{}, errors.New("the script replied with something else")
	}
	denied, _ := reply[0].(int64)
	wait, _ := reply[1].(int64)
	text, _ := reply[2].(string)
	left, err := strconv.ParseFloat(text, 64)
	return taken{denied: int(denied) - 1, wait: time.Duration(wait) * time.Millisecond, left: left}, err
}

// charge tells Redis later of what is owed already.
func (s *shared) charge(b bucket) {
	select {
	case s.charged <- b:
	default:
	}
}

// run pays what is owed until ctx ends, then what is left within a second.
func (s *shared) run(ctx context.Context) error {
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
	if _, _, err := s.ask(ctx, []bucket{b}, true, ""); err != nil {
		s.log.Debug("tokens not charged in redis", "error", err)
	}
}
