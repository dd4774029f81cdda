package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestARecordedAnswerIsReadBackAsItWas(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		rec := store.NewRecorder(db.Answers(), quiet())
		stop := run(t, rec.Run)
		q, a := record("1")
		rec.Record(q, a)
		stop()
		got, err := db.Answers().Get(t.Context(), q.Scope, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, desk.Record{Question: q, Answer: a}) {
			t.Errorf("record = %+v\nwant %+v", got, desk.Record{Question: q, Answer: a})
		}
		_, err = db.Answers().Get(t.Context(), desk.Scope{Tenant: "other"}, a.ID)
		var problem *desk.Error
		if !errors.As(err, &problem) || problem.Kind != desk.NotFound || problem.Code != "answer_not_found" {
			t.Errorf("another tenant's get = %v, want answer_not_found", err)
		}
	})
}

func TestABatchWrittenAgainIsExact(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		var batch []desk.Record
		for i := range 90 {
			q, a := record(fmt.Sprint(i))
			batch = append(batch, desk.Record{Question: q, Answer: a})
		}
		for _, part := range [][]desk.Record{batch[:50], batch, batch} {
			if err := db.Answers().Write(t.Context(), part); err != nil {
				t.Fatal(err)
			}
		}
		if n := db.Count(t, "answers"); n != 90 {
			t.Errorf("%d answers, want 90", n)
		}
	})
}

func TestTextThatAnEngineRefusesIsCleaned(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		q, a := record("1")
		q.Text, a.Text = "nul \x00 here", "bad \xff here"
		if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
			t.Fatal(err)
		}
		got, err := db.Answers().Get(t.Context(), q.Scope, a.ID)
		if err != nil || got.Question.Text != "nul  here" || got.Answer.Text != "bad \uFFFD here" {
			t.Errorf("texts = %q, %q, %v", got.Question.Text, got.Answer.Text, err)
		}
	})
}

func TestAFullRecorderDropsAndCountsInsteadOfWaiting(t *testing.T) {
	db := engines["sqlite"](t)
	rec := store.NewRecorder(db.Answers(), quiet())
	const queue, more = 4096, 10
	for i := range queue + more { // nobody writes yet
		rec.Record(record(fmt.Sprint(i)))
	}
	if rec.Dropped() != more {
		t.Errorf("dropped %d, want %d", rec.Dropped(), more)
	}
	stop := run(t, rec.Run)
	// Saved before the end, which gives a slow machine no more than 5 s.
	for start := time.Now(); db.Count(t, "answers") < queue && time.Since(start) < time.Minute; {
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	if n := db.Count(t, "answers"); n != queue || rec.Dropped() != more {
		t.Errorf("%d answers and %d dropped, want %d and %d", n, rec.Dropped(), queue, more)
	}
}

func TestAnswersOfAnOutageAreSavedAfterIt(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		failed := make(logged, 1)
		rec := store.NewRecorder(db.Answers(), slog.New(slog.NewTextHandler(failed, nil)))
		db.Exec(t, `ALTER TABLE answers RENAME TO hidden`)
		stop := run(t, rec.Run)
		for i := range 150 {
			rec.Record(record(fmt.Sprint(i)))
		}
		<-failed
		db.Exec(t, `ALTER TABLE hidden RENAME TO answers`)
		stop()
		if n := db.Count(t, "answers"); n != 150 || rec.Dropped() != 0 {
			t.Errorf("%d answers, %d dropped, want 150 and 0", n, rec.Dropped())
		}
	})
}

func TestAnswersThatCannotBeSavedAtShutdownAreCounted(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		rec := store.NewRecorder(db.Answers(), quiet())
		for i := range 250 {
			rec.Record(record(fmt.Sprint(i)))
		}
		db.Exec(t, `DROP TABLE feedback`)
		db.Exec(t, `DROP TABLE handoffs`)
		db.Exec(t, `DROP TABLE answers`)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := rec.Run(ctx); err == nil {
			t.Error("run says that all was saved")
		}
		if rec.Dropped() != 250 {
			t.Errorf("dropped %d, want 250", rec.Dropped())
		}
	})
}

// logged is a writer that tells of its first line.
type logged chan struct{}

func (l logged) Write(line []byte) (int, error) {
	select {
	case l <- struct{}{}:
	default:
	}
	return len(line), nil
}
