package tool

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
)

// stuck is a tool that answers nobody.
type stuck struct {
	spec    Spec
	mu      sync.Mutex
	running int
	most    int
}

func (s *stuck) Spec() Spec { return s.spec }

func (s *stuck) Run(ctx context.Context, _ Input) (Result, error) {
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.running--
	s.mu.Unlock()
	return Result{}, ctx.Err()
}

func TestAToolThatHangsHoldsUpNoMoreThanItsPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{spec: Spec{
			Name: "stuck", Description: "hangs", Parameters: json.RawMessage(`{"type":"object"}`), Effect: Read,
			Timeout: time.Second, Parallel: 3,
		}}
		r := registry(t, s)
		start := time.Now()
		codes := make(chan string, 20)
		for range 20 {
			go func() {
				_, err := r.Call(t.Context(), "stuck", Input{})
				codes <- code(err)
			}()
		}
		counts := map[string]int{}
		for range 20 {
			counts[<-codes]++
		}
		if s.most > 3 || counts[CodeBusy] == 0 || counts[CodeBusy]+counts[CodeTimeout] != 20 || time.Since(start) > 2*time.Second {
			t.Errorf("%d at once, %v after %s", s.most, counts, time.Since(start))
		}
	})
}

func TestAWriteThatFoundNoPlaceWasNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{spec: Spec{
			Name: "stuck", Description: "hangs", Parameters: json.RawMessage(`{"type":"object"}`), Effect: Write,
			Confirm: Text{desk.English: "Do it?"}, Timeout: time.Second, Parallel: 1,
		}}
		r := registry(t, s)
		go r.Call(t.Context(), "stuck", Input{Key: "a"})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if _, err := r.Call(ctx, "stuck", Input{Key: "b"}); code(err) != CodeBusy {
			t.Errorf("error = %v, want %s", err, CodeBusy)
		}
		time.Sleep(time.Second)
	})
}
