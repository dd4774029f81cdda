package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"kefu/internal/access"
	"kefu/internal/answer"
	"kefu/internal/cache"
	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/gateway"
	"kefu/internal/httpapi"
	"kefu/internal/knowledge"
)

// app is the whole product in one process.
type app struct {
	*base
	redis     *redis.Client // nil: none
	directory *access.Directory
	knowledge *knowledge.Knowledge
	cache     *cache.Cache
	agent     *agent // nil: no tools
	answers   *answer.Service
	answerer  configured
	written   chan struct{} // closed when the last answer is written down
	edge      httpapi.Config
	api       *httpapi.API
}

// withApp runs f with the whole product, its settings changed by adjust.
func (c *cli) withApp(ctx context.Context, f func(context.Context, *app) error, adjust ...func(*config.Config)) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	for _, change := range adjust {
		change(&cfg)
	}
	a, err := openApp(ctx, cfg, c.logger(cfg, slog.LevelWarn))
	if err != nil {
		return err
	}
	if err := c.checkTenant(ctx, a.base); err != nil {
		return errors.Join(err, a.close())
	}
	return errors.Join(f(ctx, a), a.close())
}

func openApp(ctx context.Context, cfg config.Config, log *slog.Logger) (*app, error) {
	b, err := openBase(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	a := &app{base: b, directory: access.New(b.db, cfg.APIKey.Value(), log)}
	if err := a.govern(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	if err := a.assemble(); err != nil {
		return nil, errors.Join(err, a.close())
	}
	if a.agent != nil {
		a.agent.connect(ctx)
	}
	return a, nil
}

// assemble puts the parts together, from the database outwards, and starts those
// that work in the background.
func (a *app) assemble() error {
	a.knowledge = knowledge.New(a.db.Documents(), a.embedder.Model(), a.search(),
		knowledge.WithLogger(a.log), knowledge.WithObserver(a.telemetry), knowledge.WithLease(a.cfg.Knowledge.Lease))
	a.telemetry.CollectSyncs(a.db.Documents().Syncs)
	if err := a.openCache(); err != nil {
		return err
	}
	completions, err := a.completions()
	if err != nil {
		return err
	}
	masker, err := newMasker(a.cfg.Mask.Patterns, a.telemetry)
	if err != nil {
		return err
	}
	models := a.models.gateway(a.telemetry, completions)
	if a.agent, err = newAgent(a.cfg, a.log, models, a.telemetry); err != nil {
		return err
	}
	parts, err := a.parts(models, masker)
	if err != nil {
		return err
	}
	a.answers = answer.New(a.answerConfig(), parts)
	a.answerer = configured{a.answers, models}
	a.edge = a.newEdge(models.Models(), masker)
	a.api = httpapi.New(a.edge, a.answerer, a.telemetry)
	return nil
}

func (a *app) openCache() error {
	cfg := a.cfg
	if url := cfg.Redis.URL.Value(); url != "" {
		redis.SetLogger(redisLog{a.log})
		client, err := cache.Dial(url, cfg.Redis.Timeout)
		if err != nil {
			return &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: "redis.url", Public: "want redis://host:6379/0", Err: err}
		}
		a.redis = client
		a.telemetry.CollectRedis(client.PoolStats)
	}
	c, err := cache.New(cache.Config{
		MemoryEntries: cfg.Cache.MemoryEntries, MemoryTTL: cfg.Cache.MemoryTTL, Semantic: cfg.Cache.Semantic,
		RedisTTL: cfg.Cache.RedisTTL, Jitter: cfg.Cache.Jitter, Refresh: cfg.Cache.Refresh,
		Timeout: cfg.Redis.Timeout, Seals: a.seals, Logger: a.log,
	}, a.redis, a.telemetry)
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	a.cache = c
	a.workers.start("cache", c.Run)
	return nil
}

// completions keeps the models' replies, where that is configured.
func (a *app) completions() (gateway.Completions, error) {
	ttl := a.cfg.Models.CompletionTTL
	if ttl == 0 {
		return nil, nil
	}
	return cache.NewCompletions(a.redis, ttl, a.cfg.Redis.Timeout, a.seals)
}

// redisLog is where the Redis client writes, which has no level of its own:
// every failure that matters is also an error, and reported by the cache.
type redisLog struct{ log *slog.Logger }

func (l redisLog) Printf(ctx context.Context, format string, values ...any) {
	l.log.DebugContext(ctx, "redis client", "message", fmt.Sprintf(format, values...))
}

// close waits for the answers under way, then ends everything in reverse order.
func (a *app) close() error {
	if a.answers != nil {
		a.answers.Wait()
	}
	err := a.base.close()
	if a.agent != nil {
		a.agent.close()
	}
	if a.redis != nil {
		err = errors.Join(err, a.redis.Close())
	}
	return err
}
