package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"kefu/internal/cache"
	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

// tolerated is by how much clocks may differ: replicas agree on what is fresh,
// and who may still ask, within seconds.
const tolerated = 2 * time.Second

// doctor looks at what the settings lead to.
type doctor struct {
	cfg        config.Config
	configured models
	base       *base // nil where closed says why
	closed     error
	log        *slog.Logger
}

func one(of string, h health, advice, says string, values ...any) []finding {
	return []finding{{Of: of, Health: h, Says: fmt.Sprintf(says, values...), Advice: advice}}
}

// public is what may be shown of an error.
func public(err error) string {
	if e, ok := errors.AsType[*desk.Error](err); ok && e.Locally() != "" {
		return e.Locally()
	}
	return err.Error()
}

func (d *doctor) server(ctx context.Context) []finding {
	address := reachable(d.cfg.Addr)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return one("server", well, "", "nobody answers at %s yet; 'kefu serve' starts it", address)
	}
	conn.Close()
	if alive(ctx, "http://"+address+"/health") == nil {
		return one("server", well, "", "healthy at http://%s", address)
	}
	return one("server", broken, "Stop that program, or choose another address with KEFU_ADDR.", "%s is taken by something that is no healthy Kefu", address)
}

func (d *doctor) database(ctx context.Context) []finding {
	if d.closed != nil {
		return one("database", broken, "", "%s", public(d.closed))
	}
	began := time.Now()
	if err := d.base.db.Ping(ctx); err != nil {
		return one("database", broken, "", "%s", public(err))
	}
	return one("database", well, "", "%s, up to date, answers within %s", d.base.db.Name(), time.Since(began).Round(100*time.Microsecond))
}

func (d *doctor) redis(ctx context.Context) []finding {
	url := d.cfg.Redis.URL.Value()
	if url == "" {
		return one("redis", well, "", "not used: each server has a cache and limits of its own")
	}
	redis.SetLogger(redisLog{d.log})
	client, err := cache.Dial(url, d.cfg.Redis.Timeout)
	if err != nil {
		return one("redis", broken, "Write REDIS_URL as redis://host:6379/0.", "%s", err)
	}
	defer client.Close()
	began := time.Now()
	theirs, err := client.Time(ctx).Result()
	took := time.Since(began)
	var refused redis.Error
	switch {
	case errors.As(err, &refused):
		return one("redis", doubt, "Questions are answered without it, more slowly. Are user, password and database number in REDIS_URL right?", "refuses: %s", err)
	case err != nil:
		return one("redis", doubt, "Questions are answered without it, more slowly. Is it running, and does REDIS_URL lead to it?", "%s", err)
	}
	if err := client.Set(ctx, "kefu:doctor", "", time.Second).Err(); err != nil {
		return one("redis", doubt, "Questions are answered without it, more slowly. Is it the primary, has it room, and may its user write?", "answers, but keeps nothing: %s", err)
	}
	found := one("redis", well, "", "answers within %s", took.Round(100*time.Microsecond))
	if skew := theirs.Sub(began.Add(took / 2)).Abs(); skew > tolerated {
		found = append(found, one("clock", doubt, "Let both machines keep their time by NTP.", "Redis' clock and this machine's differ by %s", skew.Round(time.Second))...)
	}
	return append(found, memoryOf(ctx, client)...)
}

// memoryOf warns of a Redis that refuses to write when it is full. A hosted one
// may not tell.
func memoryOf(ctx context.Context, client *redis.Client) []finding {
	info, err := client.InfoMap(ctx, "memory").Result()
	if err != nil || info["Memory"] == nil {
		return nil
	}
	if limit, policy := info["Memory"]["maxmemory"], info["Memory"]["maxmemory_policy"]; limit == "0" || policy == "noeviction" {
		return one("redis memory", doubt, "Set maxmemory, and maxmemory-policy allkeys-lru, as docker-compose.yml does.",
			"limit %s bytes (0: none) with policy %s: it grows, or refuses what is new", limit, policy)
	}
	return nil
}

func (d *doctor) knowledge(ctx context.Context) []finding {
	if d.closed != nil {
		return nil // the database says why
	}
	s, err := d.base.db.Documents().Status(ctx, desk.DefaultTenant)
	if err != nil {
		return one("knowledge", broken, "", "%s", public(err))
	}
	intake, err := d.base.db.Documents().Intake(ctx, desk.DefaultTenant)
	if err != nil {
		return one("knowledge", broken, "", "%s", public(err))
	}
	model := d.base.embedder.Model()
	found := one("knowledge", well, "", "%s, %s, at revision %d", plural(s.Documents, "document"), plural(s.Chunks, "chunk"), s.Revision)
	if s.Documents == 0 {
		found = one("knowledge", doubt, "Load something: kefu kb load docs/", "empty: every question will be declined")
	}
	if n := s.Chunks - s.Models[model]; n > 0 {
		found = append(found, one("embeddings", doubt, "'kefu serve' makes them when it starts, or 'kefu kb load' does.", "%s not yet embedded by %s", plural(n, "chunk"), model)...)
	}
	if n := newStatusJSON(s, "", "", intake).Intake[desk.Failed]; n > 0 {
		found = append(found, one("files", doubt, "'kefu kb list' names them, and why.", "%s could not be taken in", plural(n, "file"))...)
	}
	if s.Flagged > 0 {
		found = append(found, one("flagged", doubt, "'kefu kb list' names them; read what they say to the assistant.", "%s may hold planted instructions", plural(s.Flagged, "document"))...)
	}
	return found
}

// syncs names the sources that were not synced as promised.
func (d *doctor) syncs(ctx context.Context) []finding {
	if d.closed != nil {
		return nil
	}
	all, err := d.base.db.Documents().Syncs(ctx)
	if err != nil {
		return one("syncs", broken, "", "%s", public(err))
	}
	var late []finding
	for _, s := range all {
		if s.Due.IsZero() || time.Now().Before(s.Due) {
			continue
		}
		late = append(late, one("source "+s.Source, doubt, "Does what runs 'kefu kb sync' still run? Run it by hand: it names what fails.",
			"of the tenant %s, from %s: synced as a whole at %s, promised again by %s", s.Tenant, s.Kind,
			s.At.Local().Format(time.DateTime), s.Due.Local().Format(time.DateTime))...)
	}
	return late
}

// models asks every endpoint of the models in use whether it serves them, side
// by side.
func (d *doctor) models(ctx context.Context) []finding {
	m := d.configured
	type place struct {
		of string
		config.Target
		config.Endpoint
	}
	var places []place
	for _, t := range slices.Concat(m.targets.Simple, m.targets.Complex, []config.Target{m.targets.Embedding}) {
		known := slices.ContainsFunc(places, func(p place) bool { return p.Provider == t.Provider && p.Model == t.Model })
		if t.Protocol == config.Offline || known {
			continue
		}
		for i, e := range t.Endpoints {
			of := "model " + t.Name
			if len(t.Endpoints) > 1 {
				of += fmt.Sprintf(" (%d of %d)", i+1, len(t.Endpoints))
			}
			places = append(places, place{of, t, e})
		}
	}
	if len(places) == 0 {
		return one("models", well, "", "none is configured: the offline model quotes documents")
	}
	found := make([]finding, len(places))
	var wg sync.WaitGroup
	for i, p := range places {
		wg.Go(func() {
			err := m.adapter(p.Target, p.Endpoint).(llm.Checker).Check(ctx, p.Model)
			found[i] = judgeModel(p.Target, p.Endpoint, err)
			found[i].Of = p.of
		})
	}
	wg.Wait()
	return found
}

// judgeModel words what an endpoint said of a model.
func judgeModel(t config.Target, e config.Endpoint, err error) finding {
	if err == nil {
		return finding{Health: well, Says: fmt.Sprintf("%s of %s is there, and the key is taken", t.Model, t.Provider)}
	}
	f := finding{Health: broken, Says: err.Error()}
	switch llm.KindOf(err) {
	case llm.Unauthorised, llm.QuotaExhausted:
		f.Advice = "Look at the key, and at what it may still spend."
	case llm.ModelGone:
		f.Advice = "Choose another model, in kefu.yaml or by KEFU_MODELS_…: this one is unknown there, or retired."
		if e.BaseURL != "" {
			f.Advice += " Where none is known, look at the base URL, " + e.BaseURL + ": a wrong path has no models at all."
		}
	case llm.InvalidReply:
		f.Advice = "A web page or a redirect is no model's reply; look at the base URL, " + cmp.Or(e.BaseURL, "which is the provider's own") + ": is it https, and ends before the name of a method?"
	case llm.Unreachable, llm.TimedOut:
		f.Advice = "Does the network of this machine let it out to " + cmp.Or(e.BaseURL, "the provider") + "?"
	case llm.RateLimited, llm.Unavailable:
		f.Health, f.Advice = doubt, "It may pass; try again in a minute."
	}
	return f
}

func (d *doctor) prices(context.Context) []finding {
	var found []finding
	for _, e := range d.configured.doubts(time.Now()) {
		found = append(found, one("prices", doubt, "", "%s", e.Public)...)
	}
	if found == nil {
		return one("prices", well, "", "known for every model, checked on %s", d.configured.prices.Checked().Format(time.DateOnly))
	}
	return found
}

// callers looks whether those who should can ask, and nobody else.
func (d *doctor) callers(ctx context.Context) []finding {
	if d.closed != nil {
		return nil
	}
	keys, err := d.base.db.Keys().List(ctx, "")
	if err != nil {
		return one("keys", broken, "", "%s", public(err))
	}
	live, expiring := 0, 0
	now := time.Now()
	for _, k := range keys {
		if k.Live(now) {
			live++
			if !k.Live(now.Add(7 * 24 * time.Hour)) {
				expiring++
			}
		}
	}
	if live == 0 && d.cfg.APIKey == "" && !d.cfg.Local() {
		return one("keys", broken, "Make one with 'kefu keys create', or listen on 127.0.0.1.", "there is none, and %s can be reached from other machines", d.cfg.Addr)
	}
	if expiring > 0 {
		return one("keys", doubt, "'kefu keys list' names them, 'kefu keys rotate ID' makes the next.", "%d of %s within a week", expiring, plural(live, "live key")+" end")
	}
	return one("keys", well, "", "%s", plural(live, "live key"))
}

func (d *doctor) people(context.Context) []finding {
	if h := d.cfg.Handoff; h.URL == "" && h.Email == "" && h.Phone == "" {
		return one("person", doubt, "Set KEFU_HANDOFF_URL, KEFU_HANDOFF_EMAIL or KEFU_HANDOFF_PHONE.", "who asks for a person is told of no way to reach one")
	}
	return one("person", well, "", "customers are told how to reach one")
}
