package answer

import (
	"crypto/rand"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/lang"
	"kefu/internal/mask"
)

// Guard judges what a customer wrote.
type Guard interface {
	Judge(text string) desk.Verdict
	// Document judges a passage of the knowledge base.
	Document(text string) desk.Verdict
}

// Tenants knows the companies that share this installation.
type Tenants interface {
	// Named lists the names of tenants but one that text has as whole words, in
	// small letters.
	Named(text string, but desk.TenantID) []string
	// MayName is where the end of text may begin such a name, or its length.
	MayName(text string, but desk.TenantID) int
}

// Stages of a verdict.
const (
	stageQuestion = "question"
	stageSource   = "source"
	stageAnswer   = "answer"
)

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

// guarded judges a question that no cache could answer: what the cache holds
// was judged when it was composed, since equal questions have one key, and what
// was answered with care is not kept.
func (s *Service) guarded(q desk.Question, tr *desk.Trace) desk.Action {
	if s.Guard == nil {
		return desk.Allow
	}
	v := s.Guard.Judge(string(q.Text))
	v.Stage = stageQuestion
	s.Observer.Guarded(v)
	if v.Action == desk.Allow {
		return v.Action
	}
	v.Enforced = !s.cfg.GuardShadow
	tr.Guard = append(tr.Guard, v)
	if !v.Enforced {
		return desk.Allow
	}
	return v.Action
}

// suspects tells whether an answer that rests on sources must be given with
// care, because one was flagged when it was loaded.
func (s *Service) suspects(sources []desk.Passage, tr *desk.Trace) bool {
	i := slices.IndexFunc(sources, flagged)
	if s.Guard == nil || i < 0 {
		return false
	}
	v := desk.Verdict{Action: desk.Care, Rule: sources[i].Flag, Stage: stageSource, Enforced: !s.cfg.GuardShadow}
	tr.Guard = append(tr.Guard, v)
	s.Observer.Guarded(v)
	return v.Enforced
}

func flagged(p desk.Passage) bool { return p.Flag != "" }

// guardEvents tell those who listen what was done, not by which rule: that is
// for the operator.
func guardEvents(verdicts []desk.Verdict) iter.Seq[desk.Event] {
	return func(yield func(desk.Event) bool) {
		for _, v := range verdicts {
			if v.Enforced && !yield(desk.Event{Type: desk.EventGuard, Verdict: &desk.Verdict{Stage: v.Stage, Action: v.Action, Enforced: true}}) {
				return
			}
		}
	}
}

// verdicts are those on an answer that were not told yet: where it was streamed,
// those on what was said.
func verdicts(a *desk.Answer, told bool) []desk.Verdict {
	switch {
	case a.Trace == nil: // from the cache
		return nil
	case !told:
		return a.Trace.Guard
	}
	i := slices.IndexFunc(a.Trace.Guard, func(v desk.Verdict) bool { return v.Stage == stageAnswer })
	if i < 0 {
		return nil
	}
	return a.Trace.Guard[i:]
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

// startsCanary is where a text may begin to spell the canary at its end, or its
// length. The whole canary counts: one that ends as it begins would otherwise be
// cut in two.
func (s *Service) startsCanary(text string) int {
	for n := min(len(s.canary), len(text)); n > 0; n-- {
		if strings.HasSuffix(text, s.canary[:n]) {
			return len(text) - n
		}
	}
	return len(text)
}

// trusted are the passages that do not speak to the model: what the others link
// to was planted.
func (s *Service) trusted(known []desk.Passage) []desk.Passage {
	if s.Guard == nil {
		return known
	}
	return slices.DeleteFunc(slices.Clone(known), func(p desk.Passage) bool {
		return flagged(p) || s.Guard.Document(p.Text).Action != desk.Allow // also by what the guard knows only now
	})
}

// foreign leaves out the links of a text that no source has.
func (o output) foreign(text string) string {
	if !links(text) {
		return text
	}
	known := o.trusted(o.sources)
	return link.ReplaceAllStringFunc(text, func(l string) string {
		if o.mayLink(l, known) {
			return l
		}
		return ""
	})
}

// openLink matches a link at the end of a text that may not be complete.
var openLink = regexp.MustCompile(`(?i)(?:h|ht|htt|https?|https?:/?/?[^\s]*|www\.[^\s]*|j|ja|jav|java|javas|javasc|javascr|javascri|javascrip|javascript(?::[^\s]*)?)$`)

// mayEndLink is where a link begins that the end of text may have cut, or its
// length.
func mayEndLink(text string) int {
	if at := openLink.FindStringIndex(text[max(0, len(text)-longestLink):]); at != nil {
		start := max(0, len(text)-longestLink) + at[0]
		if start == 0 || !isLetter(text[start-1]) {
			return start
		}
	}
	return len(text)
}

// mayEndSecret is where in text, which follows said, a credential or card number
// begins that the end may have cut, or the length of text. What is longer than
// any is let go: by then it can be told what it is.
func mayEndSecret(said, text string) int {
	const figures = "0123456789"
	all := tail(said + text)
	before := strings.TrimRightFunc(all, unbroken)
	run, groups := all[len(before):], ""
	if run == "" || strings.ContainsAny(run, figures) { // the run may end a number that has begun before it
		groups = strings.TrimLeft(before[len(strings.TrimRightFunc(before, grouped)):], " -")
	}
	held := len(run) + len(groups)
	switch {
	case held == longestLink:
		return len(text)
	case groups == "" && len(run) < 12 && !strings.ContainsAny(run, figures): // a word
		return len(text)
	case groups == "" && len(run) < 5 && strings.Trim(run, figures) != "": // "30%", "4,"
		return len(text)
	}
	return max(0, len(text)-held)
}

// unbroken tells what a credential is written in.
func unbroken(r rune) bool { return ' ' < r && r <= '~' && r != '[' && r != ']' }

// grouped tells what a card number is written in.
func grouped(r rune) bool { return r == ' ' || r == '-' || unicode.IsDigit(r) }

// longestLink bounds what is held back for the end of a link, in bytes.
const longestLink = 400

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// blocked is the result of an answer that was held back.
func (s *Service) blocked(a desk.Answer, d draft) result {
	if !d.told {
		return s.handOff(a, desk.HandoffNoAnswer, false)
	}
	a.Text, a.Outcome = desk.Masked(d.text), desk.Abstained
	a.Handoff = &desk.Handoff{Reason: desk.HandoffUnverified, Contact: s.Contact(a.Lang)}
	return result{a, false}
}

// carefully is q as it is answered with care: without tools, for its asker
// alone.
func carefully(q desk.Question) desk.Question {
	q.Care, q.Tools = true, nil
	return q
}
