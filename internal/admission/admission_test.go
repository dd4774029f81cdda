package admission_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/admission"
	"kefu/internal/desk"
)

// journal is an admission.Observer.
type journal struct {
	mu      sync.Mutex
	refused map[string]int
	waited  []time.Duration
}

func (j *journal) Refused(reason string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refused == nil {
		j.refused = map[string]int{}
	}
	j.refused[reason]++
}

func (j *journal) Waited(took time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waited = append(j.waited, took)
}

// door is a gate of which a test knows who went through.
type door struct {
	*admission.Gate
	t       *testing.T
	journal *journal
	asked   sync.WaitGroup
	mu      sync.Mutex
	in      []string
	refused []error
}

// guarded runs f with a gate, in a bubble whose time is not real.
func guarded(t *testing.T, cfg admission.Config, f func(*door)) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{t: t, journal: &journal{}}
		d.Gate = admission.New(cfg, d.journal)
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- d.Run(ctx) }()
		f(d)
		d.asked.Wait()
		if s := d.State(); s.Inside != 0 || s.Waiting != 0 {
			t.Errorf("at the end %+v, want nobody", s)
		}
		stop()
		<-ran
	})
}

// ask has a question of a tenant come in for a time, and waits until it is
// inside, in the queue or refused.
func (d *door) ask(tenant desk.TenantID, name string, nobody bool, stays time.Duration) {
	d.asked.Go(func() {
		place, err := d.Enter(d.t.Context(), tenant, nobody)
		d.mu.Lock()
		if err != nil {
			d.refused = append(d.refused, err)
			d.mu.Unlock()
			return
		}
		d.in = append(d.in, name)
		d.mu.Unlock()
		time.Sleep(stays)
		place.Leave()
	})
	synctest.Wait()
}

func (d *door) entered() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.in)
}

func (d *door) want(what string, want ...string) {
	d.t.Helper()
	got := d.entered()
	if !slices.Equal(got, want) {
		d.t.Errorf("%s: %v went in, want %v", what, got, want)
	}
}

// sleep lets time pass, and everything happen that is then due.
func (d *door) sleep(long time.Duration) {
	time.Sleep(long)
	synctest.Wait()
}

func TestWhatFindsNoPlaceWaitsAndTheRestIsRefusedAtOnce(t *testing.T) {
	guarded(t, admission.Config{Concurrency: 4, Queue: 0.5, Wait: time.Minute}, func(d *door) {
		for i, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			d.ask("shop", name, false, time.Duration(10+i)*time.Second)
		}
		d.want("at once", "a", "b", "c", "d")
		if s := d.State(); s != (admission.State{Places: 4, Inside: 4, Waiting: 2}) {
			t.Errorf("state = %+v", s)
		}
		var refused *desk.Error
		if len(d.refused) != 1 || !errors.As(d.refused[0], &refused) || refused.Kind != desk.Overloaded || refused.Code != "overloaded" || refused.RetryAfter < time.Second {
			t.Errorf("refused = %v, want one with a time to come again", d.refused)
		}
		d.sleep(11 * time.Second)
		d.want("when places were left", "a", "b", "c", "d", "e", "f")
		if d.journal.refused[admission.Overload] != 1 || len(d.journal.waited) != 2 || d.journal.waited[0] != 10*time.Second {
			t.Errorf("told %+v", d.journal)
		}
	})
}

func TestARefusalSaysWhenTheQueueWillBeWorkedOff(t *testing.T) {
	guarded(t, admission.Config{Concurrency: 2, Queue: 2, Wait: time.Minute}, func(d *door) {
		d.ask("shop", "before", false, 8*time.Second)
		d.sleep(9 * time.Second)
		for range 7 {
			d.ask("shop", "", false, 8*time.Second)
		}
		var refused *desk.Error
		if len(d.refused) != 1 || !errors.As(d.refused[0], &refused) || refused.RetryAfter != 20*time.Second { // with it 5 wait, 2 at a time, for 8 s each
			t.Errorf("refused = %+v, want one, and 20 s", d.refused)
		}
	})
}

func TestABatchTakesAFreePlaceAndDoesNotWait(t *testing.T) {
	guarded(t, admission.Config{Concurrency: 2, Queue: 2, Wait: time.Minute}, func(d *door) {
		d.ask("shop", "batch 1", true, time.Second)
		d.ask("shop", "question 1", false, 2*time.Second)
		d.ask("shop", "batch 2", true, time.Second)
		d.ask("shop", "question 2", false, 2*time.Second)
		if n := d.journal.refused[admission.Batch]; n != 1 || len(d.refused) != 1 {
			t.Errorf("refused = %d batches, want 1", n)
		}
		d.sleep(1500 * time.Millisecond)
		d.ask("shop", "batch 3", true, time.Second)
		d.sleep(time.Second)
		d.ask("shop", "batch 4", true, time.Second)
		d.want("in the end", "batch 1", "question 1", "question 2", "batch 4")
	})
}

func TestOneThatWaitsForTooLongIsRefused(t *testing.T) {
	guarded(t, admission.Config{Concurrency: 1, Queue: 1, Wait: 2 * time.Second}, func(d *door) {
		d.ask("shop", "long", false, 10*time.Second)
		d.ask("shop", "late", false, time.Second)
		d.sleep(2*time.Second - time.Millisecond)
		if s := d.State(); s.Waiting != 1 {
			t.Errorf("state = %+v, want one that waits", s)
		}
		d.sleep(2 * time.Millisecond)
		if s := d.State(); s.Waiting != 0 || len(d.refused) != 1 || d.journal.refused[admission.Late] != 1 {
			t.Errorf("state = %+v, refused %v", s, d.refused)
		}
	})
}

func TestWhoLeavesTheQueueTakesNoPlace(t *testing.T) {
	guarded(t, admission.Config{Concurrency: 1, Queue: 2, Wait: time.Minute}, func(d *door) {
		d.ask("shop", "first", false, 5*time.Second)
		ctx, leave := context.WithCancel(d.t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := d.Enter(ctx, "shop", false)
			left <- err
		}()
		synctest.Wait()
		d.ask("shop", "second", false, time.Second)
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("left with %v", err)
		}
		d.sleep(5*time.Second + time.Millisecond)
		d.want("next", "first", "second")
	})
}

func TestATenantAloneHasAllPlaces(t *testing.T) {
	guarded(t, admission.Config{Concurrency: 10, Wait: time.Minute}, func(d *door) {
		d.ask("quiet", "", false, time.Second)
		time.Sleep(2 * time.Minute) // forgotten
		for range 10 {
			d.ask("noisy", "", false, time.Second)
		}
		if s := d.State(); s.Inside != 10 {
			t.Errorf("state = %+v, want all places in use", s)
		}
	})
}

func TestWhatATenantWantedLatelyIsKeptForIt(t *testing.T) {
	guarded(t, admission.Config{Concurrency: 10, Queue: 1, Wait: time.Minute}, func(d *door) {
		for range 3 { // at a time
			d.ask("quiet", "quiet", false, time.Second)
		}
		d.sleep(2 * time.Second)
		for range 50 {
			d.ask("noisy", "noisy", false, time.Minute)
		}
		if s := d.State(); s.Inside != 7 || s.Waiting != 5 || d.journal.refused[admission.Tenant] != 38 {
			t.Errorf("state = %+v, refused %v; want 3 places and half of the queue for the other", s, d.journal.refused)
		}
		before := len(d.entered())
		for range 3 {
			d.ask("quiet", "quiet", false, time.Second)
		}
		if n := len(d.entered()) - before; n != 3 {
			t.Errorf("%d of 3 questions of the quiet tenant went in", n)
		}
		d.ask("quiet", "quiet", false, time.Second) // more than lately: it waits, but is not refused
		if s := d.State(); s.Inside != 10 || s.Waiting != 6 {
			t.Errorf("state = %+v, want one more in the queue", s)
		}
	})
}

func TestFreedPlacesGoToTheTenantWithTheFewest(t *testing.T) {
	guarded(t, admission.Config{Concurrency: 4, Queue: 2, Wait: time.Minute}, func(d *door) {
		for i := range 4 {
			d.ask("noisy", "noisy", false, time.Duration(i+1)*time.Second)
		}
		d.ask("noisy", "noisy again", false, time.Second)
		d.ask("quiet", "quiet", false, time.Second)
		d.sleep(1500 * time.Millisecond)
		d.want("next", "noisy", "noisy", "noisy", "noisy", "quiet")
	})
}

func TestANilGateLetsEveryoneIn(t *testing.T) {
	var g *admission.Gate
	place, err := g.Enter(t.Context(), "shop", true)
	if err != nil {
		t.Error(err)
	}
	place.Leave()
}

func BenchmarkEnterAndLeave(b *testing.B) {
	g := admission.New(admission.Config{Concurrency: 1000, Queue: 0.5, Wait: time.Second}, &journal{})
	b.ReportAllocs()
	for b.Loop() {
		p, err := g.Enter(b.Context(), "shop", false)
		if err != nil {
			b.Fatal(err)
		}
		p.Leave()
	}
}
