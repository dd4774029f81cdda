package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// States of an attempt in the ledger.
const (
	stateBegun = "begun"
	stateEnded = "ended"
)

var attemptColumns = []string{
	"id", "answer_id", "tenant", "number", "provider", "model", "purpose", "state", "started_at", "latency_us",
	"prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "estimated",
	"cost", "worst", "priced", "failure", "prompt_length", "response_length",
}

// attemptEnds settles a begun row once. A row that was never begun, because
// the ledger failed then, is inserted as it ended.
const attemptEnds = `ON CONFLICT (id) DO UPDATE SET
	state = excluded.state, latency_us = excluded.latency_us,
	prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
	cached_tokens = excluded.cached_tokens, cache_write_tokens = excluded.cache_write_tokens,
	reasoning_tokens = excluded.reasoning_tokens, estimated = excluded.estimated,
	cost = excluded.cost, priced = excluded.priced, failure = excluded.failure,
	response_length = excluded.response_length
	WHERE attempts.state = 'begun'`

func appendAttempt(args []any, a desk.Attempt, state string) []any {
	u := a.Usage
	return append(args,
		string(a.ID), string(a.Answer), string(a.Tenant), a.Number, a.Provider, a.Model, string(a.Purpose), state,
		millis(a.Started), a.Latency.Microseconds(),
		u.Prompt, u.Completion, u.Cached, u.CacheWrite, u.Reasoning, u.Estimated,
		int64(a.Cost), int64(a.Worst), a.Priced, a.Failure, a.PromptLength, a.ResponseLength,
	)
}

// Entry is a row of the ledger.
type Entry struct {
	desk.Attempt
	// Ended is false while the attempt is under way, or when the process
	// crashed before its end: Cost is then Worst and Usage is estimated.
	Ended bool
}

// List returns the tenant's newest attempts, at most limit of them, newest
// first. Times are cut to milliseconds.
func (l *Ledger) List(ctx context.Context, tenant desk.TenantID, limit int) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := l.db.read.QueryContext(ctx, `SELECT id, answer_id, tenant, number, provider, model, purpose, state, started_at, latency_us,
		prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, estimated,
		cost, worst, priced, failure, prompt_length, response_length
		FROM attempts WHERE tenant = $1 ORDER BY started_at DESC, id LIMIT $2`, tenant, limit)
	entries, err := collect(rows, err, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("list ledger: %w", l.db.engine.explain(err))
	}
	return entries, nil
}

func scanEntry(r *sql.Rows) (Entry, error) {
	var e Entry
	var state string
	var started, latency int64
	u := &e.Usage
	err := r.Scan(&e.ID, &e.Answer, &e.Tenant, &e.Number, &e.Provider, &e.Model, &e.Purpose, &state, &started, &latency,
		&u.Prompt, &u.Completion, &u.Cached, &u.CacheWrite, &u.Reasoning, &u.Estimated,
		&e.Cost, &e.Worst, &e.Priced, &e.Failure, &e.PromptLength, &e.ResponseLength)
	e.Ended = state == stateEnded
	e.Started = fromMillis(started)
	e.Latency = time.Duration(latency) * time.Microsecond
	return e, err
}
