package desk

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestIdentifiersSortByTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last := NewAnswerID()
		for range 1000 {
			time.Sleep(time.Millisecond)
			next := NewAnswerID()
			if next <= last {
				t.Fatalf("%s came after %s", next, last)
			}
			last = next
		}
	})
}

func TestIdentifiersOfOneMomentDiffer(t *testing.T) {
	seen := map[AttemptID]bool{}
	for range 10_000 {
		id := NewAttemptID()
		if seen[id] || len(id) != len("att_")+26 {
			t.Fatalf("%s is not unique or not as long as the others", id)
		}
		seen[id] = true
	}
}
