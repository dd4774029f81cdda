package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

// run starts an owner's loop and returns what ends and awaits it.
func run(t *testing.T, loop func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- loop(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func entries(t *testing.T, db *store.DB) map[desk.AttemptID]store.Entry {
	t.Helper()
	list, err := db.Ledger().List(t.Context(), tenant, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	byID := make(map[desk.AttemptID]store.Entry)
	for _, e := range list {
		byID[e.ID] = e
	}
	return byID
}

func TestABegunAttemptCountsAtItsWorstCaseUntilItEnds(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		stop := run(t, db.Ledger().Run)
		a := attempt("1")
		if err := db.Ledger().Begin(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		begun := a
		begun.Cost, begun.Usage.Estimated = a.Worst, true
		if got := entries(t, db)[a.ID]; got.Attempt != begun || got.Ended {
			t.Errorf("begun = %+v\nwant %+v", got, begun)
		}
		db.Ledger().End(ended(a))
		stop()
		if got := entries(t, db)[a.ID]; got.Attempt != ended(a) || !got.Ended {
			t.Errorf("ended = %+v\nwant %+v", got, ended(a))
		}
	})
}

func TestANotedAttemptIsInTheLedgerSoonAndOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		stop := run(t, db.Ledger().Run)
		open, quick := attempt("open"), attempt("quick")
		db.Ledger().Note(open)
		db.Ledger().Note(quick)
		db.Ledger().End(ended(quick))
		stop()
		got := entries(t, db)
		if len(got) != 2 || got[open.ID].Ended || got[open.ID].Cost != open.Worst {
			t.Errorf("a noted attempt under way = %+v, want it at its worst case", got[open.ID])
		}
		if got[quick.ID].Attempt != ended(quick) || !got[quick.ID].Ended {
			t.Errorf("a noted attempt that ended = %+v", got[quick.ID])
		}
	})
}

func TestTheLedgerHoldsEveryAttemptOfManyCallersOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		ledger := db.Ledger()
		stop := run(t, ledger.Run)
		const callers, each = 200, 10
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				for n := range each {
					a := attempt(fmt.Sprintf("%d-%d", c, n))
					if err := ledger.Begin(t.Context(), a); err != nil {
						t.Error(err)
						return
					}
					if n%5 == 0 {
						continue // crashed before its end
					}
					e := ended(a)
					e.Cost = desk.MicroUSD(c*each + n)
					ledger.End(e)
				}
			})
		}
		wg.Wait()
		stop()
		got := entries(t, db)
		if len(got) != callers*each {
			t.Fatalf("%d rows, want %d", len(got), callers*each)
		}
		for c := range callers {
			for n := range each {
				e := got[attempt(fmt.Sprintf("%d-%d", c, n)).ID]
				want := desk.MicroUSD(c*each + n)
				if n%5 == 0 {
					want = 900
				}
				if e.Cost != want || e.Ended == (n%5 == 0) {
					t.Fatalf("attempt %d-%d = %+v, want cost %d", c, n, e, want)
				}
			}
		}
	})
}

func TestABeginThatWasGivenUpLeavesNoRow(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := db.Ledger().Begin(ctx, attempt("left")); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("begin without a writer = %v, want the deadline", err)
		}
		stop := run(t, db.Ledger().Run)
		if err := db.Ledger().Begin(t.Context(), attempt("stayed")); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := entries(t, db); len(got) != 1 || got["att_stayed"].ID == "" {
			t.Errorf("rows = %v, want att_stayed alone", got)
		}
	})
}

func TestAFailingLedgerRefusesToBeginAndKeepsWhatEnded(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		stop := run(t, db.Ledger().Run)
		begun := attempt("begun")
		if err := db.Ledger().Begin(t.Context(), begun); err != nil {
			t.Fatal(err)
		}
		db.Exec(t, `ALTER TABLE attempts RENAME TO hidden`)
		if err := db.Ledger().Begin(t.Context(), attempt("refused")); err == nil {
			t.Error("an attempt began without a ledger")
		}
		never := attempt("never-begun") // an answer without a cap goes on
		db.Ledger().End(ended(begun))
		db.Ledger().End(ended(never))
		if err := db.Ledger().Begin(t.Context(), attempt("refused with them")); err == nil {
			t.Error("an attempt began without a ledger")
		}
		db.Exec(t, `ALTER TABLE hidden RENAME TO attempts`)
		stop()
		got := entries(t, db)
		if len(got) != 2 || got[begun.ID].Attempt != ended(begun) || got[never.ID].Attempt != ended(never) {
			t.Errorf("rows = %+v, want the two that ended", got)
		}
	})
}

func TestAnAttemptThatCannotBeSavedIsInTheLog(t *testing.T) {
	var log bytes.Buffer
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir(), Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run(t, db.Ledger().Run)()
	db.Ledger().End(ended(attempt("late")))
	if !strings.Contains(log.String(), `"ledger_spill"`) || !strings.Contains(log.String(), `"cost":410`) {
		t.Errorf("log = %s, want the row", log.String())
	}
	if err := db.Ledger().Begin(t.Context(), attempt("later")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("begin = %v, want ErrClosed", err)
	}
}

func TestAttemptsThatCannotBeSavedAtShutdownAreInTheLog(t *testing.T) {
	var log bytes.Buffer
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir(), Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.Ledger().End(ended(attempt("1")))
	db.Ledger().End(ended(attempt("2")))
	db.Exec(t, `DROP TABLE attempts`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Ledger().Run(ctx); err == nil {
		t.Error("run says that all was saved")
	}
	if n := strings.Count(log.String(), `"ledger_spill"`); n != 2 {
		t.Errorf("%d rows in the log, want 2: %s", n, log.String())
	}
}
