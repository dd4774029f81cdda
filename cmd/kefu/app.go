package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"kefu/internal/access"
	"kefu/internal/admission"
	"kefu/internal/answer"
	"kefu/internal/budget"
	"kefu/internal/cache"
	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/gateway"
	"kefu/internal/handoff"
	"kefu/internal/httpapi"
	"kefu/internal/knowledge"
	"kefu/internal/limit"
	"kefu/internal/llm"
	"kefu/internal/llm/offline"
	"kefu/internal/retrieval"
	"kefu/internal/store"
	"kefu/internal/telemetry"
	"kefu/internal/web"
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

// modelWeight is the share of the similarity of a model's embeddings. Half is
// what hybrid searches begin with; it was not measured here.
const modelWeight = 0.5

// search is how passages are ranked: with a model's embeddings those count more
// than the weights learned with the offline ones give them.
func (a *app) search() retrieval.Config {
	c := retrieval.DefaultConfig()
	switch w := a.cfg.Retrieval.VectorWeight; {
	case w > 0:
		return c.WithVector(w)
	case a.models.targets.Embedding.Protocol != config.Offline:
		return c.WithVector(modelWeight)
	}
	return c
}

// assemble puts the pipeline together, from the database outwards.
func (a *app) assemble() error {
	cfg, tel := a.cfg, a.telemetry
	a.knowledge = knowledge.New(a.db.Documents(), a.embedder.Model(), a.search(),
		knowledge.WithLogger(a.log), knowledge.WithObserver(tel), knowledge.WithLease(cfg.Knowledge.Lease))

	if err := a.openCache(); err != nil {
		return err
	}
	recorder := store.NewRecorder(a.db.Answers(), a.log, nil)
	tel.CollectDropped("answers", recorder.Dropped)
	tel.CollectSyncs(a.db.Documents().Syncs)
	a.written = make(chan struct{})
	a.workers.start("answers", func(ctx context.Context) error {
		defer close(a.written)
		return recorder.Run(ctx)
	})

	notifier, err := a.notifier()
	if err != nil {
		return err
	}
	completions, err := a.completions()
	if err != nil {
		return err
	}
	masker, err := newMasker(cfg.Mask.Patterns, tel)
	if err != nil {
		return err
	}
	router, err := newRouter(cfg)
	if err != nil {
		return err
	}
	gate := a.gate()
	models := a.models.gateway(tel, completions)
	if a.agent, err = newAgent(cfg, a.log, models, tel); err != nil {
		return err
	}
	channels := handoff.Channels{URL: cfg.Handoff.URL, Email: cfg.Handoff.Email, Phone: cfg.Handoff.Phone}
	budgets := budget.New(a.directory, a.db.Budgets(), tel, a.log)
	a.workers.start("budgets", budgets.Run)
	tel.CollectBudgets(a.db.Budgets().Fullest)
	parts := answer.Parts{
		Knowledge: a.knowledge, Cache: a.cache, Router: router, Models: models, Embedder: a.embedder,
		Ledger: a.db.Ledger(), Gate: gate, Budgets: budgets, Quotes: models, Recorder: recorder, Turns: a.db.Turns(), Notifier: notifier, Observer: tel,
		Masker: masker, Guard: a.guard, Topics: a.topics, Tenants: a.directory,
		Contact: func(l desk.Lang) desk.Contact { return handoff.Contact(channels, l) },
	}
	if a.agent != nil {
		parts.Agent = a.agent
	}
	a.answers = answer.New(answer.Config{
		Deadline: cfg.Answer.Deadline, Attempts: cfg.Answer.Attempts,
		MinPassages: min(3, cfg.Answer.Passages), MaxPassages: cfg.Answer.Passages, PromptTokens: cfg.Answer.PromptTokens,
		Compress: a.models.compression(cfg.Answer.Compress), Abstain: abstainBelow(a.embedder, cfg), LanguageModel: a.models.language(), MaxTokens: cfg.Models.MaxTokens, MaxQuestion: cfg.Question.MaxCharacters,
		Turns: cfg.Conversation.Turns, ToolAttempts: cfg.Agent.Attempts, Links: cfg.Agent.LinkHosts,
		PrivateEmbedder: a.models.embedsInHouse(),
		Fingerprint:     a.models.fingerprint() + "|" + a.embedder.Model() + "|" + cfg.Guard.Mode + "|" + cfg.Knowledge.LocalOnlyTopics + "|" + a.models.compression(cfg.Answer.Compress), GuardShadow: cfg.Guard.Mode == "shadow",
	}, parts)
	a.answerer = configured{a.answers, models}
	a.edge = a.newEdge(models.Models())
	a.edge.Feedback = ratings{a.db.Answers(), masker, tel}
	a.api = httpapi.New(a.edge, a.answerer, tel)
	return nil
}

// gate bounds how many answers are composed at a time; nil where that is
// switched off.
func (a *app) gate() *admission.Gate {
	cfg := a.cfg.Admission
	if cfg.Concurrency == 0 {
		return nil
	}
	cfg.Wait = min(cfg.Wait, a.cfg.Answer.Deadline/4) // the rest is for the answer
	gate := admission.New(admission.Config(cfg), a.telemetry)
	a.workers.start("admission", gate.Run)
	a.telemetry.CollectAdmission(func() (places, inside, waiting int) {
		s := gate.State()
		return s.Places, s.Inside, s.Waiting
	})
	return gate
}

// abstainBelow is the setting where the embedder goes by words as the decision
// does. Another may find by meaning what shares no word with the question.
func abstainBelow(e llm.Embedder, cfg config.Config) float64 {
	if e.Model() != offline.EmbedderModel {
		return 0
	}
	return cfg.Answer.Abstain
}

// configured refuses a question to a model or provider that there is not,
// also where no model would have been asked in the end.
type configured struct {
	httpapi.Answerer
	models *gateway.Gateway
}

func (c configured) Answer(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
	if ask.Model != "" || ask.Provider != "" {
		if err := c.models.Check(ask.Model, ask.Provider); err != nil {
			return desk.Answer{}, err
		}
	}
	return c.Answerer.Answer(ctx, ask, emit)
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

// notifier tells the configured webhook of handoffs; nil without one.
func (a *app) notifier() (answer.Notifier, error) {
	url := a.cfg.Handoff.WebhookURL.Value()
	if url == "" {
		return nil, nil
	}
	hook, err := handoff.NewWebhook(handoff.Config{URL: url, Secret: a.cfg.Handoff.WebhookSecret.Value()}, a.telemetry, a.db.Handoffs(), a.log)
	if err != nil {
		return nil, err
	}
	a.workers.start("handoff", hook.Run)
	return hook, nil
}

func (a *app) newEdge(models []gateway.Model) httpapi.Config {
	face := web.Face{Title: a.cfg.Chat.Title, Suggestions: a.cfg.Chat.Suggestions()}
	cfg := httpapi.Config{
		Keys: doorkeeper{a.directory, a.cfg.Local()}, Admin: a.admin(), Operators: a.operators(), Idempotency: a.db.Idempotency(), Conversations: a.db.Turns(),
		MaxBodyBytes: int64(a.cfg.HTTP.MaxBodyBytes), TrustedProxies: a.cfg.Proxies(), Origins: a.cfg.Widget.Origins, Middleware: a.telemetry.Middleware(),
		TraceID: telemetry.TraceID, Happenings: a.telemetry, Logger: a.log, Checks: a.checks(), Chat: web.Chat(face), Widget: web.Widget(face, a.cfg.Widget.Origins),
		Console: web.Console(), Sessions: a.sessions(), SignIns: a.turnstile(),
	}
	if secret := a.cfg.Widget.IdentitySecret; secret != "" {
		cfg.Identities = access.NewIdentities(secret.Value())
	}
	for _, m := range models {
		cfg.Models = append(cfg.Models, httpapi.Model{Name: m.Name, Provider: m.Provider})
	}
	if a.cfg.OpsAddr == "" {
		cfg.Metrics = a.telemetry.Handler()
	}
	if l := a.cfg.Limit; l != (config.Limit{}) {
		limiter := limit.New(limit.Config{
			Key:  limit.Rates{Requests: l.RequestsPerMinute, Tokens: l.TokensPerMinute, Concurrent: l.Concurrent},
			User: limit.Rates{Requests: l.UserRequestsPerMinute}, Address: limit.Rates{Requests: l.AddressRequestsPerMinute}, Visitor: limit.Rates{Requests: l.VisitorRequestsPerMinute},
			Timeout: a.cfg.Redis.Timeout, Replicas: a.replicas(),
		}, a.redis, a.log)
		a.workers.start("limit", limiter.Run)
		cfg.Limiter = limiter
	}
	return cfg
}

// replicas is how many servers share a limit where Redis does not keep it: those
// over one PostgreSQL. nil: SQLite serves one; commands beside it do not count.
func (a *app) replicas() func() int {
	if a.cfg.Database.URL == "" {
		return nil
	}
	return a.knowledge.Replicas
}

// checks are what readiness depends on; a cache or a model that is away costs
// speed or quality, not answers.
func (a *app) checks() []httpapi.Check {
	checks := []httpapi.Check{
		{Name: "database", Required: true, Up: a.db.Ping},
		{Name: "knowledge", Required: true, Up: func(context.Context) error {
			if !a.knowledge.Fresh() {
				return errors.New("the knowledge base has not caught up")
			}
			return nil
		}},
	}
	if a.redis != nil {
		checks = append(checks, httpapi.Check{Name: "redis", Up: a.cache.Ping})
	}
	return checks
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
