package route

import (
	"slices"

	"kefu/internal/desk"
)

// Sources of labels that come from operations.
const (
	SourceEscalated = desk.RouteEscalated // the simple answer found no support, the complex one did
	SourceRated     = "rated"             // by who asked
)

// LabelOf is what became of a question, as a lesson for the router; false where
// it teaches nothing. What the simple route could not support and the complex
// one could was complex, and so is what a customer calls answered incompletely;
// a simple answer that was liked was rightly simple. Nothing is learned from
// routes that the caller chose, pleasantries, tools and caches.
func LabelOf(r desk.Record, said []desk.Feedback) (Example, bool) {
	if r.Answer.Trace == nil || len(r.Answer.Trace.Routes) == 0 || r.Answer.Outcome != desk.Answered {
		return Example{}, false
	}
	routes := r.Answer.Trace.Routes
	if first := routes[0]; first.Kind != desk.Simple || first.Reason == desk.RouteRequested || first.Pleasantry {
		return Example{}, false
	}
	e := Example{Text: string(r.Question.Text), Source: SourceRated}
	if alone := r.Answer.Trace.Standalone; alone != "" {
		e.Text = string(alone)
	}
	rated := func(as desk.Rating) bool {
		return slices.ContainsFunc(said, func(f desk.Feedback) bool { return f.Rating == as })
	}
	switch {
	case routes[len(routes)-1].Reason == desk.RouteEscalated:
		e.Kind, e.Source = desk.Complex, SourceEscalated
	case slices.ContainsFunc(said, func(f desk.Feedback) bool { return f.Reason == desk.FeedbackIncomplete }):
		e.Kind = desk.Complex
	case rated(desk.RatedUp) && !rated(desk.RatedDown):
		e.Kind = desk.Simple
	default:
		return Example{}, false
	}
	return e, true
}
