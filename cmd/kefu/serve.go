package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/ingest"
	"kefu/internal/telemetry"
)

func (c *cli) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Start the server", Args: args(cobra.NoArgs),
		Long: `Starts the server with embedded defaults: SQLite under ./data, a cache in memory
and the offline model, which answers by quoting. OPENAI_API_KEY, ANTHROPIC_API_KEY
and GEMINI_API_KEY switch to real models, REDIS_URL adds a shared cache,
DATABASE_URL PostgreSQL. An empty knowledge base is filled from ./kb. SIGTERM
drains and exits.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.serve(cmd.Context()) },
	}
}

func (c *cli) serve(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	ln, err := listen(ctx, cfg.Addr, "KEFU_ADDR")
	if err != nil {
		return err
	}
	defer ln.Close()
	log, flush := c.serverLogger(cfg)
	defer flush()
	a, err := openApp(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(c.serveApp(ctx, a, ln), a.close())
}

// serverLogger writes everything configured, for people at once, for programs
// as it suits the load; flush writes the rest.
func (c *cli) serverLogger(cfg config.Config) (log *slog.Logger, flush func()) {
	if c.interactive() {
		return c.logger(cfg, slog.LevelDebug), func() {}
	}
	lines := telemetry.NewBuffer(c.stderr)
	return c.loggerTo(lines, cfg, slog.LevelDebug), func() { _ = lines.Close() } // there is nowhere left to complain
}

func (c *cli) serveApp(ctx context.Context, a *app, ln net.Listener) error {
	if err := a.guardDoor(); err != nil {
		return err
	}
	if err := a.firstLoad(ctx, c); err != nil {
		return stopped(ctx, err)
	}
	if err := a.learn(ctx); err != nil {
		return stopped(ctx, err)
	}
	link, err := a.firstLink(ctx, c)
	if err != nil {
		return stopped(ctx, err)
	}
	a.workers.start("embeddings", a.keepEmbedded)
	a.workers.start("idempotency", a.db.Idempotency().Run)
	a.workers.start("checks", a.watch)
	a.workers.start("retention", a.forget)
	a.workers.start("renewals", a.answers.Run)
	a.workers.start("askings", a.countAskings)
	if a.cfg.Cache.WarmUp > 0 {
		a.workers.start("warm-up", a.warmUp)
	}
	if a.agent != nil {
		a.workers.start("tools", a.agent.keepConnecting)
	}
	if os.Getenv("GOGC") == "" { // else the operator has decided
		a.workers.start("headroom", keepHeadroom)
	}

	g, ctx := errgroup.WithContext(ctx)
	if a.cfg.OpsAddr != "" {
		ops, err := listen(ctx, a.cfg.OpsAddr, "KEFU_OPS_ADDR")
		if err != nil {
			return err
		}
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", a.telemetry.Handler())
		g.Go(func() error { return httpapi.Serve(ctx, ops, mux, a.server(nil)) })
	}
	g.Go(func() error { return httpapi.Serve(ctx, ln, a.api.Handler(), a.server(a.drain)) })
	a.models.warn(a.log, time.Now())
	c.welcome(a, ln.Addr(), link)
	if err := g.Wait(); err != nil {
		return cutError{err}
	}
	a.log.Info("stopped")
	return nil
}

func (a *app) server(draining func()) httpapi.ServerConfig {
	h := a.cfg.HTTP
	return httpapi.ServerConfig{
		ReadHeaderTimeout: h.ReadHeaderTimeout, ReadTimeout: h.ReadTimeout, WriteTimeout: h.WriteTimeout,
		IdleTimeout: h.IdleTimeout, Grace: h.ShutdownGrace, Draining: draining, Logger: a.log,
	}
}

// drain is called when the end begins: no new work is wanted, running requests
// have the grace.
func (a *app) drain() {
	a.log.Info("stopping", "grace", a.cfg.HTTP.ShutdownGrace)
	a.api.Drain()
}

// stopped hides the error of a start that was interrupted on purpose.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func listen(ctx context.Context, addr, variable string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &desk.Error{
			Kind: desk.Unavailable, Code: "address_in_use",
			Public: fmt.Sprintf("%s is taken by another program, perhaps another Kefu; stop it, or choose another address with %s", addr, variable),
		}
	case err != nil:
		return nil, &desk.Error{Kind: desk.Invalid, Code: "address_unusable", Public: fmt.Sprintf("cannot listen on %s (%s)", addr, variable), Err: err}
	}
	return ln, nil
}

func (c *cli) welcome(a *app, addr net.Addr, link string) {
	a.log.Info("serving", "addr", addr.String(), "database", a.db.Name(), "models", a.models.summary(), "redis", a.redis != nil)
	url := "http://" + reachable(addr.String())
	key := ""
	if !a.cfg.Local() || !a.directory.Open() {
		key = " -H \"Authorization: Bearer $KEFU_API_KEY\""
	}
	view := a.knowledge.View(desk.DefaultTenant)
	c.say(`
Kefu answers at %[1]s from %[2]s, with %[3]s.
  chat           %[1]s/
  console        %[6]s
  API and docs   %[1]s/docs
  health         %[1]s/health
  metrics        %[4]s/metrics

Try it:
  curl -s %[1]s/query%[5]s -H 'Content-Type: application/json' -d '{"question":"How long do I have to return a product?"}'
  curl -s %[1]s/query%[5]s -H 'Content-Type: application/json' -d '{"question":"签收后多少天内可以退货？"}'
`, url, plural(view.Documents(), "document"), a.models.summary(), a.metricsURL(url), key, signInURL(url, link))
	if link != "" {
		c.say("The console's link signs you in as the administrator, once, within %g minutes; 'kefu console link' makes another.\n", a.cfg.Console.Link.Minutes())
	}
}

func (a *app) metricsURL(url string) string {
	if a.cfg.OpsAddr != "" {
		return "http://" + reachable(a.cfg.OpsAddr)
	}
	return url
}

// reachable turns a listening address into one to connect to.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// Pauses between looking for chunks that the embedder in use has not seen.
const (
	embedAgain   = time.Minute
	embedTimeout = time.Hour
)

// keepEmbedded embeds what another embedder, or one that did not answer, left.
func (a *app) keepEmbedded(ctx context.Context) error {
	for {
		if err := a.embedMissing(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("embedding again", "model", a.embedder.Model(), "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(embedAgain):
		}
	}
}

func (a *app) embedMissing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, embedTimeout)
	defer cancel()
	tenants, err := a.db.Tenants().List(ctx)
	for _, t := range tenants {
		err = errors.Join(err, a.embedTenant(ctx, t.ID))
	}
	return err
}

func (a *app) embedTenant(ctx context.Context, tenant desk.TenantID) error {
	last := time.Now()
	return a.loader.Reembed(ctx, tenant, func(p ingest.Progress) {
		if time.Since(last) >= progressEvery || p.Done == p.Total {
			last = time.Now()
			a.log.Info("embedding", "model", a.embedder.Model(), "done", p.Done, "total", p.Total, "left", p.Remaining().Round(time.Second))
		}
	})
}

// watchEvery is how often the dependencies' gauges are renewed.
const watchEvery = 10 * time.Second

func (a *app) watch(ctx context.Context) error {
	checks := telemetry.Checks{"database": a.db.Ping}
	if a.redis != nil {
		checks["redis"] = a.cache.Ping
	}
	return a.telemetry.Watch(ctx, watchEvery, checks)
}
