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

// take asks Redis; ok is false when it does not answer. Only one caller a
// second finds out whether it is back.
func (s *shared) take(ctx context.Context, buckets []bucket) (got taken, ok bool) {
	until, now := s.away.Load(), time.Now()
	if until > now.UnixNano() {
		return taken{}, false
	}
	if until != 0 && !s.away.CompareAndSwap(until, now.Add(awayFor).UnixNano()) {
		return taken{}, false // somebody else is finding out
	}
	got, err := s.ask(ctx, buckets, false)
	switch {
	case err == nil:
		if until != 0 {
			s.away.Store(0)
			s.log.Info("limits are shared again")
		}
		return got, true
	case errors.Is(ctx.Err(), context.Canceled): // the caller left
		s.away.Store(until)
	case s.away.Swap(time.Now().Add(awayFor).UnixNano()) == 0:
		s.log.Warn("redis does not answer; each replica limits by itself", "error", err)
	}
	return taken{}, false
}

// ask runs the script once.
func (s *shared) ask(ctx context.Context, buckets []bucket, force bool) (taken, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	keys, args := make([]string, len(buckets)), make([]any, 0, 2*len(buckets)+1)
	for i, b := range buckets {
		keys[i] = b.name
		args = append(args, b.perMinute, b.cost)
	}
	args = append(args, force)
	reply, err := s.script.Run(ctx, s.client, keys, args...).Slice()
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
	if _, err := s.ask(ctx, []bucket{b}, true); err != nil {
		s.log.Debug("tokens not charged in redis", "error", err)
	}
}
