package answer_test

import (
	"fmt"
	"slices"
	"testing"

	"kefu/internal/desk"
)

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
	for _, route := range []fixedRoute{simple, complex} {
		s := open(t, route)
		for i := range 4 { // rank between them
			s.library.publish(desk.DocumentID(fmt.Sprint("guide-", i)), "Boat hire guide", fmt.Sprintf("Boat hire at pier %d is cheap, as the boat hire guide says.", i))
		}
		s.library.publish("hire", "Boat hire", "Boat hire goes like this.", "Show your passport.", "Sign the form.", "Bring it back clean.")
		for i, heading := range []string{"Boat hire", "Boat hire › Before", "Boat hire › On the day", "Boat hire › After"} {
			s.library.items["hire"][i].Heading = heading
		}
		s.catchUp()
		s.ask("How does boat hire go?")
		var after []string
		for i, p := range s.model.last().Prompt.Sources {
			if p.Document == "hire" && p.Ordinal == 0 {
				for _, next := range s.model.last().Prompt.Sources[i+1 : i+3] {
					after = append(after, next.Text)
				}
			}
		}
		if want := []string{"Show your passport.", "Sign the form."}; !slices.Equal(after, want) {
			t.Errorf("%v: sources after the overview = %q, want %q", route, after, want)
		}
	}
}
