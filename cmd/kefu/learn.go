package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"kefu/internal/desk"
	"kefu/internal/ingest"
)

// learn catches up with the knowledge base and follows it from then on. Also a
// command that answers once has to: it then gives its lease back at the end,
// which publishers would wait for otherwise.
func (a *app) learn(ctx context.Context) error {
	if err := a.knowledge.CatchUp(ctx); err != nil {
		return err
	}
	a.workers.start("knowledge", a.knowledge.Run)
	return nil
}

// firstPatience is how long a start waits for an embedder that is silent: what
// one call may take. keepEmbedded goes on from there.
const firstPatience = 10 * time.Second

// firstLoad fills an empty knowledge base from the configured folder. While
// another process does, nobody waits; it is done later where that one is gone.
func (a *app) firstLoad(ctx context.Context, c *cli) error {
	path := a.cfg.Knowledge.Path
	if path == "" || path == "none" { // a variable cannot be set to nothing
		return nil
	}
	after, err := a.loadFirst(ctx, c, path)
	if after == 0 {
		return err
	}
	c.say("%s is being loaded by another process; it is served when that is done.", path)
	a.workers.start("first load", func(ctx context.Context) error {
		for after > 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(after):
			}
			after, err = a.loadFirst(ctx, c, path)
		}
		return err
	})
	return nil
}

// loadFirst fills the knowledge base from path where it is empty. While another
// process does, it returns after which time that one is gone unless it has given
// a sign.
func (a *app) loadFirst(ctx context.Context, c *cli, path string) (after time.Duration, err error) {
	rev, err := a.db.Documents().Revision(ctx)
	if err != nil || rev != 0 {
		return 0, err
	}
	if _, err := os.Stat(path); err != nil {
		c.say("The knowledge base is empty: there is no folder %q to load. Load documents with 'kefu kb load PATH'.", path)
		return 0, nil
	}
	step, done := c.progress("loading " + path)
	report, err := a.loader.Load(ctx, desk.DefaultTenant, ingest.Request{Paths: []string{path}, Patience: firstPatience, Author: thisPerson().Name}, step)
	done()
	if err != nil && ctx.Err() != nil {
		c.say("Interrupted after %s; the next start, or 'kefu kb load %s', goes on from there.", plural(report.Added, "document"), path)
		return 0, err
	}
	var said *desk.Error
	if errors.As(err, &said) && said.Code == codeRunning {
		return max(said.RetryAfter, time.Second), nil
	}
	switch {
	case err != nil && report.Revision == 0:
		a.log.Error("documents not loaded", "error", err)
		c.say("Nothing was loaded from %s; the next start, or 'kefu kb load %s', tries again. %s", path, path, explain(err))
		return 0, nil
	case report.Unembedded > 0:
		a.log.Warn("the embedder does not answer: documents are found by their words, and embedded when it does", "chunks", report.Unembedded, "error", err)
	case err != nil:
		a.log.Warn("documents not fully loaded", "error", err)
	}
	for _, f := range report.Failed {
		c.say("not loaded: %s", f.Error())
	}
	for _, f := range report.Flagged {
		c.say("flagged: %s", flagged(f.Path, f.Rule, f.Chunks))
	}
	if report.Added == 0 {
		c.say("The knowledge base is empty: nothing in %q could be loaded. Load documents with 'kefu kb load PATH'.", path)
		return 0, nil
	}
	c.say("Loaded %s (%s) from %s in %s.", plural(report.Added, "document"), plural(report.Chunks, "chunk"),
		strings.TrimSuffix(path, "/"), report.Elapsed.Round(time.Millisecond))
	return 0, nil
}
