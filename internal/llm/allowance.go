package llm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kefu/internal/desk"
)

// Ledger records every attempt, first what is about to be made (the intent), then
// its outcome. Implementations are safe for concurrent use.
type Ledger interface {
	// Begin returns once the intent is durable. Only then may the call be sent.
	Begin(ctx context.Context, a desk.Attempt) error
	// Note records an intent without waiting: it is durable a fraction of a second
	// later. It never blocks.
	Note(a desk.Attempt)
	// End records the outcome, also of an attempt without an intent, as free ones
	// are. It never blocks for long and never drops.
	End(a desk.Attempt)
}

// Reasons why Allowance.Begin refuses: causes of its Failure of kind Exhausted.
var (
	ErrNoAttempts = errors.New("attempt budget of the answer is used up")
	ErrNoTime     = errors.New("deadline of the answer is too near")
	ErrNoMoney    = errors.New("money or tokens held for the answer are used up")
	ErrNoPrice    = errors.New("model has no known price and the answer is under a budget")
)

// ErrNoLedger is the cause of Allowance.Begin's Failure of kind Unavailable.
var ErrNoLedger = errors.New("attempt could not be recorded and the answer is under a budget")

// Allowance is what one answer may spend: attempts, money, time. One value
// serves everything done for that answer, embeddings and fallbacks included.
// It is safe for concurrent use.
type Allowance struct {
	grant  Grant
	ledger Ledger

	mu       sync.Mutex
	left     int           // attempts that may still begin
	begun    int           // attempts so far, free ones included
	held     desk.MicroUSD // what is left of grant.Held
	tokens   int64         // what is left of grant.HeldTokens
	attempts []desk.Attempt
	decided  []desk.Decision
}

// Grant says what an Allowance starts with.
type Grant struct {
	Answer   desk.AnswerID
	Tenant   desk.TenantID
	Deadline time.Time // zero: none
	Attempts int       // at least 1
	// Held is the money reserved for the answer; it binds only when Capped.
	Held   desk.MicroUSD
	Capped bool
	// HeldTokens are the tokens reserved for it; they bind only when
	// TokensCapped.
	HeldTokens   int64
	TokensCapped bool
}

// NewAllowance returns an allowance whose attempts are recorded in ledger.
func NewAllowance(g Grant, ledger Ledger) *Allowance {
	return &Allowance{grant: g, ledger: ledger, left: g.Attempts, held: g.Held, tokens: g.HeldTokens}
}

// Deadline is when the answer must be there; zero means none.
func (a *Allowance) Deadline() time.Time { return a.grant.Deadline }

// Left is the number of attempts that may still begin.
func (a *Allowance) Left() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.left
}

// Answer is the answer that the allowance belongs to; empty for work that is not
// part of one, such as embedding documents.
func (a *Allowance) Answer() desk.AnswerID { return a.grant.Answer }

// Tenant is whose money is spent.
func (a *Allowance) Tenant() desk.TenantID { return a.grant.Tenant }

// Intent describes an attempt that is about to be made.
type Intent struct {
	Provider, Model string
	Purpose         desk.Purpose
	PromptLength    int // characters
	// Worst bounds the cost from above; Priced is false when no price is known.
	Worst  desk.MicroUSD
	Priced bool
	// Bound bounds the tokens from above.
	Bound desk.Usage
}

// Begin takes one attempt, draws its worst case from what is held, and writes the
// intent to the ledger. Under a cap it waits until the intent is durable, so that
// a crash cannot hide spending; without a cap it does not wait. On error nothing
// was taken and the call must not be sent. The error is a *Failure: of kind
// Exhausted when the allowance does not suffice, of kind Unavailable when a
// capped attempt could not be recorded.
func (a *Allowance) Begin(ctx context.Context, in Intent) (*Attempt, error) {
	row, err := a.take(in)
	if err != nil {
		return nil, &Failure{Kind: Exhausted, Provider: in.Provider, Model: in.Model, Err: err}
	}
	if !a.budgeted() {
		a.ledger.Note(row)
		return &Attempt{of: a, row: row, sent: time.Now()}, nil
	}
	if err := a.ledger.Begin(ctx, row); err != nil {
		a.giveBack(row)
		return nil, &Failure{
			Kind: Unavailable, Provider: in.Provider, Model: in.Model,
			Err: fmt.Errorf("%w: %w", ErrNoLedger, err),
		}
	}
	return &Attempt{of: a, row: row, sent: time.Now()}, nil
}

// Free starts an attempt that costs nothing, such as one of the offline model. It
// is recorded when it ends, but draws nothing from the allowance and never waits.
func (a *Allowance) Free(in Intent) *Attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	in.Worst, in.Priced, in.Bound = 0, true, desk.Usage{}
	row := a.number(in)
	return &Attempt{of: a, row: row, sent: row.Started, free: true}
}

func (a *Allowance) take(in Intent) (desk.Attempt, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.left <= 0:
		return desk.Attempt{}, ErrNoAttempts
	case !a.grant.Deadline.IsZero() && !time.Now().Before(a.grant.Deadline):
		return desk.Attempt{}, ErrNoTime
	case a.grant.Capped && !in.Priced:
		return desk.Attempt{}, ErrNoPrice
	case a.grant.Capped && in.Worst > a.held, a.grant.TokensCapped && int64(in.Bound.Total()) > a.tokens:
		return desk.Attempt{}, ErrNoMoney
	}
	a.left--
	a.held -= in.Worst
	a.tokens -= int64(in.Bound.Total())
	return a.number(in), nil
}

// number makes the row of the next attempt; a.mu is held.
func (a *Allowance) number(in Intent) desk.Attempt {
	a.begun++
	return desk.Attempt{
		ID: desk.NewAttemptID(), Answer: a.grant.Answer, Tenant: a.grant.Tenant, Number: a.begun,
		Provider: in.Provider, Model: in.Model, Purpose: in.Purpose, Started: time.Now(),
		PromptLength: in.PromptLength, Worst: in.Worst, Priced: in.Priced, Usage: in.Bound,
	}
}

func (a *Allowance) giveBack(row desk.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left++
	a.held += row.Worst
	a.tokens += int64(row.Usage.Total())
}

// budgeted tells whether an intent must be durable before its call is sent.
func (a *Allowance) budgeted() bool { return a.grant.Capped || a.grant.TokensCapped }

// Spent is what was drawn so far; an attempt under way counts at its worst case.
func (a *Allowance) Spent() (money desk.MicroUSD, tokens int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.grant.Held - a.held, a.grant.HeldTokens - a.tokens
}

// Attempts returns what was tried so far, in the order in which it ended.
func (a *Allowance) Attempts() []desk.Attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]desk.Attempt(nil), a.attempts...)
}

// Decided records a decision about a call, for the answer's trace.
func (a *Allowance) Decided(d desk.Decision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.decided = append(a.decided, d)
}

// Decisions returns what was decided so far.
func (a *Allowance) Decisions() []desk.Decision {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]desk.Decision(nil), a.decided...)
}

// Attempt is a call under way. End must be called exactly once.
type Attempt struct {
	of   *Allowance
	row  desk.Attempt
	sent time.Time // latency counts from here, without the wait for the ledger
	free bool
}

// End settles the attempt: the real cost stays drawn, the rest of the worst case
// goes back to the allowance. responseLength counts the characters that arrived;
// err is why the call failed, nil if it did not. It returns the finished row, for
// metrics and logs.
func (at *Attempt) End(usage desk.Usage, cost desk.MicroUSD, responseLength int, err error) desk.Attempt {
	row := at.row
	row.Latency = time.Since(at.sent)
	row.Usage, row.Cost = usage, cost
	row.ResponseLength = responseLength
	row.Failure = string(KindOf(err))
	if f, ok := errors.AsType[*Failure](err); ok { // without what wraps it, which may hold customer text
		row.Cause = f.Error()
	} else if err != nil {
		row.Cause = err.Error()
	}

	a := at.of
	a.mu.Lock()
	if !at.free {
		a.held += row.Worst - cost
		a.tokens += int64(at.row.Usage.Total() - usage.Total())
	}
	a.attempts = append(a.attempts, row)
	a.mu.Unlock()
	a.ledger.End(row)
	return row
}
