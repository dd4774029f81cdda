package answer

import (
	"crypto/rand"
	"errors"
	"regexp"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/lang"
	"kefu/internal/mask"
)

// Tenants knows the companies that share this installation.
type Tenants interface {
	// Named lists the names of tenants but one that text has as whole words, in
	// small letters.
	Named(text string, but desk.TenantID) []string
	// MayName is where the end of text may begin such a name, or its length.
	MayName(text string, but desk.TenantID) int
}

// Rules by which an answer is held back.
const (
	leakCanary      = "canary"      // the mark of the instructions
	leakPrompt      = "prompt_text" // a sentence of them
	leakSecret      = "secret"      // a credential or card that no source has
	leakPlaceholder = "placeholder" // personal data that the asker did not write
	leakExfiltrated = "exfiltrated" // the asker's data within a link
	leakTenant      = "tenant"      // the name of a company that shares the installation
)

// AnswerRules are the rules of the verdicts on answers, a closed set.
func AnswerRules() []string {
	return []string{leakCanary, leakPrompt, leakSecret, leakPlaceholder, leakExfiltrated, leakTenant}
}

// errLeak ends the reading of a reply that says what it must not.
var errLeak = errors.New("the reply leaks")

// output is what may be said in one answer.
type output struct {
	*Service
	tenant   desk.TenantID
	question string
	sources  []desk.Passage
	view     *knowledge.View
	own      bool // placeholders are the customer's or the tools', restored for the asker
}

// leaks names the rule by which text must not be said; empty: it may.
func (o output) leaks(text string) string {
	switch {
	case strings.Contains(text, o.canary):
		return leakCanary
	case slices.ContainsFunc(instructions, func(sentence string) bool { return strings.Contains(text, sentence) }):
		return leakPrompt
	case !strings.Contains(text, "⟦"): // no placeholder, wherever
	case slices.ContainsFunc(link.FindAllString(text, -1), func(l string) bool { return strings.Contains(l, "⟦") }):
		return leakExfiltrated
	case !o.own && slices.ContainsFunc(mask.Placeholder.FindAllString(text, -1), func(p string) bool { return !strings.Contains(o.question, p) }):
		return leakPlaceholder
	}
	for _, found := range o.Masker.Unsayable(text) {
		secret := text[found.Start:found.End]
		if !slices.ContainsFunc(o.sources, func(p desk.Passage) bool { return strings.Contains(p.Text, secret) }) {
			return leakSecret
		}
	}
	if o.Tenants != nil && slices.ContainsFunc(o.Tenants.Named(text, o.tenant), o.unknown) {
		return leakTenant
	}
	return ""
}

// unknown tells that neither the customer nor the tenant's own knowledge base
// knows a name, given in small letters: companies are called like things, and
// work for each other.
func (o output) unknown(name string) bool {
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), name) }
	known := func(p desk.Passage) bool { return has(p.Text) || has(p.Title) }
	return !has(o.question) && !slices.ContainsFunc(o.sources, known) && !slices.ContainsFunc(o.view.Lexical(name, 3), known)
}

// withoutLeaks leaves out the sentences that leak: where tools were used, the
// customer must hear of what was done.
func (o output) withoutLeaks(text string, tr *desk.Trace) string {
	rule := o.leaks(text)
	if rule == "" {
		return text
	}
	o.hold(rule, tr)
	kept, last := "", 0
	for _, span := range lang.Sentences(text) {
		if longer := kept + text[last:span.End]; o.leaks(tail(longer)) == "" {
			kept = longer
		}
		last = span.End
	}
	return kept
}

// hold records that an answer was held back.
func (s *Service) hold(rule string, tr *desk.Trace) {
	v := desk.Verdict{Action: desk.Refuse, Rule: rule, Stage: stageAnswer, Enforced: true}
	tr.Guard = append(tr.Guard, v)
	s.Observer.Guarded(v)
}

// instructions are the sentences of the instructions, as far as they are long
// enough to be known again; read only.
var instructions = func() (all []string) {
	for _, prompt := range []string{systemComplex, systemSimple, systemAgent, systemPleasantry, systemCare} {
		for _, sentence := range regexp.MustCompile(`\.\s(?:- )?|\n- `).Split(prompt, -1) {
			if len(sentence) >= 40 {
				all = append(all, sentence)
			}
		}
	}
	return all
}()

// newCanary marks the instructions of this process: a reply that has it quotes
// them.
func newCanary() string { return "KF" + rand.Text()[:14] }

// blocked is the result of an answer that was held back.
func (s *Service) blocked(a desk.Answer, d draft) result {
	if !d.told {
		return s.handOff(a, desk.HandoffNoAnswer, false)
	}
	a.Text, a.Outcome = desk.Masked(d.text), desk.Abstained
	a.Handoff = &desk.Handoff{Reason: desk.HandoffUnverified, Contact: s.Contact(a.Lang)}
	return result{a, false}
}
