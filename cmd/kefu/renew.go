package main

import (
	"context"
	"time"

	"kefu/internal/desk"
)

const (
	countEvery = 30 * time.Second // askings of cached answers are written that often
	lastCount  = 5 * time.Second  // bounds the last writing, and the wait for what it counts
	// releaseEvery is how often a warm-up looks for a release.
	releaseEvery = time.Second
	// askedWithin is how far back a question may have been asked to be warmed up.
	askedWithin = 7 * 24 * time.Hour
)

// countAskings writes down how often the cache gave answers again.
func (a *app) countAskings(ctx context.Context) error {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	from := time.Now()
	write := func(ctx context.Context) {
		given, to := a.cache.Askings(), time.Now()
		if err := a.db.Answers().AddAskings(ctx, given, from, to); err != nil {
			a.log.Warn("askings not counted", "error", err)
		}
		from = to
	}
	for {
		select {
		case <-tick.C:
			write(ctx)
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCount)
			defer cancel()
			select { // what is not recorded yet is not counted
			case <-a.written:
			case <-ctx.Done():
			}
			write(ctx)
			return nil
		}
	}
}

// warmUp composes the answers to the questions asked most after every release
// that this process takes over while it runs.
func (a *app) warmUp(ctx context.Context) error {
	done := a.knowledge.Revision()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(releaseEvery):
		}
		rev := a.knowledge.Revision()
		if rev == done {
			continue
		}
		if err := a.warm(ctx, rev); err != nil && ctx.Err() == nil {
			a.log.Warn("answers not warmed up", "revision", int64(rev), "error", err)
		}
		done = rev
	}
}

// warm composes what a release made invalid, until there is a newer one.
func (a *app) warm(ctx context.Context, rev desk.Revision) error {
	tenants, err := a.db.Tenants().List(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		questions, err := a.db.Answers().MostAsked(ctx, t.ID, time.Now().Add(-askedWithin), a.cfg.Cache.WarmUp)
		if err != nil {
			return err
		}
		for _, q := range questions {
			if a.knowledge.Revision() != rev {
				return nil
			}
			if err := a.answers.Warm(ctx, t.ID, q); err != nil {
				return err
			}
		}
	}
	return nil
}
