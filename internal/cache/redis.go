package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// Dial returns a client for a redis:// or rediss:// URL that fails fast: the
// library's defaults spend 1.75 s on a command when the server is gone. It
// does not connect yet.
func Dial(url string, timeout time.Duration) (*redis.Client, error) {
	opt, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redis url: %w", err)
	}
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = timeout, timeout, timeout, timeout
	opt.DialerRetries, opt.MaxRetries = 1, -1
	opt.ContextTimeoutEnabled = true
	opt.Protocol = cmp.Or(opt.Protocol, 2) // with RESP3 the client looks for notifications before each reply, which nobody here uses
	return redis.NewClient(opt), nil
}

const (
	writeQueue   = 1024                   // answers waiting for Redis
	writeBatch   = 64                     // answers a pipeline carries at most
	writeTimeout = time.Second            // for a batch; nobody waits for it
	writeDelay   = 50 * time.Millisecond  // longest wait of an answer for others to share a round trip with
	probeEvery   = 250 * time.Millisecond // while Redis is down
	tellEvery    = time.Minute            // that Redis refuses
	loneReads    = 2                      // up to as many lookups at a time are sent one by one
)

// remote is the Redis tier. Entries are CBOR, which is read in a quarter of the
// time of JSON. The first failure takes the tier out of the path of questions; a
// probe in the background brings it back.
type remote struct {
	client  *redis.Client
	gets    *redis.AutoPipeliner // gives lookups that coincide one round trip
	reading atomic.Int64         // lookups under way
	timeout time.Duration
	ttl     time.Duration
	jitter  float64
	seals   *seal.Ring
	obs     Observer
	log     *slog.Logger
	down    atomic.Bool
	alive   atomic.Int64 // when Redis last answered, in nanoseconds
	told    atomic.Int64 // when it was last told that Redis refuses, in nanoseconds
	failed  chan struct{}
	writes  chan write
}

type write struct {
	key    Key
	answer desk.Answer
}

func newRemote(cfg Config, client *redis.Client, obs Observer) (*remote, error) {
	gets, err := client.AutoPipeline()
	if err != nil {
		return nil, fmt.Errorf("redis pipeline: %w", err)
	}
	return &remote{
		client: client, gets: gets, timeout: cfg.Timeout, ttl: cfg.RedisTTL, jitter: cfg.Jitter, seals: cfg.Seals, obs: obs, log: cfg.Logger,
		failed: make(chan struct{}, 1), writes: make(chan write, writeQueue),
	}, nil
}

// get finds an answer; it is nil for any outcome but Hit. The asker is admitted
// first; who admits may have read the key in the same round trip (desk.Along). The
// only error is admit's.
func (r *remote) get(ctx context.Context, key Key, admit desk.Admit) (*desk.Answer, string, error) {
	down := r.down.Load()
	if down {
		key = ""
	}
	start := time.Now()
	along, err := admit.Enter(ctx, string(key))
	switch {
	case err != nil:
		return nil, "", err
	case down:
		return nil, Bypass, nil
	case !along.Asked:
		start = time.Now()
		along.Value, along.Err = r.read(ctx, key, start.Add(r.timeout))
	}
	if along.Err != nil {
		r.blame(ctx, start, along.Err)
		return nil, Error, nil
	}
	r.alive.Store(time.Now().UnixNano())
	if along.Value == nil {
		return nil, Miss, nil
	}
	raw, err := r.seals.OpenBytes(along.Value, string(key))
	if err != nil {
		return nil, Miss, nil // sealed with a key that is gone, or from before there were keys
	}
	a := new(desk.Answer)
	if err := cbor.Unmarshal(raw, a); err != nil {
		return nil, Error, nil
	}
	return a, Hit, nil
}

// read fetches one value, nil where there is none. Lookups that coincide share a
// round trip; a lone one is sent directly, since sharing costs it two more
// switches of goroutine.
func (r *remote) read(ctx context.Context, key Key, deadline time.Time) (raw []byte, err error) {
	defer r.reading.Add(-1)
	if r.reading.Add(1) <= loneReads {
		raw, err = r.client.Get(until{ctx, deadline}, string(key)).Bytes()
	} else {
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		raw, err = r.gets.Get(ctx, string(key)).Bytes()
	}
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return raw, err
}

// until is a context whose deadline costs no timer. It suits a lone lookup, which
// waits for nothing but its connection, and that keeps the deadline by itself.
type until struct {
	context.Context
	deadline time.Time
}

func (u until) Deadline() (time.Time, bool) { return u.deadline, true }

// blame takes the tier out of the path after an operation that began at start
// failed, if Redis is at fault. It is not for an error that Redis itself replied
// with, nor for a caller who left, nor for a timeout while Redis answered others:
// then this process was too slow, and without its cache it would be slower still.
func (r *remote) blame(ctx context.Context, start time.Time, err error) {
	var reply redis.Error
	switch {
	case errors.As(err, &reply):
		r.tell(reply)
		return
	case errors.Is(ctx.Err(), context.Canceled):
		return
	case timedOut(err) && r.alive.Load() > start.UnixNano():
		return
	}
	if !r.down.CompareAndSwap(false, true) {
		return
	}
	r.log.Warn("redis does not answer; going on without it", "error", err)
	select {
	case r.failed <- struct{}{}:
	default:
	}
}

// tell says what Redis refuses with: a wrong password, a replica that is not to
// be written to, no room. It stands in the way of every question, so that once
// a while is enough.
func (r *remote) tell(reply redis.Error) {
	last, now := r.told.Load(), time.Now().UnixNano()
	if now-last >= int64(tellEvery) && r.told.CompareAndSwap(last, now) {
		r.log.Warn("redis refuses what the cache asks; going on without it; 'kefu doctor' says what to do", "error", reply)
	}
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redis.ErrPoolTimeout) ||
		errors.As(err, &network) && network.Timeout()
}

func (r *remote) put(key Key, a desk.Answer) {
	select {
	case r.writes <- write{key, a}:
	default:
		r.obs.Dropped("cache")
	}
}

func (r *remote) run(ctx context.Context) {
	probe := time.NewTicker(probeEvery)
	defer probe.Stop()
	if !r.down.Load() {
		probe.Stop()
	}
	for {
		select {
		case <-ctx.Done():
			r.drain()
			return
		case w := <-r.writes:
			r.waitForMore(ctx)
			r.flush(ctx, w)
		case <-r.failed:
			probe.Reset(probeEvery)
		case <-probe.C:
			if r.ping(ctx) == nil {
				probe.Stop()
				r.down.Store(false)
				r.log.Info("redis answers again")
			}
		}
	}
}

// waitForMore lets more answers queue up, to be written in one round trip.
func (r *remote) waitForMore(ctx context.Context) {
	if len(r.writes) >= writeBatch-1 {
		return
	}
	select {
	case <-time.After(writeDelay):
	case <-ctx.Done():
	}
}

// drain writes what was queued before the end.
func (r *remote) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case w := <-r.writes:
			r.flush(ctx, w)
		default:
			return
		}
	}
}

// flush writes w and whatever else is waiting in one round trip.
func (r *remote) flush(ctx context.Context, w write) {
	batch := append(make([]write, 0, writeBatch), w)
fill:
	for len(batch) < writeBatch {
		select {
		case w := <-r.writes:
			batch = append(batch, w)
		default:
			break fill
		}
	}
	// A batch under way is finished even when the process is told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	start := time.Now()
	if err := r.write(ctx, batch); err != nil {
		r.blame(ctx, start, err)
		for range batch {
			r.obs.Dropped("cache")
		}
	}
}

func (r *remote) write(ctx context.Context, batch []write) error {
	if r.down.Load() {
		return errDown
	}
	pipe := r.client.Pipeline()
	for _, w := range batch {
		raw, err := cbor.Marshal(w.answer)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		pipe.Set(ctx, string(w.key), r.seals.SealBytes(raw, string(w.key)), lifetime(r.ttl, r.jitter))
	}
	_, err := pipe.Exec(ctx)
	return err
}

var errDown = errors.New("redis is down")

func (r *remote) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return r.client.Ping(ctx).Err()
}
