package e2e

import (
	"testing"
	"time"
)

// patience is how long a test waits for what is sure to come: it costs nothing
// where that comes sooner, and a busy machine is given its time.
const patience = 5 * time.Minute

const (
	// tries is how often a promised time is measured where the machine, which may
	// be busy with something else, spoils it.
	tries = 5
	// plainly is how many times what a command that only reads takes is let pass
	// beyond a promised time. On a quiet machine that is a fraction of a second.
	plainly = 3
)

// Late tells whether something has taken longer than was promised. What is
// promised holds for a quiet machine: on this one it may take longer by three
// times what a command takes now that only reads.
func (s *Site) Late(took, promised time.Duration) bool {
	s.t.Helper()
	if took <= promised {
		return false
	}
	began := time.Now()
	s.Must("kb", "status")
	plain := time.Since(began)
	s.t.Logf("%v, of which %v are promised; a command that only reads takes %v", took.Round(time.Millisecond), promised, plain.Round(time.Millisecond))
	return took > promised+plainly*plain
}

// Promptly fails the test when what took longer than was promised each time.
// Measure does it, as often as it is called, and returns how long it took.
func (s *Site) Promptly(what string, promised time.Duration, measure func() time.Duration) {
	s.t.Helper()
	for range tries {
		took := measure()
		if s.t.Failed() || !s.Late(took, promised) {
			s.t.Logf("%s: %v", what, took.Round(time.Millisecond))
			return
		}
	}
	s.t.Errorf("%s: later than %v each of %d times", what, promised, tries)
}

// Eventually asks fn until it returns true, and returns how long that took. It
// is patient: what has to come within some time is compared with what is
// returned.
func Eventually(t testing.TB, what string, fn func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !fn() {
		if time.Since(start) > patience {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond) // lets the server under test work
	}
	return time.Since(start)
}
