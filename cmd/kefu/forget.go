package main

import (
	"context"
	"time"

	"kefu/internal/store"
)

// forgetEvery is how often what has been kept long enough is looked for.
const forgetEvery = time.Hour

// erasedFor is how long it is known that a user was deleted: longer than an
// answer takes, and than one waits to be recorded.
const erasedFor = time.Hour

// forget removes what has been kept for as long as the settings say, until ctx
// ends. A failure is tried again an hour later.
func (a *app) forget(ctx context.Context) error {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		now := time.Now()
		gone, err := a.db.Forget(ctx, store.Retention{
			Turns: now.Add(-a.cfg.Retention.Conversations), Answers: now.Add(-a.cfg.Retention.Answers), Ledger: now.Add(-a.cfg.Retention.Ledger),
			Ended: now, Erased: now.Add(-erasedFor),
		})
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Warn("what is old could not be removed", "error", err)
		case gone.Any():
			a.log.Info("what is old was removed", "turns", gone.Turns, "answers", gone.Answers, "attempts", gone.Attempts, "sessions", gone.Sessions)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
