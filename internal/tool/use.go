package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// use is one use of a tool: what was asked, and how it ended.
type use struct {
	call   llm.ToolCall
	spec   Spec // zero for a tool that does not exist
	input  Input
	err    error
	result Result
	took   time.Duration
}

// ask seals a write and puts it before the customer.
func (r *run) ask(u *use) error {
	token, expires, err := r.seal.seal(u.spec.Name, u.input.Arguments, r.session)
	if err != nil {
		return err
	}
	r.out.Confirm = append(r.out.Confirm, desk.Confirmation{
		Tool: u.spec.Name, Question: u.spec.question(u.input, r.session.Lang), Token: token, Expires: expires,
	})
	return r.tell(u.seen(r.session.Lang, desk.ToolWaiting))
}

// question is what the customer confirms. It is made of the very arguments
// that will be used, not of the model's words.
func (s Spec) question(in Input, l desk.Lang) string {
	return reference.ReplaceAllStringFunc(s.Confirm.In(l), func(ref string) string {
		name := ref[1 : len(ref)-1]
		if text, ok := in.value(name); ok {
			return text
		}
		encoded, err := json.Marshal(in.Arguments[name])
		if err != nil || in.Arguments[name] == nil {
			return ""
		}
		return string(encoded)
	})
}

// confirmed carries out what the customer has confirmed, as if the model had
// just asked for it.
func (r *run) confirmed(ctx context.Context) error {
	if r.session.Confirmation == "" {
		return nil
	}
	a, err := r.seal.open(r.session.Confirmation, r.session)
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(a.Arguments)
	if err != nil {
		return fmt.Errorf("encode arguments: %w", err)
	}
	u := use{
		call:  llm.ToolCall{ID: "confirmed", Name: a.Tool, Arguments: string(r.session.Privacy.Mask(string(encoded)))},
		input: Input{Arguments: a.Arguments, Scope: r.session.Scope, Lang: r.session.Lang, Key: a.Key},
	}
	u.spec, _ = r.registry.Spec(a.Tool)
	u.err = r.registry.Validate(a.Tool, a.Arguments)
	r.used++
	r.ids[u.call.ID] = true
	return r.perform(ctx, "", []use{u})
}

// perform makes the calls that are in order, beside each other, and appends
// the round to the prompt.
func (r *run) perform(ctx context.Context, text string, uses []use) error {
	for i := range uses {
		if uses[i].err != nil {
			continue
		}
		started := uses[i].seen(r.session.Lang, desk.ToolStarted)
		if err := r.session.Emit(desk.Event{Type: desk.EventTool, Tool: &started}); err != nil {
			return err
		}
	}
	r.makeAll(ctx, uses)

	round := llm.ToolRound{Text: text}
	for i := range uses {
		u := &uses[i]
		round.Calls = append(round.Calls, u.call)
		round.Results = append(round.Results, r.answerTo(u))
		if err := r.tell(u.seen(r.session.Lang, u.outcome())); err != nil {
			return err
		}
	}
	r.call.Prompt.Rounds = append(slices.Clip(r.call.Prompt.Rounds), round)
	return nil
}

// makeAll uses the tools beside each other, leaving time for the model's last
// answer. Each use keeps its own error.
func (r *run) makeAll(ctx context.Context, uses []use) {
	if !r.toolsUntil.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, r.toolsUntil)
		defer cancel()
	}
	var group errgroup.Group
	group.SetLimit(r.config.Parallel)
	for i := range uses {
		u := &uses[i]
		if u.err != nil {
			continue
		}
		group.Go(func() error {
			start := time.Now()
			u.result, u.err = r.registry.Call(ctx, u.call.Name, u.input)
			u.took = time.Since(start)
			return nil
		})
	}
	_ = group.Wait()
}

// tell reports a use to the metrics, the outcome and whoever listens.
func (r *run) tell(seen desk.ToolUse) error {
	r.observer.ToolUsed(seen)
	r.out.Uses = append(r.out.Uses, seen)
	return r.session.Emit(desk.Event{Type: desk.EventTool, Tool: &seen})
}

// answerTo is what the model is told. Everything in it may hold what the
// customer or the tool wrote, so that everything is masked.
func (r *run) answerTo(u *use) llm.ToolResult {
	text, failed := u.result.Text, false
	if u.err != nil {
		text, failed = "the tool cannot be used", true
		var known *desk.Error
		if errors.As(u.err, &known) && known.Public != "" {
			text = known.Public
		}
	}
	return llm.ToolResult{
		Call: u.call.ID, Tool: u.call.Name, Title: u.spec.Title.In(r.session.Lang),
		Text: r.session.Privacy.Mask(text), Failed: failed,
	}
}

func (u *use) seen(l desk.Lang, outcome desk.ToolOutcome) desk.ToolUse {
	name := u.spec.Name
	if name == "" {
		name = "unknown" // what the model invents must not become a label
	}
	return desk.ToolUse{
		Tool: name, Title: u.spec.Title.In(l), Write: u.spec.Effect == Write, Outcome: outcome, Duration: u.took,
	}
}

func (u *use) outcome() desk.ToolOutcome {
	var known *desk.Error
	switch {
	case u.err == nil && u.result.Failed:
		return desk.ToolFailed
	case u.err == nil:
		return desk.ToolDone
	case !errors.As(u.err, &known):
		return desk.ToolError
	}
	switch known.Code {
	case CodeUnknownTool, CodeArguments:
		return desk.ToolInvalid
	case CodeTimeout:
		return desk.ToolTimeout
	case CodeOutcomeUnknown:
		return desk.ToolUnknown
	}
	return desk.ToolError
}

// restore puts personal data back into every text of the arguments.
func restore(arguments map[string]any, p Privacy) {
	for name, value := range arguments {
		arguments[name] = restored(value, p)
	}
}

func restored(value any, p Privacy) any {
	switch v := value.(type) {
	case string:
		return p.Restore(desk.Masked(v))
	case []any:
		for i := range v {
			v[i] = restored(v[i], p)
		}
	case map[string]any:
		restore(v, p)
	}
	return value
}
