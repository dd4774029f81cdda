package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestWaitNoticesWhatAnotherProcessPublishes(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			noLeaks(t) // so not in parallel
			cfg := place(t)
			server, command := open(t, cfg), open(t, cfg)
			for n := range 3 {
				since, err := server.Documents().Revision(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				woken := make(chan error, 1)
				go func() { woken <- server.Documents().Wait(t.Context(), since) }()
				publish(t, command, []desk.Prepared{document("a", n+1, 0)})
				start := time.Now()
				if err := <-woken; err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took > 500*time.Millisecond {
					t.Errorf("noticed after %v, want within 0.5 s", took)
				}
			}
		})
	}
}

func TestWaitReturnsAtOnceWhenItMissedAPublish(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		publish(t, db, []desk.Prepared{document("a", 1, 0)})
		start := time.Now()
		if err := db.Documents().Wait(t.Context(), 0); err != nil || time.Since(start) > time.Second {
			t.Errorf("wait = %v after %v", err, time.Since(start))
		}
	})
}

func TestWaitGoesOnAfterItsConnectionIsCut(t *testing.T) {
	db := engines["postgresql"](t)
	docs := db.Documents()
	if err := waitBriefly(t, docs); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	db.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`)
	if err := waitBriefly(t, docs); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait on a cut connection = %v, want an error of the connection", err)
	}
	if err := waitBriefly(t, docs); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the next wait = %v, want it to listen again", err)
	}
}

func waitBriefly(t *testing.T, docs *store.Documents) error {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	return docs.Wait(ctx, 0)
}

func TestAPublisherWaitsForLiveReplicasOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		docs := db.Documents()
		join := func(replica string, rev desk.Revision, ttl time.Duration) {
			t.Helper()
			if err := docs.Join(t.Context(), replica, rev, ttl); err != nil {
				t.Fatal(err)
			}
		}
		join("behind", 4, time.Hour)
		join("current", 5, time.Hour)
		join("ahead", 6, time.Hour)
		join("dies", 1, 300*time.Millisecond)

		brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := docs.WaitAcknowledged(brief, 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait with two replicas behind = %v, want the deadline", err)
		}
		join("behind", 5, time.Hour)
		start := time.Now()
		if err := docs.WaitAcknowledged(t.Context(), 5); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("waited %v for a replica whose lease was 300 ms", took)
		}
		if err := docs.Leave(t.Context(), "current"); err != nil {
			t.Fatal(err)
		}
		join("behind", 6, time.Hour)
		if err := docs.WaitAcknowledged(t.Context(), 6); err != nil {
			t.Error("waited for a replica that left:", err)
		}
	})
}
