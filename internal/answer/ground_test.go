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
