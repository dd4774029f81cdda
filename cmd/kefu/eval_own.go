package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/eval"
)

// evalOwn measures on an operator's own questions.
func (c *cli) evalOwn(ctx context.Context, f evalFlags) error {
	report, err := c.measureOwn(ctx, f, cmp.Or(f.model, f.provider, f.set))
	if err != nil {
		return err
	}
	if err := c.showEval(f, report); err != nil {
		return err
	}
	if n := report.Verdicts[eval.Failed]; n > 0 {
		return partialError{fmt.Errorf("%s failed", plural(n, "question"))}
	}
	return nil
}

// compareEvals sets two measurements side by side.
func (c *cli) compareEvals(ctx context.Context, f evalFlags, files []string) error {
	var reports [2]eval.OwnReport
	for i, name := range files {
		var err error
		if f.set == "" {
			reports[i], err = readOwnReport(name)
		} else {
			c.configPath = name
			reports[i], err = c.measureOwn(ctx, f, name)
		}
		if err != nil {
			return err
		}
	}
	return c.showEval(f, eval.Compare(reports[0], reports[1]))
}

func readOwnReport(path string) (r eval.OwnReport, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return r, usageError{err}
	}
	if err := json.Unmarshal(raw, &r); err != nil || len(r.Results) == 0 {
		return r, usageError{fmt.Errorf("%s is no report of 'kefu eval --set FILE --out FILE'; to compare two configurations, name the questions with --set", path)}
	}
	r.Name = path
	return r, nil
}

// measureOwn asks all questions of a set.
func (c *cli) measureOwn(ctx context.Context, f evalFlags, name string) (report eval.OwnReport, err error) {
	err = c.withApp(ctx, func(ctx context.Context, a *app) error {
		if err := a.firstLoad(ctx, c); err != nil {
			return err
		}
		if err := a.learn(ctx); err != nil {
			return err
		}
		if f.provider != "" || f.model != "" {
			if err := a.answerer.models.Check(f.model, f.provider); err != nil {
				return err
			}
		}
		docs, err := a.db.Documents().List(ctx, desk.TenantID(c.tenant))
		if err != nil {
			return err
		}
		set, err := eval.ReadOwn(f.set, docs)
		if err != nil {
			return usageError{err}
		}
		a.answers.Recorder, a.answers.Notifier = unrecorded{}, nil
		report, err = eval.RunOwn(ctx, a.answers, set, eval.OwnConfig{
			Name: name, Scope: desk.Scope{Tenant: desk.TenantID(c.tenant), User: "eval"}, Provider: f.provider, Model: f.model,
			Concurrency: f.concurrency, Documents: docs, Asked: c.askedProgress(2 * len(set)),
		})
		return err
	}, forEval)
	return report, err
}

// forEval keeps a measurement apart from customers: its cache is its own and
// begins empty, and nobody is told of handoffs.
func forEval(cfg *config.Config) {
	cfg.Redis.URL, cfg.Handoff.WebhookURL = "", ""
	cfg.Models.CompletionTTL = 0
	cfg.Models.LimitWait = max(cfg.Models.LimitWait, cfg.Answer.Deadline)
}

// unrecorded keeps questions that no customer asked out of what is known of
// customers. What they cost is in the ledger.
type unrecorded struct{}

func (unrecorded) Record(desk.Question, desk.Answer) {}

// askedProgress says now and then how far a measurement is.
func (c *cli) askedProgress(total int) func(done int) {
	var mu sync.Mutex
	began := time.Now()
	said := began
	return func(done int) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(said) < progressEvery {
			return
		}
		said = time.Now()
		left := time.Since(began) / time.Duration(done) * time.Duration(total-done)
		c.say("asked %d of %d, %s left", done, total, left.Round(time.Second))
	}
}
