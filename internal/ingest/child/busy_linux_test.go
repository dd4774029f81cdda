package child

import (
	"errors"
	"testing"
)

// On a busy machine a process of low priority waits for long; that is none
// of its request's doing.
func TestOnlyProcessorTimeMakesARequestOverdue(t *testing.T) {
	p := New(1, again)
	defer p.Close()
	if err := p.Do(t.Context(), little, order{Deed: "wait"}, new(result)); err != nil {
		t.Errorf("a request that had no processor for longer than its limit: %v", err)
	}
}

func TestARequestThatOnlyWaitsIsOverdueInTheEnd(t *testing.T) {
	p := New(1, again)
	defer p.Close()
	if err := p.Do(t.Context(), little/slowest, order{Deed: "wait"}, new(result)); !errors.Is(err, ErrOverdue) {
		t.Errorf("error = %v, want that it is overdue", err)
	}
}
