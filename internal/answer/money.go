package answer

import (
	"context"
	"fmt"

	"kefu/internal/budget"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Quoter bounds what one call may cost, given a bound on the tokens of its prompt.
type Quoter interface {
	Quote(c llm.Call, promptTokens int) (llm.Quote, error)
}

// embedQuoter is an embedder that costs something: Quote bounds what a text of that
// many bytes may.
type embedQuoter interface {
	Quote(bytes int) llm.Quote
}

const (
	// promptFrame bounds the tokens of a prompt beside question, passages and
	// results of tools: those of instructions and marks.
	promptFrame = 2048
	// sourceFrame bounds the tokens of a passage beside its text: those of title,
	// heading and link.
	sourceFrame = 256
	// toolRoom bounds the tokens of tools and their results.
	toolRoom = 16 << 10
)

// allowance returns what the answer may spend and, where a budget covers the
// asker, the hold of what was reserved there, which must be settled. It sets
// q.Cheaper where the budget has enough left for the cheap model only.
func (s *Service) allowance(ctx context.Context, q *desk.Question, r desk.Route, grant llm.Grant) (*llm.Allowance, *budget.Hold, error) {
	if s.Budgets == nil || !s.Budgets.Covers(q.Scope) {
		return llm.NewAllowance(grant, s.Ledger), nil, nil
	}
	need, err := s.need(*q, r, grant.Attempts)
	if err != nil {
		return nil, nil, err
	}
	hold, err := s.Budgets.Reserve(ctx, q.Scope, q.ID, need, grant.Deadline)
	if err != nil {
		return nil, nil, fmt.Errorf("reserve: %w", err)
	}
	if hold != nil { // nil: the budget was removed meanwhile
		grant.Held, grant.Capped = hold.Held.Money, hold.CapsMoney
		grant.HeldTokens, grant.TokensCapped = hold.Held.Tokens, hold.CapsTokens
		q.Cheaper = hold.Cheaper
	}
	return llm.NewAllowance(grant, s.Ledger), hold, nil
}

// spentOf is what the answer has cost; a call under way counts at its worst case.
func spentOf(a *llm.Allowance) budget.Amount {
	money, tokens := a.Spent()
	return budget.Amount{Money: money, Tokens: tokens}
}

// need bounds what the answer may cost. Whole counts every attempt at the dearest
// model of either chain, since a simple question may escalate.
func (s *Service) need(q desk.Question, r desk.Route, attempts int) (budget.Need, error) {
	asked := s.call(q, r, nil, nil)
	cheap := asked
	cheap.Tier = llm.Cheap
	strong := asked
	strong.Tier, strong.MaxTokens = llm.Strong, s.cfg.MaxTokens

	first, err := s.Quotes.Quote(asked, s.promptBound(q, r))
	if err != nil {
		return budget.Need{}, err
	}
	atCheap, err := s.Quotes.Quote(cheap, s.promptBound(q, r))
	if err != nil {
		return budget.Need{}, err
	}
	whole := r
	if r.Kind == desk.Simple {
		whole.Kind = desk.Complex
	}
	atStrong, err := s.Quotes.Quote(strong, s.promptBound(q, whole))
	if err != nil {
		return budget.Need{}, err
	}
	var embed llm.Quote
	if e, ok := s.Embedder.(embedQuoter); ok && r.Kind != desk.Simple {
		embed = e.Quote(len(q.Text))
	}
	dearest := max(first.Dearest, atCheap.Dearest, atStrong.Dearest, embed.Dearest)
	longest := max(first.Tokens, atCheap.Tokens, atStrong.Tokens, embed.Tokens)
	return budget.Need{
		Whole:    budget.Amount{Money: dearest * desk.MicroUSD(attempts), Tokens: longest * int64(attempts)},
		Once:     budget.Amount{Money: first.First + embed.First, Tokens: first.Tokens + embed.Tokens},
		Cheap:    budget.Amount{Money: atCheap.First + embed.First, Tokens: atCheap.Tokens + embed.Tokens},
		Unpriced: first.Unpriced,
	}, nil
}

// promptBound bounds the tokens of a prompt on a route before its passages are
// known. Other vendors' tokenizers need up to twice the tokens that chunks
// were counted with.
func (s *Service) promptBound(q desk.Question, r desk.Route) int {
	n := promptFrame + len(q.Text)
	if r.Pleasantry {
		return n
	}
	if r.Kind == desk.Agent || q.Tools != nil {
		n += toolRoom
	}
	return n + 2*s.cfg.PromptTokens + s.cfg.MaxPassages*sourceFrame
}
