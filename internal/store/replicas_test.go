package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

// hung is when a wait that should end, and soon, is taken for one that never does.
const hung = time.Minute

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
				select {
				case err := <-woken:
					if err != nil {
						t.Fatal(err)
					}
				case <-time.After(hung):
					t.Fatal("not noticed")
				}
			}
		})
	}
}

func TestWaitReturnsAtOnceWhenItMissedAPublish(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		publish(t, db, []desk.Prepared{document("a", 1, 0)})
		ctx, cancel := context.WithTimeout(t.Context(), hung)
		defer cancel()
		if err := db.Documents().Wait(ctx, 0); err != nil {
			t.Errorf("wait = %v", err)
		}
	})
}

func TestWaitGoesOnAfterItsConnectionIsCut(t *testing.T) {
	db := engines["postgresql"](t)
	docs := db.Documents()
	const listening = `pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`
	for db.Count(t, listening) == 0 {
		if err := waitBriefly(t, docs); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	db.Exec(t, `SELECT pg_terminate_backend(pid) FROM `+listening)
	patient, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	if err := docs.Wait(patient, 0); err == nil || errors.Is(err, context.DeadlineExceeded) {
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
		join := func(replica string, rev desk.Revision, ttl time.Duration) (alive int) {
			t.Helper()
			alive, err := docs.Join(t.Context(), replica, rev, ttl)
			if err != nil {
				t.Fatal(err)
			}
			return alive
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
		patient, cancelPatient := context.WithTimeout(t.Context(), hung)
		defer cancelPatient()
		if err := docs.WaitAcknowledged(patient, 5); err != nil {
			t.Errorf("wait for a replica whose lease was 300 ms = %v", err)
		}
		if alive := join("current", 5, time.Hour); alive != 3 {
			t.Errorf("%d replicas, want those three that live", alive)
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
