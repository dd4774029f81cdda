package admission

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kefu/internal/desk"
)

// Whatever happens, in whatever order: the counts are those of what is there,
// and nobody waits who could be let in.
func TestTheGateNeverMiscounts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		g := New(Config{Concurrency: rapid.IntRange(1, 8).Draw(r, "places"), Queue: 1, Wait: time.Hour}, nobody{})
		g.least = 1
		var inside []Place
		type waiting struct {
			of *tenant
			w  *waiter
		}
		var line []waiting
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0, 1, 2: // somebody asks
				id := desk.TenantID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "tenant"))
				batch := rapid.Bool().Draw(r, "batch")
				gone, leave := context.WithCancel(context.Background())
				leave() // does not stay to wait
				before := g.State()
				p, err := g.Enter(gone, id, batch)
				switch refused, ok := errors.AsType[*desk.Error](err); {
				case err == nil:
					inside = append(inside, p)
				case ok && refused.Kind == desk.Overloaded && refused.RetryAfter > 0, errors.Is(err, context.Canceled):
					if now := g.State(); now.Inside+now.Waiting != before.Inside+before.Waiting {
						r.Fatalf("%+v after one who did not stay, want as many as in %+v", now, before)
					}
				default:
					r.Fatal(err)
				}
				if errors.Is(err, context.Canceled) && rapid.Bool().Draw(r, "stays") {
					t := g.tenants[id]
					g.move(t, 0, 1)
					line = append(line, waiting{t, g.enqueue(t)})
				}
			case 3: // somebody leaves
				if len(inside) > 0 {
					i := rapid.IntRange(0, len(inside)-1).Draw(r, "who")
					inside[i].Leave()
					inside = append(inside[:i], inside[i+1:]...)
				}
			case 4:
				g.adapt(time.Duration(rapid.IntRange(0, 1).Draw(r, "busy")) * time.Second)
			case 5:
				g.turn()
			}
			still := line[:0]
			for _, l := range line { // who was let in is inside
				select {
				case <-l.w.let:
					inside = append(inside, Place{gate: g, tenant: l.of})
				default:
					still = append(still, l)
				}
			}
			line = still
			g.check(r, len(inside), len(line))
		}
	})
}

// check compares what is counted with what is there.
func (g *Gate) check(r *rapid.T, inside, waiting int) {
	sum, queued, kept := 0, 0, 0
	for _, t := range g.tenants {
		sum += t.inside
		queued += len(t.queue)
		kept += t.keeps(g.share)
		if t.waiting != len(t.queue) {
			r.Fatalf("a tenant counts %d that wait, of %d", t.waiting, len(t.queue))
		}
		if len(t.queue) > 0 && g.open(t) {
			r.Fatalf("%d wait for a place that they may have: %+v, share %d, %d kept", len(t.queue), g.state, g.share, g.kept)
		}
	}
	if g.state.Inside != inside || sum != inside || g.state.Waiting != waiting || queued != waiting || g.kept != kept {
		r.Fatalf("state %+v, %d inside, %d queued, %d kept; want %d, %d and %d", g.state, sum, queued, g.kept, inside, waiting, kept)
	}
}
