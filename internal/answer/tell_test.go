package answer_test

import (
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

// streaming is a model that says its deltas one by one; fail ends them early.
type streaming struct {
	deltas []string
	fail   error
	closed bool
	calls  int
}

func (s *streaming) Start(context.Context, llm.Call) (*llm.Reply, error) {
	s.calls++
	r := llm.NewReply(llm.Delta{Text: s.deltas[0]}, &rest{s, 1})
	r.Provider, r.Model = "fake", "fake-1"
	return r, nil
}

type rest struct {
	*streaming
	next int
}

func (r *rest) Next() (llm.Delta, error) {
	if r.next < len(r.deltas) {
		r.next++
		return llm.Delta{Text: r.deltas[r.next-1]}, nil
	}
	if r.fail != nil {
		return llm.Delta{}, r.fail
	}
	return llm.Delta{}, io.EOF
}
func (r *rest) Usage() desk.Usage { return desk.Usage{Prompt: 10, Completion: 5} }
func (r *rest) Close() error      { r.closed = true; return nil }

// hear asks for a stream and writes down what is heard.
func hear(t *testing.T, s *shop, question string) (events []string, a desk.Answer, err error) {
	t.Helper()
	a, err = s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: question, Stream: true}, func(e desk.Event) error {
		switch {
		case e.Type == desk.EventDelta:
			events = append(events, e.Text)
		case e.Type == desk.EventHandoff:
			events = append(events, "<handoff "+string(e.Handoff.Reason)+">")
		case e.Type == desk.EventGuard:
			events = append(events, "<guard "+e.Verdict.Stage+" "+string(e.Verdict.Action)+e.Verdict.Rule+">")
		case e.Type != desk.EventUsage:
			events = append(events, "<"+string(e.Type)+">")
		}
		return nil
	})
	return events, a, err
}

func tellBy(model *streaming) func(*answer.Config, *answer.Parts) {
	return func(_ *answer.Config, p *answer.Parts) { p.Models = model }
}

var cited = regexp.MustCompile(`\[(\d+)\]`)

func TestAStreamIsToldAsItComes(t *testing.T) {
	tests := []struct {
		name     string
		question string
		deltas   []string
		want     string
		grounded bool
	}{
		{
			"deltas pass through, a citation follows its sentence", "How long do I have to return an item?",
			[]string{"You can return most items ", "within 30 days of delivery ", "[", "1", "].", " Gift cards cannot be returned [2]."},
			"<meta>|You can return most items |within 30 days of delivery |[1].|<citation>| Gift cards cannot be returned [2].|<citation>", true,
		},
		{
			"a citation may stand behind the full stop", "How long do I have to return an item?",
			[]string{"You can return most items within 30 days of delivery.", " [1]", " Gift cards cannot be returned.", " [2]"},
			"<meta>|You can return most items within 30 days of delivery.| [1]|<citation>| Gift cards cannot be returned.| [2]|<citation>", true,
		},
		{
			"a wrong number is set right before it is shown", "How long do I have to return an item?",
			[]string{"You can return most items within 30 days of delivery ", "[2]", ".", " Gift cards cannot be returned. [1]"},
			"<meta>|You can return most items within 30 days of delivery |[1]|<citation>|.| Gift cards cannot be returned. [2]|<citation>", true,
		},
		{
			"of several citations of a sentence the first stays", "How long do I have to return an item?",
			[]string{"You can return most items within 30 days of delivery [1]", "[2].", " Gift cards cannot be returned. [2] [1]"},
			"<meta>|You can return most items within 30 days of delivery [1]|<citation>|.| Gift cards cannot be returned. [2]|<citation>", true,
		},
		{
			"citations of another kind are shown like the others", "How long do I have to return an item?",
			[]string{"You can return most items within 30 days of delivery (", "source", " 1).", " Gift cards cannot be returned【", "2", "】."},
			"<meta>|You can return most items within 30 days of delivery |[1].|<citation>| Gift cards cannot be returned|[2].|<citation>", true,
		},
		{
			"an offer to help needs no source", "How long do I have to return an item?",
			[]string{"You can return most items within 30 days of delivery [1].", " Let me know if you need anything else!"},
			"<meta>|You can return most items within 30 days of delivery [1].|<citation>| Let me know if you need anything else!", true,
		},
		{
			"what may be no answer is held back", "Do you sell returns of rockets?",
			[]string{"NO", "_ANSWER"},
			"<meta>|I'm sorry, I could not find an answer to this in our help centre.|<handoff no_answer>", false,
		},
		{
			"nor is it shown in quotes, with a full stop or a reason", "Do you sell returns of rockets?",
			[]string{"\"NO", "_ANSWER\"", ". You can return most items within 30 days of delivery [1]."},
			"<meta>|I'm sorry, I could not find an answer to this in our help centre.|<handoff no_answer>", false,
		},
		{
			"a word that only begins like it is shown", "How long do I have to return an item?",
			[]string{"NO", "W you can return most items within 30 days of delivery [1]."},
			"<meta>|NOW you can return most items within 30 days of delivery [1].|<citation>", true,
		},
		{
			"what was shown and is not supported is followed by a handoff", "How long do I have to return an item?",
			[]string{"You can return most items within 90 days ", "of delivery [1]."},
			"<meta>|You can return most items within 90 days |of delivery [1].|<handoff unverified>", false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			model := &streaming{deltas: tt.deltas}
			s := open(t, complex, tellBy(model))
			events, a, err := hear(t, s, tt.question)
			if got := strings.Join(events, "|"); err != nil || got != tt.want {
				t.Errorf("heard %q (%v)\nwant  %q", got, err, tt.want)
			}
			for _, n := range cited.FindAllStringSubmatch(a.Restored, -1) {
				if tt.grounded && !slices.ContainsFunc(a.Citations, func(c desk.Citation) bool { return strconv.Itoa(c.Index) == n[1] }) {
					t.Errorf("%q is answered from %+v, without [%s]", a.Restored, a.Citations, n[1])
				}
			}
			if a.Grounded != tt.grounded || !model.closed {
				t.Errorf("grounded = %v, closed = %v", a.Grounded, model.closed)
			}
			if shown := strings.Join(events, ""); tt.grounded && !strings.Contains(strings.ReplaceAll(shown, "<citation>", ""), a.Restored) {
				t.Errorf("the answer %q is not what was shown: %q", a.Restored, shown)
			}
		})
	}
}

func TestAStreamThatBreaksOffIsAnErrorAndNotKept(t *testing.T) {
	model := &streaming{deltas: []string{"You can return most items ", "within 30 days"}, fail: &llm.Failure{Kind: llm.Cut, Err: llm.ErrCut}}
	s := open(t, complex, tellBy(model))
	const q = "How long do I have to return an item?"
	events, _, err := hear(t, s, q)
	if !errors.Is(err, llm.ErrCut) || len(events) != 3 {
		t.Errorf("heard %q, %v", events, err)
	}
	model.fail = nil
	if _, a, err := hear(t, s, q); err != nil || a.CacheTier != "" || model.calls != 2 {
		t.Errorf("the second asker was answered from %q after %d calls (%v)", a.CacheTier, model.calls, err)
	}
}

func TestAPlaceholderIsRestoredAcrossDeltas(t *testing.T) {
	model := &streaming{deltas: []string{"You can return most items within 30 days of delivery, ", "⟦EMA", "IL_1⟧ [1]."}}
	s := open(t, complex, tellBy(model))
	events, _, err := hear(t, s, "I am ann@mail.example, how long can I return items?")
	if heard := strings.Join(events, ""); err != nil || !strings.Contains(heard, "ann@mail.example") || strings.Contains(heard, "⟦") {
		t.Errorf("heard %q (%v)", heard, err)
	}
}

func TestAStreamedAnswerThatHoldsServesOthersFromTheCache(t *testing.T) {
	model := &streaming{deltas: []string{"You can return most items within 30 days of delivery [1]."}}
	s := open(t, complex, tellBy(model))
	const q = "How long do I have to return an item?"
	if _, _, err := hear(t, s, q); err != nil {
		t.Fatal(err)
	}
	if a := s.ask(q); a.CacheTier != desk.TierMemory {
		t.Errorf("served from %q", a.CacheTier)
	}
}
