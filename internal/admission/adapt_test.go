package admission

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

type nobody struct{}

func (nobody) Refused(string)       {}
func (nobody) Waited(time.Duration) {}

// full is a gate of 1,000 places, of which 100 are there in any case, with so
// many inside.
func full(t *testing.T, inside int) *Gate {
	t.Helper()
	g := New(Config{Concurrency: 1000}, nobody{})
	g.least = 100
	for range inside {
		if _, err := g.Enter(t.Context(), "shop", false); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func TestPlacesFollowTheProcessors(t *testing.T) {
	g := full(t, 800)
	g.adapt(tolerated)
	if g.state.Places != 1000 {
		t.Errorf("places = %d while goroutines wait no longer than they may", g.state.Places)
	}
	g.adapt(2 * tolerated)
	if g.state.Places != 720 {
		t.Errorf("places = %d, want a tenth less than are in use", g.state.Places)
	}
	g.adapt(0)
	if g.state.Places != 757 {
		t.Errorf("places = %d, want a twentieth more", g.state.Places)
	}
	for range 100 {
		g.adapt(0)
	}
	if g.state.Places != 1000 {
		t.Errorf("places = %d in the end, want all", g.state.Places)
	}
}

func TestSomePlacesAreAlwaysThere(t *testing.T) {
	g := full(t, 110)
	for range 10 {
		g.adapt(time.Second)
	}
	if g.state.Places != 100 {
		t.Errorf("places = %d, want 100", g.state.Places)
	}
	g = full(t, 50) // others keep the processors busy
	g.adapt(time.Second)
	if g.state.Places != 1000 {
		t.Errorf("places = %d where few are inside, want all", g.state.Places)
	}
}

func TestWaitsForAProcessorAreMeasured(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const goroutines, spin = 400, time.Millisecond // the runtime looks at one of eight
	w := newWaits()
	var done sync.WaitGroup
	for range goroutines {
		done.Go(func() {
			for began := time.Now(); time.Since(began) < spin; {
			}
		})
	}
	done.Wait()
	if waited := w.since(); waited < goroutines*spin/4 {
		t.Errorf("nine of ten waited up to %v, want about %v", waited, goroutines*spin*9/10)
	}
	if waited := w.since(); waited > goroutines*spin/4 {
		t.Errorf("afterwards %v, want what has happened since", waited)
	}
}
