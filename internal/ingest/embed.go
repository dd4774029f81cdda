package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Waits between two attempts at one batch: doubled each time, at random
// between half and all of it; what a vendor asks for is honoured up to
// maxRetryAfter.
const (
	firstBackoff  = 500 * time.Millisecond
	maxRetryAfter = 30 * time.Second
)

// slots bounds the embedding calls under way at the same time.
type slots chan struct{}

// embed returns one vector for each chunk, calling the embedder in batches.
func (l *load) embed(ctx context.Context, chunks []desk.Chunk) ([][]float32, error) {
	vectors := make([][]float32, len(chunks))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(l.free))
	at := 0
	for batch := range slices.Chunk(chunks, l.cfg.BatchChunks) {
		into := vectors[at : at+len(batch)]
		at += len(batch)
		g.Go(func() error {
			select {
			case l.free <- struct{}{}:
				defer func() { <-l.free }()
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := l.givenUp(); err != nil { // while this batch waited
				return err
			}
			err := l.ask(ctx, batch, into)
			if err != nil && !refused(err) && ctx.Err() == nil {
				l.giveUp(err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	return vectors, nil
}

// ask embeds a batch within the patience of the request.
func (l *load) ask(ctx context.Context, batch []desk.Chunk, into [][]float32) error {
	if l.req.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.req.Patience)
		defer cancel()
	}
	return l.embedBatch(ctx, l.tenant, batch, into)
}

// giveUp says that the embedder is not to be asked any more, and why.
func (l *load) giveUp(err error) { l.locked(func() { l.down = err }) }

// givenUp is why the embedder was given up; nil: it was not.
func (l *load) givenUp() (err error) {
	l.locked(func() { err = l.down })
	return err
}

// embedBatch fills into with the vectors of batch, trying again after failures
// that may pass.
func (l *Loader) embedBatch(ctx context.Context, tenant desk.TenantID, batch []desk.Chunk, into [][]float32) error {
	defer l.took(stageEmbed, time.Now())
	texts := make([]desk.Masked, len(batch))
	for i, c := range batch {
		texts[i] = embedText(c)
	}
	// An adapter may need several requests for one batch, at most one a text.
	allowance := llm.NewAllowance(llm.Grant{Tenant: tenant, Attempts: l.cfg.EmbedAttempts * len(texts)}, l.ledger)
	for attempt := 1; ; attempt++ {
		err := l.embedOnce(ctx, texts, allowance, into)
		if err == nil || attempt == l.cfg.EmbedAttempts || !mayPass(err) {
			return err
		}
		select {
		case <-time.After(backoff(attempt, err)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *Loader) embedOnce(ctx context.Context, texts []desk.Masked, allowance *llm.Allowance, into [][]float32) error {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.EmbedTimeout)
	defer cancel()
	got, err := l.embedder.Embed(ctx, llm.EmbedCall{Texts: texts, Allowance: allowance})
	if err != nil {
		return err
	}
	if len(got.Vectors) != len(texts) {
		return &llm.Failure{
			Kind: llm.InvalidReply, Model: l.embedder.Model(),
			Err: fmt.Errorf("%d vectors for %d texts", len(got.Vectors), len(texts)),
		}
	}
	copy(into, got.Vectors)
	return nil
}

func backoff(attempt int, err error) time.Duration {
	var failure *llm.Failure
	if errors.As(err, &failure) && failure.RetryAfter > 0 {
		return min(failure.RetryAfter, maxRetryAfter)
	}
	wait := firstBackoff << (attempt - 1)
	return wait/2 + rand.N(wait/2)
}

// mayPass tells whether the same call may succeed a little later.
func mayPass(err error) bool {
	switch llm.KindOf(err) {
	case llm.RateLimited, llm.Unavailable, llm.TimedOut, llm.Unreachable, llm.Cut, llm.InvalidReply:
		return true
	default:
		return false
	}
}

// refused tells whether the texts themselves are at fault.
func refused(err error) bool {
	switch llm.KindOf(err) {
	case llm.BadRequest, llm.Refused, llm.ContextTooLong:
		return true
	default:
		return false
	}
}

// embedderError says what an operator can do about an embedder that fails.
func embedderError(err error) error {
	if err == nil {
		return nil
	}
	return &desk.Error{
		Kind: desk.Unavailable, Code: "embedder_unavailable", Err: err,
		Public: "the embedding model cannot be reached; documents without vectors are found by their words only until they are embedded again",
	}
}
