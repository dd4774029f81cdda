package gateway

import (
	"testing"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

func TestAPrivateCallNeverReachesAThirdParty(t *testing.T) {
	down := fails(llm.BadRequest)
	tests := []struct {
		name     string
		house    outcome
		simple   bool // the house's model is of the simple tier, not of the complex one
		model    string
		without  bool // there is no model in the house
		by       string
		degraded bool
	}{
		{name: "the house's model answers", house: answers("ours"), simple: true, by: third},
		{name: "that of another tier does", house: answers("ours"), by: third},
		{name: "whatever model was asked for", house: answers("ours"), simple: true, model: small, by: third},
		{name: "when it fails, the last resort does", house: down, simple: true, by: "extractive", degraded: true},
		{name: "when its window is too small, too", house: fails(llm.ContextTooLong), simple: true, by: "extractive", degraded: true},
		{name: "without one, that is how it is meant", without: true, by: "extractive"},
		{name: "the last resort by name", house: answers("ours"), simple: true, model: "extractive", by: "extractive"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			stranger := provider(answers("theirs"))
			chains := map[llm.Tier][]Target{
				llm.Cheap:  {paid("acme", small, stranger)},
				llm.Strong: {paid("acme", large, stranger)},
			}
			if !tt.without {
				house := paid("house", third, provider(tt.house))
				house.Private = true
				tier := llm.Strong
				if tt.simple {
					tier = llm.Cheap
				}
				chains[tier] = append(chains[tier], house)
			}
			for tier := range chains {
				chains[tier] = append(chains[tier], offline(provider(answers("quote"))))
			}
			c := question(grant(r))
			c.Private, c.Model = true, tt.model
			c.Prompt.Sources = make([]desk.Passage, 4)
			reply, _ := mustText(t, New(Config{Prices: prices(t)}, chains, r), c)
			if reply.Model != tt.by || reply.Degraded != tt.degraded {
				t.Errorf("answered by %s, degraded %v, want %s, %v", reply.Model, reply.Degraded, tt.by, tt.degraded)
			}
			if n := stranger.count(); n != 0 {
				t.Errorf("the third party got %d calls", n)
			}
		})
	}
}
