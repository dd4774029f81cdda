package main

import (
	"context"
	"errors"

	"kefu/internal/access"
	"kefu/internal/config"
	"kefu/internal/gateway"
	"kefu/internal/httpapi"
	"kefu/internal/limit"
	"kefu/internal/mask"
	"kefu/internal/telemetry"
	"kefu/internal/web"
)

// newEdge says what is served over HTTP, and to whom.
func (a *app) newEdge(models []gateway.Model, masker *mask.Masker) httpapi.Config {
	face := web.Face{Title: a.cfg.Chat.Title, Suggestions: a.cfg.Chat.Suggestions()}
	cfg := httpapi.Config{
		Keys:           doorkeeper{a.directory, a.cfg.Local()},
		Sessions:       a.sessions(),
		SignIns:        a.turnstile(),
		Limiter:        a.limiter(),
		Admin:          a.admin(),
		Operators:      a.operators(),
		Idempotency:    a.db.Idempotency(),
		Conversations:  a.db.Turns(),
		Feedback:       ratings{a.db.Answers(), masker, a.telemetry},
		Chat:           web.Chat(face),
		Widget:         web.Widget(face, a.cfg.Widget.Origins),
		Console:        web.Console(),
		Origins:        a.cfg.Widget.Origins,
		TrustedProxies: a.cfg.Proxies(),
		MaxBodyBytes:   int64(a.cfg.HTTP.MaxBodyBytes),
		Checks:         a.checks(),
		Happenings:     a.telemetry,
		Middleware:     a.telemetry.Middleware(),
		TraceID:        telemetry.TraceID,
		Logger:         a.log,
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
	return cfg
}

// limiter bounds how much callers may ask; nil where nothing is limited.
func (a *app) limiter() httpapi.Limiter {
	l := a.cfg.Limit
	if l == (config.Limit{}) {
		return nil
	}
	limiter := limit.New(limit.Config{
		Key:      limit.Rates{Requests: l.RequestsPerMinute, Tokens: l.TokensPerMinute, Concurrent: l.Concurrent},
		User:     limit.Rates{Requests: l.UserRequestsPerMinute},
		Address:  limit.Rates{Requests: l.AddressRequestsPerMinute},
		Visitor:  limit.Rates{Requests: l.VisitorRequestsPerMinute},
		Timeout:  a.cfg.Redis.Timeout,
		Replicas: a.replicas(),
	}, a.redis, a.log)
	a.workers.start("limit", limiter.Run)
	return limiter
}

// replicas counts the servers over one PostgreSQL, which share the limits where
// Redis does not count for all of them. It is nil with SQLite, which serves one.
func (a *app) replicas() func() int {
	if a.cfg.Database.URL == "" {
		return nil
	}
	return a.knowledge.Replicas
}

// checks are what /readyz reports. Redis is not required: without it answers are
// slower, but there are answers.
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
