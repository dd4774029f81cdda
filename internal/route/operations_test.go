package route_test

import (
	"testing"

	"kefu/internal/desk"
	"kefu/internal/route"
)

func TestWhatOperationsTeach(t *testing.T) {
	simple := desk.Route{Kind: desk.Simple, Reason: route.ReasonSingleFact}
	escalated := desk.Route{Kind: desk.Complex, Reason: desk.RouteEscalated}
	up := desk.Feedback{Rating: desk.RatedUp}
	incomplete := desk.Feedback{Rating: desk.RatedDown, Reason: desk.FeedbackIncomplete}
	tests := []struct {
		name    string
		outcome desk.Outcome
		routes  []desk.Route
		said    []desk.Feedback
		kind    desk.RouteKind // empty: nothing
		source  string
	}{
		{"what only the complex route could support was complex", desk.Answered, []desk.Route{simple, escalated}, nil, desk.Complex, route.SourceEscalated},
		{"what neither could teaches nothing", desk.Abstained, []desk.Route{simple, escalated}, nil, "", ""},
		{"a simple answer that was liked was rightly simple", desk.Answered, []desk.Route{simple}, []desk.Feedback{up}, desk.Simple, route.SourceRated},
		{"one that somebody else disliked is disputed", desk.Answered, []desk.Route{simple}, []desk.Feedback{up, {Rating: desk.RatedDown}}, "", ""},
		{"an incomplete simple answer was too simple", desk.Answered, []desk.Route{simple}, []desk.Feedback{up, incomplete}, desk.Complex, route.SourceRated},
		{"a wrong one may be wrong by its document", desk.Answered, []desk.Route{simple}, []desk.Feedback{{Rating: desk.RatedDown, Reason: desk.FeedbackWrong}}, "", ""},
		{"an answer that nobody rated teaches nothing", desk.Answered, []desk.Route{simple}, nil, "", ""},
		{"a complex answer may have been simple", desk.Answered, []desk.Route{{Kind: desk.Complex, Reason: route.ReasonSteps}}, []desk.Feedback{up}, "", ""},
		{"the caller's choice is not the question's", desk.Answered, []desk.Route{{Kind: desk.Simple, Reason: desk.RouteRequested}}, []desk.Feedback{up}, "", ""},
		{"thanks need no lesson", desk.Answered, []desk.Route{{Kind: desk.Simple, Pleasantry: true}}, []desk.Feedback{up}, "", ""},
		{"what came from the cache was not routed", desk.Answered, nil, []desk.Feedback{up}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := desk.Record{Question: desk.Question{Text: "and in Canada?"}}
			r.Answer = desk.Answer{Outcome: tt.outcome, Trace: &desk.Trace{Routes: tt.routes, Standalone: "How much is shipping in Canada?"}}
			got, ok := route.LabelOf(r, tt.said)
			if ok != (tt.kind != "") || got.Kind != tt.kind || got.Source != tt.source || ok && got.Text != "How much is shipping in Canada?" {
				t.Errorf("label = %+v, %v, want %q by %q of the question as it stands alone", got, ok, tt.kind, tt.source)
			}
		})
	}
}

// Questions about one thing that takes several facts here, however short.
var about = map[string][]string{
	"bundle": {
		"Price of the starter bundle?", "What is in the starter bundle?", "How long does the starter bundle take?",
		"Where is the starter bundle sold?", "Is the starter bundle refundable?", "Which starter bundle is cheapest?",
	},
	"套餐": {"入门套餐多少钱？", "入门套餐包括什么？", "入门套餐多久到？", "入门套餐哪里有卖？", "入门套餐能退吗？", "入门套餐怎么用？"},
}

func TestACorrectedRouterDecidesWhatWasNotLabelledToo(t *testing.T) {
	r := route.New()
	for _, questions := range about {
		labelled, other := questions[1:], questions[0]
		if got := r.Decide(other).Kind; got != desk.Simple {
			t.Fatalf("%s: %s before, want simple", other, got)
		}
		var examples []route.Example
		for _, q := range labelled {
			examples = append(examples, route.Example{Text: q, Kind: desk.Complex})
		}
		corrected := r.Corrected(examples)
		if got := corrected.Decide(other); got.Kind != desk.Complex {
			t.Errorf("%s: %+v after %d labels, want complex", other, got, len(labelled))
		}
		moved := 0
		for _, e := range route.Support() {
			if corrected.Decide(e.Text).Kind != r.Decide(e.Text).Kind {
				moved++
			}
		}
		if moved > 4 {
			t.Errorf("%d of 200 support questions are decided otherwise, want at most 4", moved)
		}
		if corrected.Version() == r.Version() || !corrected.Knows(labelled[0]) || !corrected.Knows("How do I reset my password?") {
			t.Error("the corrected router does not know what it learned from")
		}
	}
}
