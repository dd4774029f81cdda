package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/llm"
	"kefu/internal/mask"
	"kefu/internal/tool"
)

// Agent answers with tools the questions that need an action or live data.
type Agent interface {
	// Wants decides whether a question needs tools, and on which route. It is given
	// the question alone, so that nothing which a document or a tool says can widen
	// what tools may do.
	Wants(tenant desk.TenantID, question string) (desk.Route, bool)
	// Run answers the call, within its allowance.
	Run(ctx context.Context, c llm.Call, s tool.Session) (tool.Outcome, error)
}

// reasonConfirmed is the reason of a route that carries a confirmation.
const reasonConfirmed = "confirmed"

// needsTools decides whether tools are used for q; the answer is then for its
// asker alone. It fails on a confirmation where there are no tools.
func (s *Service) needsTools(q *desk.Question) error {
	var r desk.Route
	switch {
	case q.Confirmation != "" && s.Agent == nil:
		return &desk.Error{
			Kind: desk.Invalid, Code: tool.CodeConfirmation, Field: "confirmation",
			Public: "There is nothing that could be confirmed. 没有需要确认的操作。",
		}
	case q.Confirmation != "":
		r = desk.Route{Kind: desk.Agent, Reason: reasonConfirmed, Confidence: 1}
	case s.Agent == nil || q.Route != "" || wantsPerson(string(q.Text)):
		return nil
	default:
		wanted := false
		if r, wanted = s.Agent.Wants(q.Scope.Tenant, string(q.Text)); !wanted {
			return nil
		}
	}
	q.Tools, q.Alone = &r, true
	return nil
}

// act drafts an answer with tools. Passages are found as for a complex question;
// results of tools are cited and verified as passages are.
func (s *Service) act(ctx context.Context, q desk.Question, r desk.Route, view *knowledge.View, open *mask.Open, allowance *llm.Allowance, tr *desk.Trace, emit desk.Emit) (draft, error) {
	d := draft{route: r}
	_, sources, err := s.ground(ctx, q, r, view, allowance, tr)
	if err != nil {
		return d, fmt.Errorf("ground: %w", err)
	}
	if s.doubts(tr) { // the results of tools may still answer
		sources = nil
	}
	if s.suspects(sources, tr) { // a text that may give orders is not read where tools could carry them out
		sources = slices.DeleteFunc(sources, flagged)
	}
	start := time.Now()
	out, err := s.Agent.Run(ctx, s.call(q, r, s.compress(ctx, q, r, sources, allowance, tr), allowance), tool.Session{
		Scope: q.Scope, Conversation: q.Conversation, Lang: q.Lang, Privacy: open,
		ReadOnly: !r.Action, Confirmation: q.Confirmation, Emit: emit,
	})
	tr.Tools, tr.Stop = out.Uses, out.Stop
	tr.Took("agent", start)
	if err != nil && !changed(out.Uses) {
		return d, fmt.Errorf("use tools: %w", err)
	}
	d.acted, d.sources = &out, out.Sources
	d.provider, d.model, d.degraded = out.Provider, out.Model, out.Degraded
	for i := range out.Confirm { // masked, as everything but what the asker is shown
		d.text += string(open.Mask(out.Confirm[i].Question)) + "\n"
	}
	if len(out.Confirm) > 0 {
		return d, nil
	}
	d.text = s.withoutLinks(output{Service: s, tenant: q.Scope.Tenant, question: string(q.Text), sources: d.sources, view: view, own: true}.withoutLeaks(out.Text, tr), sources)
	d.verify(tr)
	return d, nil
}

// changed reports whether a tool changed something, or may have: whatever fails
// afterwards, the customer must hear of it.
func changed(uses []desk.ToolUse) bool {
	return slices.ContainsFunc(uses, func(u desk.ToolUse) bool {
		return u.Write && (u.Outcome == desk.ToolDone || u.Outcome == desk.ToolUnknown)
	})
}

// judgeActed turns a draft made with tools into what the customer is told. It
// is theirs alone and never cached.
func (s *Service) judgeActed(a desk.Answer, d draft) result {
	ended := func(outcomes ...desk.ToolOutcome) bool {
		return slices.ContainsFunc(d.acted.Uses, func(u desk.ToolUse) bool { return slices.Contains(outcomes, u.Outcome) })
	}
	switch {
	case len(d.acted.Confirm) > 0:
		a.Confirm, a.Outcome = d.acted.Confirm, desk.Waiting
		a.Text = desk.Masked(inLang(a.Lang, "Please confirm first:\n", "请先确认：\n") + strings.TrimSpace(d.text))
		return result{a, false}
	case ended(desk.ToolUnknown):
		return s.handOff(a, desk.HandoffUnknown, false)
	case !d.weak():
		r := grounded(a, d)
		if d.degraded && !ended(desk.ToolDone) { // quoted, where live data was wanted
			r.answer.Handoff = &desk.Handoff{Reason: desk.HandoffTool, Contact: s.Contact(a.Lang)}
		}
		return r
	case changed(d.acted.Uses):
		a.Text, a.Outcome = desk.Masked(done(d.acted.Uses, a.Lang)), desk.Answered
		return result{a, false}
	case d.degraded, ended(desk.ToolTimeout, desk.ToolError):
		return s.handOff(a, desk.HandoffTool, false)
	}
	return s.handOff(a, desk.HandoffNoAnswer, false)
}

// done names what was done, where what the model says of it has no support.
func done(uses []desk.ToolUse, l desk.Lang) string {
	var titles []string
	for _, u := range uses {
		if u.Write && u.Outcome == desk.ToolDone {
			titles = append(titles, u.Title)
		}
	}
	return inLang(l, "Done: ", "已完成：") + strings.Join(titles, inLang(l, ", ", "、")) + inLang(l, ".", "。")
}
