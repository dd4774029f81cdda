package answer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/retrieval"
)

// away is an index of vectors that may not be reached.
type away struct{ err error }

func (a *away) Nearest(_ context.Context, _ []float32, _ int, keys []string) (nearest, others []retrieval.Similar, err error) {
	for _, key := range keys {
		others = append(others, retrieval.Similar{Key: key, Cosine: 0.5})
	}
	return nil, others, a.err
}

func TestWithoutTheIndexOfVectorsWordsFindTheAnswer(t *testing.T) {
	for _, router := range []fixedRoute{simple, complex} {
		index := &away{err: errors.New("connection refused")}
		s := open(t, router, func(cfg *answer.Config, _ *answer.Parts) { cfg.Abstain = 0.01 })
		s.library.vectors = index
		s.library.publish("returns", "Returns", "You can return most items within 30 days of delivery, unused.")
		s.knowledge = knowledge.New(s.library, "flat", retrieval.DefaultConfig())
		s.Service.Knowledge = s.knowledge
		s.catchUp()
		for range 2 { // what was found so is not kept
			if a := s.ask("How many days do I have to return items?"); !a.Grounded || !a.Trace.ByWords || a.CacheTier != "" {
				t.Errorf("%v: %+v, want an answer found by words", router, a)
			}
		}
		if !slices.Equal(s.journal.lost, []string{"vectors", "vectors"}) {
			t.Errorf("%v: lost %q", router, s.journal.lost)
		}
		index.err = nil
		if a := s.ask("How many days do I have to return items?"); !a.Grounded || a.Trace.ByWords {
			t.Errorf("%v: once it is back: %+v", router, a)
		}
	}
}

func TestWhatEachOfSeveralQuestionsAsksIsFound(t *testing.T) {
	s := open(t, complex)
	for i := range 8 { // hold more words of the whole
		s.library.publish(desk.DocumentID(fmt.Sprint("tour-", i)), "Studio tours", fmt.Sprintf("A studio tour of hall %d is booked for a group of visitors and leaves in open cars from the garage.", i))
	}
	s.library.publish("parking", "Parking", "The garage opens for cars at six.")
	s.catchUp()
	s.ask("How is a studio tour of a hall booked for a group of visitors and when does the garage open for cars?")
	if !slices.ContainsFunc(s.model.last().Prompt.Sources, func(p desk.Passage) bool { return p.Document == "parking" }) {
		t.Errorf("sources = %+v, want the one on parking among them", s.model.last().Prompt.Sources)
	}
}

func TestAPassageThatOnlyOpensSectionsTakesThemAlong(t *testing.T) {
	for _, tt := range []struct {
		route fixedRoute
		want  []string // behind the overview
		most  int      // passages
	}{
		{simple, []string{"Show your passport."}, 2},
		{complex, []string{"Show your passport.", "Sign the form."}, 6},
	} {
		s := open(t, tt.route)
		for i := range 4 { // rank between them
			s.library.publish(desk.DocumentID(fmt.Sprint("guide-", i)), "Boat hire guide", fmt.Sprintf("Boat hire at pier %d is cheap, as the boat hire guide says.", i))
		}
		s.library.publish("hire", "Boat hire", "Boat hire goes like this.", "Show your passport.", "Sign the form.", "Bring it back clean.")
		for i, heading := range []string{"Boat hire", "Boat hire › Before", "Boat hire › On the day", "Boat hire › After"} {
			s.library.items["hire"][i].Heading = heading
		}
		s.catchUp()
		s.ask("What about boat hire?")
		sources := s.model.calls[0].Prompt.Sources
		at := slices.IndexFunc(sources, func(p desk.Passage) bool { return p.Document == "hire" && p.Ordinal == 0 })
		var after []string
		for _, p := range sources[at+1:] {
			after = append(after, p.Text)
		}
		if len(sources) > tt.most || len(after) < len(tt.want) || !slices.Equal(after[:len(tt.want)], tt.want) {
			t.Errorf("%v: %d sources, after the overview %q, want at most %d and %q", tt.route, len(sources), after, tt.most, tt.want)
		}
	}
}
