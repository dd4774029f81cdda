package handoff

import (
	"context"
	"log/slog"
	"time"

	"kefu/internal/desk"
)

// Ledger is where handoffs are kept.
type Ledger interface {
	// Told notes what became of telling the webhook; found is false while the
	// handoff is not recorded.
	Told(ctx context.Context, id desk.AnswerID, d desk.Delivery) (found bool, err error)
}

const (
	// bookLength bounds the outcomes that wait to be noted.
	bookLength = 1024
	// bookEvery is how often they are noted: answers are recorded within 0.2 s,
	// which may be after their webhook was told.
	bookEvery = time.Second
	// bookFor is how long a handoff may take to be recorded; longer than the
	// recorder tries.
	bookFor = 45 * time.Second
)

// book notes beside each handoff whether the webhook could be told of it. An
// outcome that finds it full is not noted. It is safe for concurrent use.
type book struct {
	ledger Ledger
	log    *slog.Logger
	queue  chan outcome
}

type outcome struct {
	answer   desk.AnswerID
	delivery desk.Delivery
	at       time.Time
}

func newBook(ledger Ledger, log *slog.Logger) *book {
	return &book{ledger: ledger, log: log, queue: make(chan outcome, bookLength)}
}

// add queues an outcome. It never blocks.
func (b *book) add(id desk.AnswerID, d desk.Delivery) {
	select {
	case b.queue <- outcome{id, d, time.Now()}:
	default:
		b.log.Warn("outcome of a handoff webhook not noted", "answer_id", id)
	}
}

// run notes outcomes until ctx ends, then for at most 5 s more what is left:
// the last answers are being recorded meanwhile.
func (b *book) run(ctx context.Context) {
	noting, stop := outlive(ctx, drain)
	defer stop()
	tick := time.NewTicker(bookEvery)
	defer tick.Stop()
	var waiting []outcome
	for ended := ctx.Done(); ; {
		select {
		case <-tick.C:
		case <-ended:
			ended = nil
		case <-noting.Done():
			return
		}
		waiting = b.note(noting, b.gather(waiting))
		if ctx.Err() != nil && len(waiting) == 0 {
			return
		}
	}
}

// gather adds what is queued to waiting, up to the bound of both.
func (b *book) gather(waiting []outcome) []outcome {
	for len(waiting) < bookLength {
		select {
		case o := <-b.queue:
			waiting = append(waiting, o)
		default:
			return waiting
		}
	}
	return waiting
}

// note returns the outcomes that are to be tried again.
func (b *book) note(ctx context.Context, all []outcome) (again []outcome) {
	for i, o := range all {
		found, err := b.ledger.Told(ctx, o.answer, o.delivery)
		if err != nil {
			b.log.Warn("outcomes of handoff webhooks not noted yet", "waiting", len(all)-i, "error", err)
			return append(again, recent(all[i:])...) // the database is away: not one error for each
		}
		if !found {
			again = append(again, recent(all[i:i+1])...)
		}
	}
	return again
}

// recent drops those whose handoff will not be recorded any more: it was
// deleted, or lost.
func recent(all []outcome) (kept []outcome) {
	for _, o := range all {
		if time.Since(o.at) < bookFor {
			kept = append(kept, o)
		}
	}
	return kept
}
