package answer_test

import (
	"testing"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

func TestACallerMayChooseTheRoute(t *testing.T) {
	const question = "What does standard shipping cost?"
	for _, tt := range []struct {
		route desk.RouteKind
		tier  llm.Tier
	}{{desk.Simple, llm.Cheap}, {desk.Complex, llm.Strong}} {
		s := open(t, simple)
		a, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: question, Route: tt.route}, desk.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if a.Route.Kind != tt.route || a.Route.Reason != "requested" || s.model.last().Tier != tt.tier || !a.Grounded {
			t.Errorf("%s: route %+v, tier %s, grounded %v", tt.route, a.Route, s.model.last().Tier, a.Grounded)
		}
		if again := s.ask(question); again.CacheTier != "" {
			t.Errorf("%s: answered from the %s cache to a caller who chose no route", tt.route, again.CacheTier)
		}
	}
}

func TestAChosenRouteDoesNotEscalate(t *testing.T) {
	s := open(t, simple)
	s.model.reply = func(llm.Call) (string, error) { return "Shipping is free on the moon [1].", nil }
	a, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: "What does standard shipping cost?", Route: desk.Simple}, desk.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if s.model.count() != 1 || a.Route.Kind != desk.Simple || a.Handoff == nil {
		t.Errorf("%d calls, route %s, handoff %v; want one cheap call and a person", s.model.count(), a.Route.Kind, a.Handoff)
	}
}

func TestAPleasantryStaysOneOnAChosenRoute(t *testing.T) {
	s := open(t, hello)
	s.model.reply = func(llm.Call) (string, error) { return "你好！", nil }
	a, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: "你好", Route: desk.Complex}, desk.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if a.Route.Kind != desk.Complex || !a.Grounded || a.Handoff != nil || s.model.last().Tier != llm.Strong {
		t.Errorf("answer = %+v", a)
	}
}
