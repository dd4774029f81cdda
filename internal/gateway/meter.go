package gateway

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/price"
	"kefu/internal/llm/token"
)

// metered draws each attempt on the call's Allowance, settles it when it ends and
// tells the Observer once. An attempt ends when its reply is whole, when its stream
// ends, or when the stream is closed early, which counts as Cancelled.
type metered struct {
	next     llm.Provider
	provider string
	prices   *price.Table
	obs      Observer
	free     bool // costs nothing: the allowance may be used up
}

func (m metered) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	b, err := m.begin(ctx, c)
	if err != nil {
		return nil, err
	}
	ctx, b.observed = m.obs.Attempt(ctx, m.provider, c.Model, c.Purpose)
	started := time.Now()
	reply, err := m.next.Start(ctx, c)
	if err != nil {
		b.fail(err)
		return nil, err
	}
	arrived := time.Now()
	if c.Stream {
		m.obs.FirstDelta(c.Model, arrived.Sub(started))
	}
	first, err := reply.Next()
	if err != nil { // the contract rules it out, but the attempt must end
		b.fail(err)
		return nil, errors.Join(err, reply.Close())
	}
	b.saw(first)
	var rest llm.Stream = reply
	if c.Stream {
		rest = &meteredStream{Stream: reply, bill: b, obs: m.obs, last: arrived}
	} else {
		b.succeed(reply.Usage())
	}
	out := llm.NewReply(first, rest)
	out.Degraded = reply.Degraded
	return out, nil
}

func (m metered) begin(ctx context.Context, c llm.Call) (*bill, error) {
	length, tokens := measure(c.Model, c.Prompt)
	length, tokens = measureTools(length, tokens, c)
	in := llm.Intent{Provider: m.provider, Model: c.Model, Purpose: c.Purpose, PromptLength: length}
	in.Bound = desk.Usage{Prompt: tokens, Completion: c.MaxTokens, Estimated: true}
	b := &bill{call: c, free: m.free}
	if m.free {
		b.attempt = c.Allowance.Free(in)
		return b, nil
	}
	if b.price, in.Priced = m.prices.Lookup(c.Model); in.Priced {
		in.Worst = b.price.Worst(tokens, c.MaxTokens)
	}
	var err error
	b.attempt, err = c.Allowance.Begin(ctx, in)
	return b, err
}

// measure returns the characters of a prompt and an upper bound on its tokens.
// Since it runs before every call, it reckons with the counts that chunks carry
// instead of counting tokens.
func measure(model string, p llm.Prompt) (characters, tokens int) {
	const (
		frame  = 512 // what Messages writes around a prompt, fences included
		source = 16  // and around a source
	)
	characters = utf8.RuneCountInString(p.System) + utf8.RuneCountInString(string(p.Question))
	tokens = frame + len(p.System) + len(p.Question)
	for _, s := range p.Sources {
		for _, text := range []string{s.Title, s.Heading, s.URL, s.Question} {
			characters += utf8.RuneCountInString(text)
			tokens += len(text)
		}
		characters += utf8.RuneCountInString(s.Text)
		tokens += source + token.Bound(model, s.Text, s.Tokens)
	}
	return characters, tokens
}

// measureTools adds what the tools on offer and their results so far take.
func measureTools(characters, tokens int, c llm.Call) (int, int) {
	const (
		frame  = 32  // around a tool and around a call of it
		result = 512 // what Messages writes around a result, fences included
	)
	add := func(around int, texts ...string) {
		tokens += around
		for _, text := range texts {
			characters += utf8.RuneCountInString(text)
			tokens += len(text)
		}
	}
	for _, t := range c.Tools {
		add(frame, t.Name, t.Description, string(t.Parameters))
	}
	for _, round := range c.Prompt.Rounds {
		add(frame, round.Text)
		for _, call := range round.Calls {
			add(frame, call.ID, call.Name, call.Arguments)
		}
		for _, r := range round.Results {
			add(result, r.Title, string(r.Text))
		}
	}
	return characters, tokens
}

// bill collects what one attempt brings and settles it. It must be settled once:
// streams, which may end more than once, look at settled first.
type bill struct {
	call     llm.Call
	free     bool
	price    price.Price
	attempt  *llm.Attempt
	observed func(desk.Attempt)
	arrived  []string
	settled  bool
}

// saw keeps a delta that arrived, calls of tools included.
func (b *bill) saw(d llm.Delta) {
	b.arrived = append(b.arrived, d.Text)
	for _, c := range d.Calls {
		b.arrived = append(b.arrived, c.Name, c.Arguments)
	}
}

func (b *bill) succeed(reported desk.Usage) {
	switch {
	case reported.Total() > 0:
	case b.free: // the last resort is not billed: an estimate will do
		reported = desk.Usage{Estimated: true, Prompt: b.readTokens(), Completion: token.Estimate(strings.Join(b.arrived, ""))}
	default: // some servers report none
		reported = desk.Usage{Estimated: true, Prompt: b.promptTokens()}
		reported.Completion = token.Count(b.call.Model, strings.Join(b.arrived, ""))
	}
	b.settle(reported, nil)
}

// fail settles an attempt that failed. If anything had arrived, or mayBeOwed says
// so, the vendor may bill all that it generated, reasoning and what never arrived
// included: the only bound on that is MaxTokens.
func (b *bill) fail(err error) {
	var owed desk.Usage
	if mayBeOwed(err) || b.arrived != nil {
		owed = desk.Usage{Estimated: true, Prompt: b.promptTokens(), Completion: b.call.MaxTokens}
	}
	b.settle(owed, err)
}

func (b *bill) settle(usage desk.Usage, err error) {
	b.settled = true
	length := 0
	for _, text := range b.arrived {
		length += utf8.RuneCountInString(text)
	}
	b.observed(b.attempt.End(usage, b.price.Cost(usage), length, err))
}

// readTokens estimates the prompt's tokens by the counts that chunks carry.
func (b *bill) readTokens() int {
	n := token.Estimate(string(b.call.Prompt.Question))
	for _, s := range b.call.Prompt.Sources {
		n += s.Tokens
	}
	for _, round := range b.call.Prompt.Rounds {
		for _, r := range round.Results {
			n += token.Estimate(string(r.Text))
		}
	}
	return n
}

// promptTokens counts the prompt as it is sent, with a margin for the marks of the
// chat format. It takes about a millisecond, and is for attempts whose vendor has
// reported nothing.
func (b *bill) promptTokens() int {
	n := 0
	for _, m := range b.call.Prompt.Messages() {
		n += token.Count(b.call.Model, m.Text) + 8
		for _, c := range m.Calls {
			n += token.Count(b.call.Model, c.Name+c.Arguments) + 16
		}
	}
	for _, t := range b.call.Tools {
		n += token.Count(b.call.Model, t.Name+t.Description+string(t.Parameters)) + 16
	}
	return n
}

// meteredStream settles its attempt when the stream ends.
type meteredStream struct {
	llm.Stream
	bill *bill
	obs  Observer
	last time.Time // when the latest delta arrived
}

func (s *meteredStream) Next() (llm.Delta, error) {
	d, err := s.Stream.Next()
	switch {
	case err == nil:
		now := time.Now()
		s.obs.NextDelta(s.bill.call.Model, now.Sub(s.last))
		s.last = now
		s.bill.saw(d)
	case s.bill.settled:
	case errors.Is(err, io.EOF):
		s.bill.succeed(s.Usage())
	default:
		s.bill.fail(err)
	}
	return d, err
}

func (s *meteredStream) Close() error {
	if !s.bill.settled {
		s.bill.fail(&llm.Failure{Kind: llm.Cancelled, Err: errClosed})
	}
	return s.Stream.Close()
}

var errClosed = errors.New("stream was closed before its end")
