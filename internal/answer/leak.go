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
	// Named lists, in small letters, the names of all tenants but one that stand in
	// text as whole words.
	Named(text string, but desk.TenantID) []string
	// MayName is the offset in text at which such a name may begin that the end of
	// text cuts off; the length of text if there is none.
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

// output tells what may be said in one answer.
type output struct {
	*Service
	tenant   desk.TenantID
	question string
	sources  []desk.Passage
	view     *knowledge.View
	own      bool // all placeholders may be said: they are the customer's, or of tools called for them
}

// leaks names the rule by which text must not be said, empty if it may be.
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

// unknown tells whether a tenant's name, given in small letters, stands neither in
// the question nor in the asker's knowledge base. Where it does, it may be said:
// companies have names that are words, and some work for each other.
func (o output) unknown(name string) bool {
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), name) }
	known := func(p desk.Passage) bool { return has(p.Text) || has(p.Title) }
	return !has(o.question) && !slices.ContainsFunc(o.sources, known) && !slices.ContainsFunc(o.view.Lexical(name, 3), known)
}

// withoutLeaks leaves out only the sentences that leak. It is for answers made
// with tools, whose customers must hear what was done.
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

// hold records that an answer was held back, and by which rule.
func (s *Service) hold(rule string, tr *desk.Trace) {
	v := desk.Verdict{Action: desk.Refuse, Rule: rule, Stage: stageAnswer, Enforced: true}
	tr.Guard = append(tr.Guard, v)
	s.Observer.Guarded(v)
}

// instructions are the sentences of the prompts that are long enough not to occur
// by chance. Read only.
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

// newCanary returns the mark in the instructions of this process: a reply that
// holds it quotes them.
func newCanary() string { return "KF" + rand.Text()[:14] }

// blocked is the result of a draft that was held back: nothing of it is said, or
// no more than was streamed before the leak was found.
func (s *Service) blocked(a desk.Answer, d draft) result {
	if !d.told {
		return s.handOff(a, desk.HandoffNoAnswer, false)
	}
	a.Text, a.Outcome = desk.Masked(d.text), desk.Abstained
	a.Handoff = &desk.Handoff{Reason: desk.HandoffUnverified, Contact: s.Contact(a.Lang)}
	return result{a, false}
}
