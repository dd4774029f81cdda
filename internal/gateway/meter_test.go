package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/token"
)

// only returns the one attempt that was observed and recorded.
func (r *recorder) only(t *testing.T) desk.Attempt {
	t.Helper()
	if len(r.attempts) != 1 || len(r.ended) != 1 || r.attempts[0] != r.ended[0] {
		t.Fatalf("observed %+v, ledger %+v, want one attempt in both", r.attempts, r.ended)
	}
	return r.ended[0]
}

func TestAnAttemptIsSettledByWhatTheProviderReports(t *testing.T) {
	for _, stream := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			used := desk.Usage{Prompt: 1000, Completion: 100, Cached: 800}
			p := provider(outcome{after: time.Second, deltas: []string{"你好"}, usage: used})
			c := question(grant(r))
			c.Stream = stream
			mustText(t, gatewayOf(t, r, paid("acme", small, p)), c)
			row := r.only(t)
			if row.Usage != used || row.Cost != 30+60+60 || !row.Priced || row.Failure != "" {
				t.Errorf("row = %+v", row)
			}
			if row.PromptLength != len("Answer.Where is my parcel?") || row.ResponseLength != 2 || row.Latency != time.Second {
				t.Errorf("lengths %d and %d, latency %s", row.PromptLength, row.ResponseLength, row.Latency)
			}
			if row.Worst < row.Cost-row.Cost/2 || r.begun[0].ID != row.ID || row.Purpose != desk.PurposeAnswer {
				t.Errorf("worst %d, intent %+v", row.Worst, r.begun[0])
			}
			var want []string
			if stream {
				want = []string{"first delta gpt-4o-mini 1s"}
			}
			equal(t, "events", r.heard(), want)
		})
	}
}

func TestAnAttemptEndsWithItsStream(t *testing.T) {
	cut := &llm.Failure{Kind: llm.Cut, Err: llm.ErrCut}
	tests := []struct {
		name    string
		outcome outcome
		read    int // deltas before Close; -1: to the end
		failure string
		length  int
		owed    bool // estimated from above
	}{
		{"read to its end", outcome{deltas: []string{"a", "bc"}, usage: desk.Usage{Prompt: 3, Completion: 2}}, -1, "", 3, false},
		{"cut", outcome{deltas: []string{"a", "bc"}, end: cut}, -1, "cut", 3, true},
		{"closed early", outcome{deltas: []string{"a", "bc"}}, 1, "cancelled", 1, true},
		{"overloaded on the way", outcome{deltas: []string{"a"}, end: &llm.Failure{Kind: llm.Unavailable}}, -1, "unavailable", 1, true},
		{"refused on the way", outcome{deltas: []string{"a"}, end: &llm.Failure{Kind: llm.Refused}}, -1, "content_refused", 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			c := question(grant(r))
			c.Stream, c.MaxTokens = true, 700
			reply, err := gatewayOf(t, r, paid("acme", small, provider(tt.outcome))).Start(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for range tt.read {
				reply.Next()
			}
			if tt.read < 0 {
				reply.Text()
			}
			reply.Close()
			reply.Close()
			row := r.only(t)
			if row.Failure != tt.failure || row.ResponseLength != tt.length || row.Usage.Estimated != tt.owed {
				t.Errorf("row = %+v", row)
			}
			if tt.owed && (row.Usage.Completion != 700 || row.Usage.Prompt == 0 || row.Cost == 0 || row.Cost > row.Worst) {
				t.Errorf("usage %+v, cost %d, worst %d, want a bound below the worst case", row.Usage, row.Cost, row.Worst)
			}
		})
	}
}

func TestTheTimeBetweenDeltasIsToldAsTheyArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		c := question(grant(r))
		c.Stream = true
		p := provider(outcome{after: time.Second, deltas: []string{"a", "b", "c"}, pause: 20 * time.Millisecond})
		reply, err := gatewayOf(t, r, paid("acme", small, p)).Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, err = reply.Next(); err == nil; _, err = reply.Next() {
		}
		equal(t, "gaps", r.gaps, []time.Duration{20 * time.Millisecond, 20 * time.Millisecond}) // the end is no delta
	})
}

func TestWhatAFailureMayCost(t *testing.T) {
	for _, kind := range llm.FailureKinds {
		for _, status := range []int{0, 400} {
			r := &recorder{}
			p := provider(outcome{err: &llm.Failure{Kind: kind, Status: status}})
			a := grant(r, func(g *llm.Grant) { g.Attempts = 1 })
			gatewayOf(t, r, paid("acme", small, p)).Start(t.Context(), question(a))
			row := r.only(t)
			var owed bool
			switch kind {
			case llm.TimedOut, llm.Cancelled, llm.Cut, llm.InvalidReply, llm.Unknown:
				owed = true
			case llm.Refused:
				owed = status == 0
			}
			if row.Failure != string(kind) || row.Usage.Estimated != owed || (row.Cost > 0) != owed || row.Cost > row.Worst {
				t.Errorf("%s with status %d: %+v, want owed %t", kind, status, row, owed)
			}
		}
	}
}

func TestUsageThatIsNotReportedIsCounted(t *testing.T) {
	for _, stream := range []bool{false, true} {
		r := &recorder{}
		c := question(grant(r))
		c.Stream = stream
		mustText(t, gatewayOf(t, r, paid("acme", small, provider(outcome{deltas: []string{"It is on its way."}}))), c)
		row := r.only(t)
		if want := token.Count(small, "It is on its way."); !row.Usage.Estimated || row.Usage.Completion != want || row.Usage.Prompt < 10 {
			t.Errorf("usage = %+v, want %d completion tokens, estimated", row.Usage, want)
		}
	}
}

func TestAModelWithoutPriceIsUnpricedNotFree(t *testing.T) {
	r := &recorder{}
	g := gatewayOf(t, r, paid("house", third, provider(answers("x"))), paid("acme", small, provider(answers("y"))))
	mustText(t, g, question(grant(r)))
	if row := r.only(t); row.Priced || row.Cost != 0 {
		t.Errorf("row = %+v, want unpriced", row)
	}
	r = &recorder{}
	g = gatewayOf(t, r, paid("house", third, provider(answers("x"))), paid("acme", small, provider(answers("y"))))
	capped := grant(r, func(g *llm.Grant) { g.Capped, g.Held = true, 1_000_000 })
	if reply, _ := mustText(t, g, question(capped)); reply.Model != small {
		t.Errorf("under a budget %s answered, want the priced model", reply.Model)
	}
}

func TestTheWorstCaseBoundsWhatAPromptCosts(t *testing.T) {
	texts := []string{"Items may be returned within 30 days.", "商品可在签收后30天内退货。", "SKU AB-1203/§4 «x» — 😀"}
	for _, model := range []string{small, "gpt-4", large} {
		p := llm.Prompt{System: "Answer from the sources.", Question: "多久可以退货？ And who pays?", Lang: desk.Chinese}
		for range 6 {
			for _, text := range texts {
				p.Sources = append(p.Sources, desk.Passage{
					Title: "Returns 退货", URL: "https://example.com/退货",
					Chunk: desk.Chunk{Heading: "A › B", Text: text, Tokens: token.Count("", text)},
				})
				_, bound := measure(model, p)
				exact := 0
				for _, m := range p.Messages() {
					exact += token.Count(model, m.Text) + 8
				}
				if bound < exact {
					t.Errorf("%s: bound %d on %d sources, below the %d tokens sent", model, bound, len(p.Sources), exact)
				}
			}
		}
	}
}

func TestTheWorstCaseCountsToolsAndTheirResults(t *testing.T) {
	c := llm.Call{Model: small, Prompt: llm.Prompt{System: "Use tools.", Question: "我的订单10023到哪里了？"}}
	for n := range 4 {
		c.Tools = append(c.Tools, llm.ToolSpec{Name: "order_status", Description: "Looks an order up. 查询订单。", Parameters: []byte(`{"type":"object","properties":{"order_id":{"type":"string"}}}`)})
		c.Prompt.Rounds = append(c.Prompt.Rounds, llm.ToolRound{
			Calls:   []llm.ToolCall{{ID: "call_1", Name: "order_status", Arguments: `{"order_id":"10023"}`}},
			Results: []llm.ToolResult{{Call: "call_1", Title: "订单状态", Text: "- summary_zh: 订单 LN20410023 已发货，预计2026年3月7日前送达。"}},
		})
		before, _ := measure(c.Model, c.Prompt)
		length, bound := measure(c.Model, c.Prompt)
		length, bound = measureTools(length, bound, c)
		exact := (&bill{call: c}).promptTokens()
		if bound < exact || length <= before {
			t.Errorf("%d rounds: bound %d below %d tokens, or %d characters", n+1, bound, exact, length)
		}
	}
}
