package answer_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

// aboutDays is a topic that lasting is of.
type aboutDays struct{}

func (aboutDays) Of(texts ...string) (string, bool) {
	return "days", strings.Contains(strings.Join(texts, "\n"), "days")
}

// thirdParty is an embedder that counts what it is shown.
type thirdParty struct {
	flatEmbedder
	shown *atomic.Int32
}

func (e thirdParty) Embed(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	e.shown.Add(int32(len(c.Texts)))
	return e.flatEmbedder.Embed(ctx, c)
}

func TestConfidentialQuestionsAreForPrivateModelsAlsoWhenTheyAreRenewedOrInspected(t *testing.T) {
	var shown atomic.Int32
	confidential := func(_ *answer.Config, p *answer.Parts) {
		p.Topics, p.Embedder, p.Router = aboutDays{}, thirdParty{shown: &shown}, complex
	}
	s := openRenewing(t, confidential)
	a := s.askOften(20)
	s.awaitRenewed(func(all []string) bool { return slices.Contains(all, "age renewed") })
	if _, err := s.Inspect(t.Context(), desk.Scope{Tenant: tenant}, lasting, 3); err != nil {
		t.Fatal(err)
	}
	if s.model.count() < 2 || a.Outcome != desk.Answered {
		t.Fatalf("%d calls of the model, answer %+v, want an answer that was renewed", s.model.count(), a)
	}
	for _, c := range s.model.all() {
		if !c.Private {
			t.Errorf("a call is not private: %+v", c)
		}
	}
	if n := shown.Load(); n != 0 {
		t.Errorf("the embedder was shown %d texts", n)
	}
	s.ask("Can gift cards be returned?")
	if s.model.last().Private || shown.Load() != 1 {
		t.Errorf("another question was private too, or not embedded: %d texts", shown.Load())
	}
}
