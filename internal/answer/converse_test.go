package answer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

// talk is answer.Turns in memory.
type talk struct {
	mu    sync.Mutex
	turns map[desk.UserID][]desk.Turn
	lost  error
}

func (k *talk) Recent(_ context.Context, scope desk.Scope, _ desk.ConversationID, n int) ([]desk.Turn, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	turns := k.turns[scope.User]
	return append([]desk.Turn(nil), turns[max(0, len(turns)-n):]...), k.lost
}

func (k *talk) Append(_ context.Context, scope desk.Scope, _ desk.ConversationID, turn desk.Turn) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turns[scope.User] = append(k.turns[scope.User], turn)
	return k.lost
}

// conversing returns a shop that keeps conversations, and how Ann asks in hers.
func conversing(t *testing.T) (*shop, *talk, func(question string) desk.Answer) {
	kept := &talk{turns: map[desk.UserID][]desk.Turn{}}
	s := open(t, complex, func(c *answer.Config, p *answer.Parts) { c.Turns, p.Turns = 3, kept })
	return s, kept, func(question string) desk.Answer {
		t.Helper()
		a, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant, User: "ann"}, Text: question, Conversation: "c1"}, desk.Discard)
		if err != nil {
			t.Fatalf("%q: %v", question, err)
		}
		return a
	}
}

// noWriter quotes, and does not rewrite.
func noWriter(c llm.Call) (string, error) {
	if c.Purpose == desk.PurposeRewrite {
		return "", &llm.Failure{Kind: llm.BadRequest}
	}
	return quoting(c)
}

func TestAFollowUpIsAnsweredFromWhatWasSaid(t *testing.T) {
	s, kept, ask := conversing(t)
	s.model.reply = noWriter
	ask("How much does standard shipping cost for the lamp?")
	a := ask("What about the tablet?")
	if got := string(s.model.last().Prompt.Question); got != "How much does standard shipping cost for the tablet?" {
		t.Errorf("the model was asked %q", got)
	}
	turns := kept.turns["ann"]
	if len(turns) != 2 || turns[1].Question != "What about the tablet?" || turns[1].Standalone != "How much does standard shipping cost for the tablet?" {
		t.Errorf("turns = %+v", turns)
	}
	recorded := s.journal.recorded[len(s.journal.recorded)-1]
	if recorded.Trace.Standalone != turns[1].Standalone || recorded.Conversation != "c1" || a.Conversation != "c1" {
		t.Errorf("the trace says %q, the conversation is %q and %q", recorded.Trace.Standalone, recorded.Conversation, a.Conversation)
	}
	if ask("What about the tablet?"); s.model.count() < 4 {
		t.Error("an answer that depends on the conversation was shared")
	}
}

func TestTheCheapModelReadsAFollowUpWhereThereIsOne(t *testing.T) {
	s, _, ask := conversing(t)
	rewritten := "Can gift cards be returned within 30 days?"
	s.model.reply = func(c llm.Call) (string, error) {
		if c.Purpose == desk.PurposeRewrite {
			if c.Tier != llm.Cheap || !strings.Contains(string(c.Prompt.Question), "Last question: And gift cards?") {
				t.Errorf("tier %s was asked %q", c.Tier, c.Prompt.Question)
			}
			return rewritten, nil
		}
		return quoting(c)
	}
	ask("Can I return items within 30 days?")
	ask("And gift cards?")
	if got := string(s.model.last().Prompt.Question); got != rewritten {
		t.Errorf("the model was asked %q, want %q", got, rewritten)
	}
	for _, invented := range []string{"Can gift cards be returned within 45 days?", "NO_ANSWER", "one\ntwo", "⟦EMAIL_1⟧ gift cards?", "礼品卡能退吗？"} {
		rewritten = invented
		ask("And gift cards?")
		if got := string(s.model.last().Prompt.Question); got == invented {
			t.Errorf("%q was taken over", invented)
		}
	}
}

func TestAModelThatDoesNotRewriteAFollowUpIsNotHeard(t *testing.T) {
	for _, c := range []struct{ first, then, declined, want string }{
		{"How much does standard shipping cost for the lamp?", "What about the tablet?", "I'm sorry, I don't know: the sources do not answer this question.", "How much does standard shipping cost for the tablet?"},
		{"智能灯保修多久？", "那平板呢？", "抱歉，我在提供的资料中没有找到这个问题的答案。", "智能灯保修多久，那平板呢？"},
	} {
		s, kept, ask := conversing(t)
		s.model.reply = func(call llm.Call) (string, error) {
			if call.Purpose == desk.PurposeRewrite {
				return c.declined, nil
			}
			return quoting(call)
		}
		ask(c.first)
		ask(c.then)
		if got := string(kept.turns["ann"][1].Standalone); got != c.want {
			t.Errorf("%q was read as %q, want %q", c.then, got, c.want)
		}
	}
}

func TestAHitIsATurnToo(t *testing.T) {
	s, kept, ask := conversing(t)
	s.ask("How much does standard shipping cost?")
	if a := ask("How much does standard shipping cost?"); a.CacheTier != desk.TierMemory {
		t.Fatalf("cache tier = %q", a.CacheTier)
	}
	if len(kept.turns["ann"]) != 1 {
		t.Errorf("turns = %+v", kept.turns)
	}
}

func TestWhatACallerTellsCountsBeforeWhatWasKept(t *testing.T) {
	s, _, _ := conversing(t)
	s.model.reply = noWriter
	_, err := s.Answer(t.Context(), desk.Ask{
		Scope: desk.Scope{Tenant: tenant, User: "bob"}, Text: "What about the tablet?",
		Earlier: []desk.Exchange{{Question: "My mail is bob@example.com. How much does shipping cost for the lamp?", Answer: "It costs $4.90."}},
	}, desk.Discard)
	if err != nil {
		t.Fatal(err)
	}
	got := string(s.model.last().Prompt.Question)
	if !strings.Contains(got, "for the tablet") || strings.Contains(got, "bob@") || strings.Contains(got, "⟦") {
		t.Errorf("the model was asked %q", got)
	}
}

func TestALostConversationCostsNoAnswer(t *testing.T) {
	s, kept, ask := conversing(t)
	kept.lost = errors.New("database is gone")
	s.model.reply = noWriter
	if a := ask("Can I return it?"); a.Text == "" {
		t.Error("no answer")
	}
}

func TestWhoRewritesAFollowUpSeesNoAnswersWhereSomeMayBeConfidential(t *testing.T) {
	s, _, ask := conversing(t)
	var shown, answered []llm.Call
	s.model.reply = func(c llm.Call) (string, error) {
		if c.Purpose == desk.PurposeRewrite {
			shown = append(shown, c)
		} else {
			answered = append(answered, c)
		}
		return noWriter(c)
	}
	a := ask("How much does standard shipping cost for the lamp?")
	ask("What about the tablet?")
	s.library.publish("pay", "Pay", "Engineers are paid 7351 euros.")
	s.library.confide("pay")
	s.catchUp()
	ask("What about the tablet?")
	if len(shown) != 2 || !strings.Contains(string(shown[0].Prompt.Question), string(a.Text)[:20]) {
		t.Fatalf("the rewriter was shown %+v, want the answer %q", shown, a.Text)
	}
	if said := string(shown[1].Prompt.Question); strings.Contains(said, "Assistant:") || !strings.Contains(said, "standard shipping") {
		t.Errorf("the rewriter was shown %q, want the questions alone", said)
	}
	ask("How much are engineers paid?")
	for i, c := range answered {
		if want := i == len(answered)-1; c.Private != want {
			t.Errorf("call %d is private: %v; its sources are %+v", i, c.Private, c.Prompt.Sources)
		}
	}
}
