// Package budget keeps spending under its caps: the worst case of an answer is
// reserved before anything is spent, what it really cost is settled afterwards,
// and what a crash left behind is charged by the ledger. Whatever fails, no
// more is spent than was reserved.
package budget

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"kefu/internal/desk"
)

const (
	// slack is how much longer than its answer's deadline a hold lasts: a
	// process that lives has settled it by then.
	slack = 10 * time.Second
	// expireEvery is how often holds of crashed processes are looked for.
	expireEvery = 5 * time.Second
	// storeTimeout bounds one step of the store.
	storeTimeout = 5 * time.Second
	// WarnAt is the share of a cap, in percent, from which on its owner is warned.
	WarnAt = 80
)

// Amount is money and tokens together.
type Amount struct {
	Money  desk.MicroUSD
	Tokens int64
}

// Part is what one window of one budget holds for an answer.
type Part struct {
	Budget  desk.Budget
	Account string
	Starts  time.Time // of the window
	Ends    time.Time
	Amount  int64
}

// Over is a budget that has too little left.
type Over struct {
	Budget desk.Budget
	Resets time.Time
}

// Store keeps windows and holds.
type Store interface {
	// Reserve holds all parts for the answer until it is settled or ttl has
	// passed, or none where one does not fit: over says which. warn are the
	// budgets that passed WarnAt of their cap; each is told once a window.
	Reserve(ctx context.Context, answer desk.AnswerID, ttl time.Duration, parts []Part) (over *Over, warn []desk.Budget, err error)
	// Settle charges what the answer has spent and gives the rest back. It does
	// nothing for one that is not held.
	Settle(ctx context.Context, answer desk.AnswerID, spent Amount) error
	// List returns the tenant's budgets with what their fullest accounts have used
	// of the periods that now lies in.
	List(ctx context.Context, tenant desk.TenantID, now time.Time) ([]desk.BudgetState, error)
	// Expire charges answers whose hold has run out for every call that had
	// begun, and returns how many there were.
	Expire(ctx context.Context) (int, error)
}

// Rules knows which budgets a tenant has.
type Rules interface {
	Budgets(tenant desk.TenantID) []desk.Budget
	// Account is the key that spends where another is shown: the one that it
	// succeeds, else itself.
	Account(key desk.KeyID) desk.KeyID
}

// What a budget did, a closed set for metrics.
const (
	Refused = "refused"
	Cheaper = "cheaper"
	Offline = "offline"
	Warned  = "warned"
	Expired = "expired" // the hold of a crashed process
	Failed  = "failed"  // the store did not answer: nothing was spent
)

// Observer is told what budgets do.
type Observer interface {
	// Budgeted tells what a budget of the subject did, or what was done that is no
	// single budget's: then of is empty.
	Budgeted(of desk.BudgetSubject, action string)
}

// Book reserves and settles. It is safe for concurrent use.
type Book struct {
	rules Rules
	store Store
	obs   Observer
	log   *slog.Logger
}

// New returns a book. Its Run must be started.
func New(rules Rules, store Store, obs Observer, log *slog.Logger) *Book {
	return &Book{rules: rules, store: store, obs: obs, log: log}
}

// Need is what an answer may cost.
type Need struct {
	Whole Amount // with every retry and fallback
	Once  Amount // at the model that is asked first, without any
	Cheap Amount // the same at the cheap model
	// Unpriced is the model that is asked first where its price is not known.
	Unpriced string
}

// Hold is what was reserved for an answer. The nil Hold is unlimited.
type Hold struct {
	book   *Book
	answer desk.AnswerID
	kept   bool // in the store
	// Held is what may be spent of what is capped.
	Held                  Amount
	CapsMoney, CapsTokens bool
	// Cheaper tells that only the cheap model may be asked.
	Cheaper bool
}

// Covers tells whether any budget is there for the scope. Without one nothing
// is to be reserved.
func (b *Book) Covers(scope desk.Scope) bool {
	for _, budget := range b.rules.Budgets(scope.Tenant) {
		if _, ok := b.account(budget, scope); ok {
			return true
		}
	}
	return false
}

// account is who in scope spends from a budget; ok is false when nobody does.
func (b *Book) account(budget desk.Budget, scope desk.Scope) (account string, ok bool) {
	if budget.Subject == desk.SubjectKey {
		scope.Key = b.rules.Account(scope.Key)
	}
	return budget.Account(scope)
}

// Near tells whether any budget of the tenant is used up to WarnAt percent, what
// is held included, or nobody knows: what can wait should then not be spent.
func (b *Book) Near(ctx context.Context, tenant desk.TenantID) bool {
	if len(b.rules.Budgets(tenant)) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	states, err := b.store.List(ctx, tenant, time.Now())
	return err != nil || slices.ContainsFunc(states, func(s desk.BudgetState) bool { return (s.Spent+s.Held)*100 >= s.Cap*WarnAt })
}

// Sharing names those in scope who pay by themselves: answers under way are
// shared only among callers with the same name. It is empty where nobody does.
func (b *Book) Sharing(scope desk.Scope) string {
	var own strings.Builder
	for _, budget := range b.rules.Budgets(scope.Tenant) {
		if account, ok := b.account(budget, scope); ok && budget.Subject != desk.SubjectTenant {
			fmt.Fprintf(&own, "|%s=%q", budget.Subject, account)
		}
	}
	return own.String()
}

// Reserve holds what the answer needs, less near the cap: the whole worst
// case, else one call, else what the budget says of its cap. The error is a
// *desk.Error with the code over_budget, or model_unpriced where a model
// without a known price would be asked under a budget in dollars. The Hold is
// nil where no budget covers the scope.
func (b *Book) Reserve(ctx context.Context, scope desk.Scope, answer desk.AnswerID, need Need, deadline time.Time) (*Hold, error) {
	h := &Hold{book: b, answer: answer}
	parts := b.parts(scope, time.Now(), h)
	if len(parts) == 0 {
		return nil, nil
	}
	if h.CapsMoney && need.Unpriced != "" {
		return nil, &desk.Error{
			Kind: desk.Forbidden, Code: "model_unpriced",
			Public: fmt.Sprintf("The model %s has no known price, so that it cannot be asked under a budget in dollars. "+
				"Add its price to the file that KEFU_PRICES_FILE names.", need.Unpriced),
		}
	}
	over, err := b.reserve(ctx, h, parts, need.Whole, deadline)
	if over != nil && need.Once != need.Whole {
		over, err = b.reserve(ctx, h, parts, need.Once, deadline)
	}
	if over != nil && over.Budget.AtCap == desk.CheaperAtCap {
		h.Cheaper = true
		of := over.Budget.Subject
		if over, err = b.reserve(ctx, h, parts, need.Cheap, deadline); over == nil && err == nil {
			b.obs.Budgeted(of, Cheaper)
		}
	}
	switch {
	case err != nil: // nobody knows what is left, so nothing is spent
		b.obs.Budgeted("", Failed)
		b.log.ErrorContext(ctx, "budget not reserved, answering offline", "tenant", scope.Tenant, "error", err)
	case over != nil && over.Budget.AtCap == desk.RefuseAtCap:
		b.obs.Budgeted(over.Budget.Subject, Refused)
		return nil, refusal(*over)
	case over != nil:
		b.obs.Budgeted(over.Budget.Subject, Offline)
	}
	return h, nil
}

func refusal(over Over) error {
	return &desk.Error{
		Kind: desk.OverBudget, Code: "over_budget", RetryAfter: time.Until(over.Resets),
		Public: fmt.Sprintf("The budget of this %s for the %s does not cover this answer any more; it begins anew at %s.",
			over.Budget.Subject, over.Budget.Period, over.Resets.Format(time.RFC3339)),
	}
}

// parts are the windows that cover the scope, in the order in which every
// process takes them, and h learns what is capped.
func (b *Book) parts(scope desk.Scope, now time.Time, h *Hold) []Part {
	var parts []Part
	for _, budget := range b.rules.Budgets(scope.Tenant) {
		account, ok := b.account(budget, scope)
		if !ok {
			continue
		}
		p := Part{Budget: budget, Account: account}
		p.Starts, p.Ends = budget.Period.Window(now)
		parts = append(parts, p)
		h.CapsMoney = h.CapsMoney || budget.Unit == desk.InUSD
		h.CapsTokens = h.CapsTokens || budget.Unit == desk.InTokens
	}
	slices.SortFunc(parts, func(x, y Part) int { return cmp.Compare(x.Budget.ID, y.Budget.ID) })
	return parts
}

// reserve tries to hold an amount in all windows. An amount of nothing needs
// no hold.
func (b *Book) reserve(ctx context.Context, h *Hold, parts []Part, a Amount, deadline time.Time) (*Over, error) {
	if a == (Amount{}) {
		return nil, nil
	}
	for i := range parts {
		parts[i].Amount = parts[i].Budget.Amount(a.Money, a.Tokens)
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	over, warn, err := b.store.Reserve(ctx, h.answer, time.Until(deadline)+slack, parts)
	if err != nil || over != nil {
		return over, err
	}
	h.Held, h.kept = a, true
	for _, w := range warn {
		b.obs.Budgeted(w.Subject, Warned)
		b.log.WarnContext(ctx, "budget nearly used", "budget", w.ID, "tenant", w.Tenant, "subject", w.Subject, "period", w.Period,
			"percent", WarnAt)
	}
	return nil, nil
}

// Settle charges what was spent and gives the rest back. It does not depend on
// the caller's ctx: where the store fails, the hold runs out later and is
// charged by the ledger.
func (h *Hold) Settle(ctx context.Context, spent Amount) {
	if h == nil || !h.kept {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := h.book.store.Settle(ctx, h.answer, spent); err != nil {
		h.book.log.ErrorContext(ctx, "budget not settled; the hold runs out by itself", "answer", h.answer, "error", err)
	}
}

// Run charges the holds of crashed processes until ctx ends.
func (b *Book) Run(ctx context.Context) error {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		if n, err := b.store.Expire(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("expired holds not charged", "error", err)
		} else if n > 0 {
			b.log.Warn("holds of crashed processes charged", "holds", n)
			for range n {
				b.obs.Budgeted("", Expired)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
