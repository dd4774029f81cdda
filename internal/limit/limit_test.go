package limit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/limit"
)

func TestACallerGetsTheirRateAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(60)
		defer l.Close()
		allowed := func() int {
			n := 0
			for range 100 {
				if _, ok := l.Allow("a"); ok {
					n++
				}
			}
			return n
		}
		if n := allowed(); n != 60 {
			t.Errorf("first burst = %d, want 60", n)
		}
		wait, ok := l.Allow("a")
		if ok || wait <= 0 || wait > time.Second {
			t.Errorf("wait = %v, %v, want up to 1 s", wait, ok)
		}
		if _, ok := l.Allow("b"); !ok {
			t.Error("another caller was refused")
		}
		time.Sleep(10 * time.Second)
		if n := allowed(); n != 10 {
			t.Errorf("after ten seconds = %d, want 10", n)
		}
	})
}

func TestConcurrentRequestsNeverExceedTheRate(t *testing.T) {
	l := limit.New(50)
	defer l.Close()
	var n atomic.Int32
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			if _, ok := l.Allow("a"); ok {
				n.Add(1)
			}
		})
	}
	wg.Wait()
	if n.Load() < 50 || n.Load() > 52 { // a slow machine may earn a token or two meanwhile
		t.Errorf("allowed = %d, want 50", n.Load())
	}
}
