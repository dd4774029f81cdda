package gateway

import (
	"fmt"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// sources are passages of so many tokens, named a, b, c …
func sources(tokens ...int) []desk.Passage {
	var all []desk.Passage
	for i, n := range tokens {
		all = append(all, desk.Passage{Chunk: desk.Chunk{Text: string(rune('a' + i)), Tokens: n}})
	}
	return all
}

func TestTrimmingKeepsTheBestSourcesWithHalfOfTheTokens(t *testing.T) {
	tests := []struct {
		tokens []int
		want   string
	}{
		{[]int{100, 100, 100, 100, 100}, "ab"},
		{[]int{300, 100, 100, 50}, "a"},
		{[]int{10, 10, 10, 970}, "abc"},
		{[]int{970, 10, 10, 10}, "a"},
		{[]int{100, 100}, "a"},
		{[]int{100}, ""}, // cannot be trimmed
	}
	for _, tt := range tests {
		r := &recorder{}
		p := provider(fails(llm.ContextTooLong), answers("short"))
		c := question(grant(r))
		c.Prompt.Sources = sources(tt.tokens...)
		gatewayOf(t, r, paid("acme", small, p)).Start(t.Context(), c)
		got := ""
		if p.count() > 1 {
			for _, s := range p.calls[1].Prompt.Sources {
				got += s.Text
			}
		}
		if got != tt.want || len(c.Prompt.Sources) != len(tt.tokens) {
			t.Errorf("%v: trimmed to %q, want %q; the caller has %d sources left", tt.tokens, got, tt.want, len(c.Prompt.Sources))
		}
	}
}

func TestAPromptThatIsTooLongGoesToALargerModelInThreeCallsAtMost(t *testing.T) {
	const (
		tiny = "gpt-4o-mini"       // 128,000 tokens
		mid  = "claude-haiku-4-5"  // 200,000
		big  = "claude-sonnet-5-5" // 1,000,000
		open = "house-model"       // not known
	)
	tests := []struct {
		name           string
		simple, strong string
		asks           func(*llm.Call)
		want           string // models that were asked
	}{
		{"a larger one of the chain", tiny + " " + mid, "", nil, "tiny tiny mid"},
		{"not a smaller one on the way", mid + " " + tiny + " " + big, "", nil, "mid mid big"},
		{"a larger one of the strong tier", tiny, big, nil, "tiny tiny big"},
		{"one that is known to be larger before one that is not", tiny + " " + open, big, nil, "tiny tiny big"},
		{"one that may be larger", mid + " " + open, "", nil, "mid mid open"},
		{"the next where the own window is not known", open + " " + tiny, "", nil, "open open tiny"},
		{"one that is about as large where none is larger", mid + " " + tiny, "", nil, "mid mid tiny"},
		{"none where all are far smaller", big + " " + tiny, "", nil, "big big"},
		{"none that the caller did not choose", tiny, big, func(c *llm.Call) { c.Model = tiny }, "tiny tiny"},
		{"at once without sources to trim", tiny + " " + big, "", func(c *llm.Call) { c.Prompt.Sources = nil }, "tiny big"},
	}
	names := strings.NewReplacer(tiny, "tiny", mid, "mid", big, "big", open, "open")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			chains := map[llm.Tier][]Target{}
			for tier, models := range map[llm.Tier]string{llm.Cheap: tt.simple, llm.Strong: tt.strong} {
				for _, m := range strings.Fields(models) {
					chains[tier] = append(chains[tier], paid("acme", m, provider(fails(llm.ContextTooLong))))
				}
			}
			chains[llm.Cheap] = append(chains[llm.Cheap], offline(provider(answers("quote"))))
			c := question(grant(r))
			c.Prompt.Sources = sources(100, 100, 100)
			if tt.asks != nil {
				tt.asks(&c)
			}
			reply, _ := mustText(t, New(Config{Prices: prices(t)}, chains, r), c)
			var asked []string
			for _, a := range r.ended {
				if a.Provider == "acme" {
					asked = append(asked, a.Model)
				}
			}
			if got := names.Replace(strings.Join(asked, " ")); got != tt.want || !reply.Degraded {
				t.Errorf("asked %s, want %s; answered by %s", got, tt.want, reply.Model)
			}
			if strings.Count(fmt.Sprint(r.heard()), "breaker") > 0 {
				t.Errorf("a long prompt moved a breaker: %v", r.heard())
			}
		})
	}
}
