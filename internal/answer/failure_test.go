package answer

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// silent is an Observer of failed questions only.
type silent struct{ Observer }

func (silent) Answered(desk.TenantID, desk.Answer) {}

func TestEveryFailureHasASentenceInBothLanguagesAndNeverTheCause(t *testing.T) {
	s := &Service{Parts: Parts{Observer: silent{}}}
	want := map[llm.FailureKind]desk.Kind{
		llm.RateLimited: desk.Unavailable, llm.QuotaExhausted: desk.Unavailable, llm.ContextTooLong: desk.TooLarge,
		llm.TimedOut: desk.TimedOut, llm.Unauthorised: desk.Unavailable, llm.Unavailable: desk.Unavailable,
		llm.ModelGone: desk.Unavailable, llm.Refused: desk.Invalid, llm.BadRequest: desk.Internal,
		llm.InvalidReply: desk.Unavailable, llm.Cut: desk.Unavailable, llm.Unreachable: desk.Unavailable,
		llm.Exhausted: desk.Unavailable, llm.Ungrounded: desk.Unavailable, llm.Unknown: desk.Unavailable,
	}
	for _, kind := range llm.FailureKinds {
		say, ok := sayings[kind]
		if !ok || say.code == "" || !strings.HasSuffix(say.en, ".") || !strings.HasSuffix(say.zh, "。") {
			t.Errorf("%s: %+v, want a code and two sentences", kind, say)
		}
		if !strings.ContainsFunc(say.zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: %q is not Chinese", kind, say.zh)
		}
		cause := &llm.Failure{Kind: kind, Provider: "acme", Model: "gpt-9", Status: 599, RetryAfter: 7 * time.Second}
		for lang, words := range map[desk.Lang]string{desk.English: say.en, desk.Chinese: say.zh} {
			err := s.failed(desk.Question{Lang: lang}, fmt.Errorf("start: %w", cause))
			if kind == llm.Cancelled { // nobody is there to be told
				if llm.KindOf(err) != llm.Cancelled {
					t.Errorf("cancelled = %v", err)
				}
				continue
			}
			said, ok := err.(*desk.Error)
			if !ok || said.Kind != want[kind] || said.Code != say.code || said.Public != words || said.RetryAfter != 7*time.Second {
				t.Errorf("%s in %s: %+v, want kind %d and %q", kind, lang, err, want[kind], words)
				continue
			}
			for _, secret := range []string{"acme", "gpt-9", "599"} {
				if strings.Contains(said.Public, secret) {
					t.Errorf("%s: %q tells the cause", kind, said.Public)
				}
			}
		}
	}
	if len(sayings) != len(llm.FailureKinds) {
		t.Errorf("%d sayings for %d kinds", len(sayings), len(llm.FailureKinds))
	}
}

func TestAnAnswerThatRanOutOfTimeTimedOut(t *testing.T) {
	s := &Service{Parts: Parts{Observer: silent{}}}
	err := s.failed(desk.Question{}, &llm.Failure{Kind: llm.Exhausted, Err: llm.ErrNoTime})
	if said, ok := err.(*desk.Error); !ok || said.Kind != desk.TimedOut {
		t.Errorf("failed = %v, want timed out", err)
	}
}
