package tool

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Model is what the loop asks: llm.Provider, in practice the gateway.
type Model interface {
	Start(ctx context.Context, c llm.Call) (*llm.Reply, error)
}

// Observer is told of tools and loops, for metrics. Its methods are called
// concurrently and should return at once.
type Observer interface {
	ToolUsed(u desk.ToolUse)
	LoopEnded(why desk.LoopStop, steps int)
}

// LoopConfig bounds a loop. Zero values mean the defaults.
type LoopConfig struct {
	// Steps is how often the model is asked at most. Default 6.
	Steps int
	// Calls is how many tools are used at most. Default 12.
	Calls int
	// Parallel is how many reads of one step run at once. Default 4.
	Parallel int
	// Reserve is the time before the deadline that is kept for the model's last
	// answer, a quarter of the time there is at most. Default 5 s.
	Reserve time.Duration
}

func (c LoopConfig) withDefaults() LoopConfig {
	return LoopConfig{
		Steps: cmp.Or(c.Steps, 6), Calls: cmp.Or(c.Calls, 12), Parallel: cmp.Or(c.Parallel, 4),
		Reserve: cmp.Or(c.Reserve, 5*time.Second),
	}
}

// Privacy keeps personal data from models. Both methods know each other's
// placeholders for the time of one answer, and are called concurrently.
type Privacy interface {
	// Mask takes personal data out of what a tool returned.
	Mask(text string) desk.Masked
	// Restore puts the asker's own data into what a tool is given.
	Restore(text desk.Masked) string
}

// Session is on whose behalf a loop runs.
type Session struct {
	Scope        desk.Scope
	Conversation desk.ConversationID
	Lang         desk.Lang
	Privacy      Privacy
	// ReadOnly withholds the tools that change something, since the customer
	// asked for nothing to be done: whatever a tool returns cannot make a model
	// use them.
	ReadOnly bool
	// Confirmation is the token of a write that the customer has just
	// confirmed, empty mostly. The loop begins with it.
	Confirmation string
	// Emit receives an EventTool before and after each use of a tool. An error
	// ends the loop.
	Emit desk.Emit
}

// Outcome is what a loop came to: an answer, or Confirm.
type Outcome struct {
	// Text is the model's last, empty when it was asked to answer and did not.
	Text            string
	Provider, Model string
	Degraded        bool
	// Sources is what the [n] of Text count.
	Sources []desk.Passage
	Uses    []desk.ToolUse
	// Confirm is what the customer must confirm. There is no text then.
	Confirm []desk.Confirmation
	Stop    desk.LoopStop
	Steps   int // how often the model was asked
}

// Loop lets a model ask for tools until it answers or reaches a bound. Where
// a bound is reached, the model is asked once more to answer from what it has.
// A Loop is safe for concurrent use.
type Loop struct {
	registry *Registry
	model    Model
	seal     *Seal
	observer Observer
	config   LoopConfig
}

// NewLoop returns a loop over the tools of a registry.
func NewLoop(r *Registry, m Model, s *Seal, o Observer, c LoopConfig) *Loop {
	return &Loop{registry: r, model: m, seal: s, observer: o, config: c.withDefaults()}
}

// Serves tells whether there are tools for a tenant.
func (l *Loop) Serves(tenant desk.TenantID) bool { return len(l.registry.For(tenant).specs) > 0 }

// Run answers c with tools, all within c's one allowance: the model is told of
// the tools and of their results as c.Prompt.Rounds. Errors are the model's, or
// *desk.Error for a confirmation that cannot be used; the outcome then tells
// what was done before.
func (l *Loop) Run(ctx context.Context, c llm.Call, s Session) (Outcome, error) {
	r := &run{Loop: l, registry: l.registry.For(s.Scope.Tenant), session: s, call: c, ids: make(map[string]bool)}
	if deadline, limited := ctx.Deadline(); limited {
		r.toolsUntil = deadline.Add(-min(l.config.Reserve, time.Until(deadline)/4))
	}
	r.call.Tools, r.call.Stream = r.registry.Specs(s.ReadOnly), false
	err := r.confirmed(ctx)
	for err == nil && r.out.Stop == "" {
		err = r.step(ctx)
	}
	if err != nil && r.out.Stop == "" {
		r.out.Stop = desk.StopFailed
	}
	r.out.Sources = r.call.Prompt.Citable()
	l.observer.LoopEnded(r.out.Stop, r.out.Steps)
	return r.out, err
}

// run is one loop under way. Its goroutine alone changes it.
type run struct {
	*Loop
	registry  *Registry // of the session's tenant
	session   Session
	call      llm.Call
	out       Outcome
	ids       map[string]bool // of the calls so far
	used      int             // calls of tools, also of those that failed
	malformed int             // steps with a call that could not be made
	// toolsUntil is when the time of tools ends and that of the last answer
	// begins; zero without a deadline.
	toolsUntil time.Time
}

// step asks the model once and uses the tools it asks for.
func (r *run) step(ctx context.Context) error {
	bound := r.bound()
	r.call.MustAnswer = bound != ""
	reply, err := r.model.Start(ctx, r.call)
	if err != nil {
		return fmt.Errorf("start step %d: %w", r.out.Steps+1, err)
	}
	r.out.Steps++
	r.out.Provider, r.out.Model, r.out.Degraded = reply.Provider, reply.Model, reply.Degraded
	said, err := reply.Whole()
	if err != nil {
		return fmt.Errorf("read step %d: %w", r.out.Steps, err)
	}
	if len(said.Calls) == 0 || bound != "" {
		r.out.Text, r.out.Stop = said.Text, cmp.Or(bound, desk.StopAnswered)
		return nil
	}
	return r.round(ctx, said)
}

// bound names the bound that was reached, "" while there is none: the model
// then has to answer.
func (r *run) bound() desk.LoopStop {
	switch {
	case r.malformed > 1:
		return desk.StopMalformed
	case r.out.Steps >= r.config.Steps-1:
		return desk.StopSteps
	case r.used >= r.config.Calls:
		return desk.StopCalls
	case !r.toolsUntil.IsZero() && !time.Now().Before(r.toolsUntil):
		return desk.StopTime
	case r.call.Allowance.Left() <= 1:
		return desk.StopAttempts
	}
	return ""
}

// round uses the tools that the model asked for and keeps their results for
// its next step. Where one is a write, none is used: the customer is asked.
func (r *run) round(ctx context.Context, said llm.Delta) error {
	uses := r.check(said.Calls)
	for i := range uses {
		if uses[i].spec.Effect == Write && uses[i].err == nil {
			if err := r.ask(&uses[i]); err != nil {
				return err
			}
		}
	}
	if len(r.out.Confirm) > 0 {
		r.out.Stop = desk.StopConfirmation
		return nil
	}
	return r.perform(ctx, said.Text, uses)
}

// check reads the model's calls, restores personal data in their arguments and
// validates them. Calls beyond the bound are not made.
func (r *run) check(calls []llm.ToolCall) []use {
	uses := make([]use, len(calls))
	wrong := false
	for i, c := range calls {
		u := &uses[i]
		u.call = c
		u.spec, _ = r.registry.Spec(c.Name)
		r.used++
		u.call.ID = r.id(c)
		if r.used > r.config.Calls {
			u.err = &desk.Error{Kind: desk.RateLimited, Code: CodeTooMany, Public: "no more tools may be used; answer from what you have"}
			continue
		}
		u.input.Scope, u.input.Lang = r.session.Scope, r.session.Lang
		if u.input.Arguments, u.err = parse(c.Arguments); u.err == nil {
			restore(u.input.Arguments, r.session.Privacy)
			u.err = r.registry.Validate(c.Name, u.input.Arguments)
		}
		if u.err == nil && r.session.ReadOnly && u.spec.Effect == Write {
			u.err = &desk.Error{Kind: desk.Forbidden, Code: CodeUnasked, Public: "the customer has not asked for this"}
		}
		if u.err != nil {
			wrong = true
		}
	}
	if wrong {
		r.malformed++
	}
	return uses
}

// id tells calls and their results apart: the vendor's own where it has one
// that is new, else one in a form that every vendor takes.
func (r *run) id(c llm.ToolCall) string {
	id := c.ID
	if id == "" || r.ids[id] {
		id = fmt.Sprintf("call%05d", r.used)
	}
	r.ids[id] = true
	return id
}
