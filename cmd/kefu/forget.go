package main

import (
	"context"
	"time"
)

// forgetEvery is how often what has been kept long enough is looked for.
const forgetEvery = time.Hour

// forget removes what has been kept for as long as the settings say, until ctx
// ends. A failure is tried again an hour later.
func (a *app) forget(ctx context.Context) error {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		n, err := a.db.Turns().Expire(ctx, time.Now().Add(-a.cfg.Conversation.Retention))
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Warn("old conversations not removed", "error", err)
		case n > 0:
			a.log.Info("old conversations removed", "turns", n)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
