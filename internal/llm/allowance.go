package llm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kefu/internal/desk"
)

// Ledger keeps every attempt.
type Ledger interface {
	// Begin returns once the intent is durable: bytes may then leave.
	Begin(ctx context.Context, a desk.Attempt) error
	// Note records an intent without waiting: it is durable a fraction of a second
	// later. It never blocks.
	Note(a desk.Attempt)
	// End records the outcome, also of a free attempt that Begin never saw. It
	// never blocks for long and never drops.
	End(a desk.Attempt)
}

// Reasons why Begin refuses; they are causes of a Failure of kind Exhausted.
var (
	ErrNoAttempts = errors.New("attempt budget of the answer is used up")
	ErrNoTime     = errors.New("deadline of the answer is too near")
	ErrNoMoney    = errors.New("money or tokens held for the answer are used up")
	ErrNoPrice    = errors.New("model has no known price and the answer is under a budget")
)

// ErrNoLedger is the cause of Begin's Failure of kind Unavailable.
var ErrNoLedger = errors.New("attempt could not be recorded and the answer is under a budget")

// Allowance is what one answer may spend: attempts, money, time. One value
// serves everything done for that answer, embeddings and fallbacks included.
// It is safe for concurrent use.
type Allowance struct {
	answer   desk.AnswerID
	tenant   desk.TenantID
	deadline time.Time
	ledger   Ledger

	mu       sync.Mutex
	left     int
	begun    int
	held     desk.MicroUSD
	tokens   int64 // held
	grant    Grant
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

// NewAllowance opens an allowance whose attempts are recorded in ledger.
func NewAllowance(g Grant, ledger Ledger) *Allowance {
	return &Allowance{
		answer: g.Answer, tenant: g.Tenant, deadline: g.Deadline, ledger: ledger,
		left: g.Attempts, held: g.Held, tokens: g.HeldTokens, grant: g,
	}
}

// Deadline is when the answer must be there; zero means none.
func (a *Allowance) Deadline() time.Time { return a.deadline }

// Left is the number of attempts that may still begin.
func (a *Allowance) Left() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.left
}

// Answer is the answer that the allowance belongs to; empty outside one.
func (a *Allowance) Answer() desk.AnswerID { return a.answer }

// Tenant is whose money is spent.
func (a *Allowance) Tenant() desk.TenantID { return a.tenant }

// Intent describes the attempt about to be made.
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

// Begin takes one attempt and draws its worst case, then writes the intent to
// the ledger. Under a cap it waits until the intent is durable, so that a crash
// cannot hide spending; without one nothing is held and nobody waits. On error
// nothing was taken and no byte may leave; the error is a *Failure of kind
// Exhausted, or Unavailable when a capped allowance has no ledger to write to.
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

// Free starts an attempt that costs nothing, such as one of the offline model:
// it is recorded when it ends, but takes no attempt, needs no time or money
// and does not wait for the ledger.
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
	case !a.deadline.IsZero() && !time.Now().Before(a.deadline):
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
		ID: desk.NewAttemptID(), Answer: a.answer, Tenant: a.tenant, Number: a.begun,
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

// budgeted tells whether what is spent has to be durable before it is.
func (a *Allowance) budgeted() bool { return a.grant.Capped || a.grant.TokensCapped }

// Spent is what was drawn so far; an attempt under way counts at its worst.
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

// Decided keeps a decision about a call for the answer's trace.
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
	sent time.Time // when the intent was durable: latency is the provider's alone
	free bool
}

// End settles the attempt: the real cost is kept, the rest of the worst case
// is given back. The finished row is returned for metrics and logs.
// responseLength counts the characters that arrived.
func (at *Attempt) End(usage desk.Usage, cost desk.MicroUSD, responseLength int, err error) desk.Attempt {
	row := at.row
	row.Latency = time.Since(at.sent)
	row.Usage, row.Cost = usage, cost
	row.ResponseLength = responseLength
	row.Failure = string(KindOf(err))
	if f, ok := errors.AsType[*Failure](err); ok { // what it was wrapped in may hold anything
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
