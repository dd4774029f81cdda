package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kefu/internal/answer"
	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/egress"
	"kefu/internal/guard"
	"kefu/internal/httpapi"
	"kefu/internal/ingest"
	"kefu/internal/llm"
	"kefu/internal/mask"
	"kefu/internal/seal"
	"kefu/internal/store"
	"kefu/internal/telemetry"
)

// pageTimeout bounds the reading of one page of the web, a large PDF included.
const pageTimeout = time.Minute

// base is what every command that touches the knowledge base needs.
type base struct {
	cfg       config.Config
	log       *slog.Logger
	telemetry *telemetry.Telemetry
	models    models
	db        *store.DB
	seals     *seal.Ring // encrypts what customers say, in the database and in Redis
	loader    *ingest.Loader
	embedder  llm.Embedder
	guard     answer.Guard  // nil: off
	topics    answer.Topics // nil: none
	workers   *workers
}

// withBase runs f with an open base and closes it afterwards.
func (c *cli) withBase(ctx context.Context, f func(context.Context, *base) error) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	b, err := openBase(ctx, cfg, c.logger(cfg, slog.LevelWarn))
	if err != nil {
		return err
	}
	if err := c.checkTenant(ctx, b); err != nil {
		return errors.Join(err, b.close())
	}
	return errors.Join(f(ctx, b), b.close())
}

// checkTenant refuses a command for a tenant that there is not.
func (c *cli) checkTenant(ctx context.Context, b *base) error {
	if c.tenant == "" {
		return nil
	}
	return b.db.Tenants().Check(ctx, desk.TenantID(c.tenant))
}

func openBase(ctx context.Context, cfg config.Config, log *slog.Logger) (*base, error) {
	m, err := newModels(cfg)
	if err != nil {
		return nil, err
	}
	topics, err := newTopics(cfg.Knowledge.LocalOnlyTopics)
	if err != nil {
		return nil, err
	}
	b := thisBuild()
	tel, err := telemetry.New(telemetry.Config{
		Logger: log, Build: telemetry.Build{Version: b.Version, Revision: b.Revision}, Models: m.names(), Tools: toolNames(cfg), PricesChecked: m.prices.Checked(),
		QuestionRules: guard.Rules(), AnswerRules: answer.AnswerRules(), PersonalTypes: mask.Types(), RequestID: httpapi.RequestID, Tenant: httpapi.Tenant,
		Sentry: telemetry.Sentry{
			DSN: cfg.Sentry.DSN.Value(), Environment: cfg.Sentry.Environment, TracesSampleRate: cfg.Sentry.TracesSampleRate,
		},
	})
	if err != nil {
		return nil, err
	}
	db, seals, err := openStore(ctx, cfg, log)
	if err != nil {
		return nil, errors.Join(err, closeTelemetry(tel))
	}
	pages, err := egress.New(egress.Config{Inside: cfg.Knowledge.Inside, Timeout: pageTimeout, MaxBytes: ingest.DefaultMaxFileBytes})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("knowledge.inside: %w", err), db.Close(), closeTelemetry(tel))
	}
	w := newWorkers(ctx, log)
	w.start("ledger", db.Ledger().Run)
	embedder, guard := m.embedder(tel), questionGuard(cfg.Guard.Mode)
	return &base{
		cfg: cfg, log: log, telemetry: tel, models: m, db: db, seals: seals, embedder: embedder, guard: guard, topics: topics, workers: w,
		loader: ingest.New(db.Documents(), embedder, db.Ledger(), ingest.Config{
			CacheDir: cfg.DataDir, Releases: cfg.Knowledge.Releases, Web: pages, UserAgent: "Kefu/" + version,
			Guard: guard, LocalOnly: cfg.Knowledge.LocalOnly, Topics: topics, Private: m.embedsInHouse(),
			Reader: readingOf(cfg).command, Observer: tel,
		}),
	}, nil
}

// openStore opens the database, and returns what encrypts in it.
func openStore(ctx context.Context, cfg config.Config, log *slog.Logger) (*store.DB, *seal.Ring, error) {
	seals, err := seal.Parse(cfg.Database.EncryptionKeys.Value())
	if err != nil {
		return nil, nil, &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: "database.encryption_keys", Public: "database.encryption_keys: " + err.Error()}
	}
	db, err := store.Open(ctx, store.Config{
		URL: cfg.Database.URL.Value(), Dir: cfg.DataDir, Pgvector: cfg.Retrieval.VectorIndex == "pgvector", Seals: seals, Logger: log,
	})
	return db, seals, err
}

// close ends the workers, which save what they hold, then the database.
func (b *base) close() error {
	b.workers.close()
	return errors.Join(b.loader.Close(), b.db.Close(), closeTelemetry(b.telemetry))
}

func closeTelemetry(t *telemetry.Telemetry) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return t.Close(ctx)
}
