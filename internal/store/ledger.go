package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

const (
	// ledgerQueue bounds the attempts that wait to begin; more callers block.
	ledgerQueue = 1024
	// ledgerBatch bounds the attempts that begin in one transaction.
	ledgerBatch = 256
	// ledgerUnsaved bounds the ended attempts kept while the database fails;
	// what is beyond goes to the log. About 3 MB. As many intents nobody waits
	// for are kept; those beyond are recorded when they end.
	ledgerUnsaved = 10_000
	// shareDelay is how long what nobody waits for waits for others to share a
	// transaction with, as answers do. An ended attempt counts at its worst case
	// until then, and one that ends before is written once instead of twice.
	shareDelay = 200 * time.Millisecond
	// ledgerRetry is the pause before ended attempts are tried again.
	ledgerRetry = time.Second
)

// ErrClosed is returned by Ledger.Begin once Run has returned.
var ErrClosed = errors.New("ledger is closed")

// Ledger records every call to a provider. Attempts are written in batches by
// the goroutine that runs Run: whatever has come while the last batch was
// written makes the next one.
type Ledger struct {
	db         *DB
	log        *slog.Logger
	begin, end insert

	queue chan *intent
	wake  chan struct{} // holds a token when there is something in noted or ended

	mu     sync.Mutex
	noted  []desk.Attempt
	ended  []desk.Attempt
	closed bool
	done   chan struct{} // closed together with closed
}

var _ llm.Ledger = (*Ledger)(nil)

// intent is an attempt that waits to begin.
type intent struct {
	row desk.Attempt
	// settled is set by whoever decides: the writer, who takes the intent
	// into a batch, or the caller, who gives up.
	settled atomic.Bool
	result  chan error // of the batch
}

func newLedger(ctx context.Context, db *DB, log *slog.Logger) (*Ledger, error) {
	l := &Ledger{
		db: db, log: log,
		begin: insert{mark: db.engine.mark, table: "attempts", columns: attemptColumns, conflict: "ON CONFLICT (id) DO NOTHING"},
		end:   insert{mark: db.engine.mark, table: "attempts", columns: attemptColumns, conflict: attemptEnds},
		queue: make(chan *intent, ledgerQueue), wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	return l, errors.Join(l.begin.prepare(ctx, db.write), l.end.prepare(ctx, db.write))
}

// Begin returns once the attempt is in the database, or with an error when it
// is not: bytes may leave only after nil. A full queue blocks until ctx ends.
// A batch under way is waited for beyond ctx, at most 5 s.
func (l *Ledger) Begin(ctx context.Context, a desk.Attempt) error {
	in := &intent{row: a, result: make(chan error, 1)}
	select {
	case l.queue <- in:
	case <-ctx.Done():
		return fmt.Errorf("begin attempt: %w", ctx.Err())
	case <-l.done:
		return ErrClosed
	}
	var gaveUp error
	select {
	case err := <-in.result:
		return err
	case <-ctx.Done():
		gaveUp = fmt.Errorf("begin attempt: %w", ctx.Err())
	case <-l.done:
		gaveUp = ErrClosed
	}
	if in.settled.CompareAndSwap(false, true) {
		return gaveUp
	}
	return <-in.result
}

// Note records an attempt that begins, within about 200 ms, and waits for
// nothing. While the database fails intents are kept; what is not saved by then
// is recorded when the attempt ends.
func (l *Ledger) Note(a desk.Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && len(l.noted) < ledgerUnsaved {
		l.stir()
		l.noted = append(l.noted, a)
	}
}

// stir tells the writer that there will be something to share a transaction:
// the first of it does, the writer need not wake for the others. l.mu is held.
func (l *Ledger) stir() {
	if len(l.noted)+len(l.ended) > 0 {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// End records the outcome of an attempt. It does not wait for the database and
// never drops: while that fails, ended attempts are kept and tried again, and
// those beyond 10,000 are written to the log in full, as are those that cannot
// be saved at shutdown. End must be called once for each attempt.
func (l *Ledger) End(a desk.Attempt) {
	l.mu.Lock()
	full := l.closed || len(l.ended) >= ledgerUnsaved
	if !full {
		l.stir()
		l.ended = append(l.ended, a)
	}
	l.mu.Unlock()
	if full {
		l.spill(a)
	}
}

// spill makes the log the record of an attempt that the database cannot take.
func (l *Ledger) spill(a desk.Attempt) {
	l.log.Error("attempt not saved in the ledger", "event", "ledger_spill", "attempt", a)
}

// Run writes until ctx ends, then saves what is queued within 5 s. It must be
// running whenever Begin is called, and run once.
func (l *Ledger) Run(ctx context.Context) error {
	defer l.close()
	var due <-chan time.Time // when what nobody waits for must be written
	failing := false
	for {
		var first *intent
		select {
		case first = <-l.queue:
		case <-due:
		case <-l.wake:
			if due == nil {
				due = time.After(shareDelay)
			}
			continue
		case <-ctx.Done():
			return l.drain()
		}
		err := l.flush(context.WithoutCancel(ctx), first)
		if failed := err != nil; failed != failing {
			failing = failed
			l.report(err)
		}
		due = nil
		if failing && l.unsaved() > 0 {
			due = time.After(ledgerRetry)
		}
	}
}

func (l *Ledger) report(err error) {
	if err != nil {
		l.log.Error("ledger cannot be written", "error", err)
		return
	}
	l.log.Info("ledger is written again")
}

func (l *Ledger) unsaved() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.noted) + len(l.ended)
}

// flush writes what is queued, in one transaction. When it fails, those who
// wait are told and ended attempts go back to where they were.
func (l *Ledger) flush(ctx context.Context, first *intent) error {
	begun := l.take(first)
	l.mu.Lock()
	noted, ended := l.noted, l.ended
	l.noted, l.ended = nil, nil
	l.mu.Unlock()

	err := l.write(ctx, begins(begun, noted, ended), ended)
	for _, in := range begun {
		in.result <- err
	}
	if err != nil {
		l.mu.Lock()
		l.noted, l.ended = append(noted, l.noted...), append(ended, l.ended...)
		l.mu.Unlock()
	}
	return err
}

// begins are the rows of attempts that begin: of those that have ended
// meanwhile the end says it all.
func begins(begun []*intent, noted, ended []desk.Attempt) []desk.Attempt {
	over := make(map[desk.AttemptID]bool, len(ended))
	for _, a := range ended {
		over[a.ID] = true
	}
	rows := make([]desk.Attempt, 0, len(begun)+len(noted))
	for _, in := range begun {
		rows = append(rows, in.row)
	}
	for _, a := range noted {
		if !over[a.ID] {
			rows = append(rows, a)
		}
	}
	return rows
}

// take returns first and what else waits to begin, without those whose caller
// gave up.
func (l *Ledger) take(first *intent) []*intent {
	var batch []*intent
	for in := first; ; {
		if in != nil && in.settled.CompareAndSwap(false, true) {
			batch = append(batch, in)
		}
		if len(batch) == ledgerBatch {
			return batch
		}
		select {
		case in = <-l.queue:
		default:
			return batch
		}
	}
}

func (l *Ledger) write(ctx context.Context, begun, ended []desk.Attempt) error {
	if len(begun)+len(ended) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := l.db.transact(ctx, func(tx *sql.Tx) error {
		err := l.begin.exec(ctx, tx, len(begun), func(args []any, i int) []any {
			a := begun[i]
			a.Cost, a.Usage.Estimated = a.Worst, true
			return appendAttempt(args, a, stateBegun)
		})
		if err != nil {
			return err
		}
		return l.end.exec(ctx, tx, len(ended), func(args []any, i int) []any {
			return appendAttempt(args, ended[i], stateEnded)
		})
	})
	if err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

// drain saves the rest at shutdown.
func (l *Ledger) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	for {
		if err := l.flush(ctx, nil); err != nil {
			return err
		}
		if l.unsaved() == 0 && len(l.queue) == 0 {
			return nil
		}
	}
}

func (l *Ledger) close() {
	l.mu.Lock()
	rest := l.ended
	l.noted, l.ended, l.closed = nil, nil, true
	l.mu.Unlock()
	close(l.done)
	for _, a := range rest {
		l.spill(a)
	}
}
