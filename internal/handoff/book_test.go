package handoff

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
)

// notes is a ledger in which handoffs appear some time after the first of them
// is looked for; the zero value has them all at once.
type notes struct {
	mu      sync.Mutex
	after   time.Duration
	first   time.Time
	away    bool
	missing map[desk.AnswerID]bool // for good
	kept    map[desk.AnswerID]desk.Delivery
	calls   int
}

func (n *notes) Told(_ context.Context, id desk.AnswerID, d desk.Delivery) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls++
	if n.first.IsZero() {
		n.first = time.Now()
	}
	if n.away {
		return false, errors.New("database is away")
	}
	if n.missing[id] || time.Since(n.first) < n.after {
		return false, nil
	}
	if n.kept == nil {
		n.kept = map[desk.AnswerID]desk.Delivery{}
	}
	n.kept[id] = d
	return true, nil
}

func (n *notes) state() (map[desk.AnswerID]desk.Delivery, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.kept), n.calls
}

func (n *notes) goes(away bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = away
}

func TestWhatBecameOfAPacketIsNotedOnceItsHandoffIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newWebhook(t, Config{URL: "https://desk.example/hook"})
		kept := &notes{after: 3 * time.Second, missing: map[desk.AnswerID]bool{"ans_gone": true}}
		w.book.ledger = kept
		w.client.Transport = &transport{script: []int{http.StatusOK, http.StatusForbidden, http.StatusOK}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		for _, id := range []desk.AnswerID{"ans_1", "ans_2", "ans_gone"} {
			w.Notify(Packet{Answer: id})
		}
		time.Sleep(2 * time.Minute) // of the bubble
		got, calls := kept.state()
		if want := map[desk.AnswerID]desk.Delivery{"ans_1": desk.Delivered, "ans_2": desk.Undelivered}; !maps.Equal(got, want) {
			t.Errorf("noted = %v, want %v", got, want)
		}
		if calls > 60 {
			t.Errorf("asked %d times: what is gone for good is not given up", calls)
		}
		kept.goes(true)
		w.Notify(Packet{Answer: "ans_3"})
		time.Sleep(10 * time.Second)
		kept.goes(false)
		time.Sleep(2 * time.Second)
		if got, _ := kept.state(); got["ans_3"] != desk.Delivered {
			t.Errorf("after the database was away, noted = %v", got)
		}
		w.Notify(Packet{Answer: "ans_4"}) // at the end
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got, _ := kept.state(); got["ans_4"] != desk.Delivered {
			t.Errorf("after the end, noted = %v", got)
		}
	})
}

func TestAStoppingWebhookDoesNotWaitLongForWhatIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newWebhook(t, Config{URL: "https://desk.example/hook"})
		w.book.ledger = &notes{missing: map[desk.AnswerID]bool{"ans_1": true}}
		w.client.Transport = &transport{script: []int{http.StatusOK}}
		w.Notify(Packet{Answer: "ans_1"})
		ctx, stop := context.WithCancel(t.Context())
		stop()
		start := time.Now()
		if err := w.Run(ctx); err != nil || time.Since(start) > 2*drain {
			t.Errorf("took %s, %v", time.Since(start), err)
		}
	})
}
