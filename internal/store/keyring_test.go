package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/seal"
	"kefu/internal/store"
)

// ring holds keys by their numbers, that which seals first.
func ring(t testing.TB, numbers ...int) *seal.Ring {
	t.Helper()
	var keys []string
	for _, n := range numbers {
		keys = append(keys, strings.Repeat(string(rune('0'+n)), 2*seal.KeyBytes))
	}
	r, err := seal.Parse(strings.Join(keys, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const private = "my parcel 7f3a is broken"

// confide stores private wherever a customer's words are stored.
func confide(t *testing.T, db *store.DB, id string) desk.Scope {
	t.Helper()
	q, a := record(id)
	q.Text, a.Text, a.Trace.Standalone, a.Citations[0].Quote = private, "You say: "+private, private, private
	if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
		t.Fatal(err)
	}
	turn := desk.Turn{Answer: a.ID, At: time.Now(), Question: private, Standalone: private, Text: private}
	if err := db.Turns().Append(t.Context(), q.Scope, "con_1", turn); err != nil {
		t.Fatal(err)
	}
	if err := db.Answers().Rate(t.Context(), q.Scope, desk.Feedback{Answer: a.ID, At: time.Now(), Rating: desk.RatedDown, Comment: private}); err != nil {
		t.Fatal(err)
	}
	once := desk.Once{Tenant: tenant, Caller: "key", Name: id}
	if _, err := db.Idempotency().Begin(t.Context(), once); err != nil {
		t.Fatal(err)
	}
	if err := db.Idempotency().End(t.Context(), once, &desk.Reply{Status: 200, MediaType: "application/json", Body: []byte(private)}); err != nil {
		t.Fatal(err)
	}
	return q.Scope
}

// read fails the test unless all that confide stored is read as it was.
func read(t *testing.T, db *store.DB, id string) {
	t.Helper()
	q, _ := record(id)
	r, err := db.Answers().Get(t.Context(), q.Scope, q.ID)
	if err != nil || r.Question.Text != private || r.Answer.Citations[0].Quote != private || r.Answer.Trace.Standalone != private {
		t.Errorf("answer = %+v, %v", r, err)
	}
	data, err := db.Users().Export(t.Context(), q.Scope)
	if err != nil || len(data.Answers) == 0 || len(data.Turns) == 0 || len(data.Feedback) == 0 {
		t.Fatalf("export = %+v, %v", data, err)
	}
	if data.Answers[0].Question != private || data.Turns[0].Standalone != private || data.Feedback[0].Comment != private {
		t.Errorf("export = %+v", data)
	}
	reply, err := db.Idempotency().Begin(t.Context(), desk.Once{Tenant: tenant, Caller: "key", Name: id})
	if err != nil || reply == nil || string(reply.Body) != private {
		t.Errorf("reply = %+v, %v", reply, err)
	}
	complaints, err := db.Answers().Complaints(t.Context(), tenant, time.UnixMilli(0))
	if err != nil || len(complaints) == 0 || complaints[0].Question != private {
		t.Errorf("complaints = %+v, %v", complaints, err)
	}
}

func TestWhatCustomersSaidIsNowhereInTheRawDatabase(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			cfg := place(t)
			plain := cfg
			confide(t, open(t, plain), "plain") // so that the search is known to find it
			if tables := open(t, plain).Holding(t, private); len(tables) != 4 {
				t.Fatalf("%v hold the text, want answers, turns, feedback and idempotency", tables)
			}
			cfg = place(t)
			cfg.Seals = ring(t, 1)
			db := open(t, cfg)
			scope := confide(t, db, "sealed")
			read(t, db, "sealed")
			if tables := db.Holding(t, private); len(tables) > 0 {
				t.Errorf("%v hold the text", tables)
			}
			if cfg.Dir != "" {
				nowhereIn(t, cfg.Dir, "parcel 7f3a")
			}
			if gone, err := db.Users().Delete(t.Context(), scope); err != nil || gone != (desk.UserErasure{Turns: 1, Answers: 1, Feedback: 1, Handoffs: 1}) {
				t.Errorf("deleted %+v, %v", gone, err)
			}
		})
	}
}

func TestKeysRotateAndTheDataSaysWhichItNeeds(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			cfg := place(t)
			with := func(r *seal.Ring) *store.DB {
				cfg.Seals = r
				return open(t, cfg)
			}
			confide(t, with(nil), "before")
			confide(t, with(ring(t, 1)), "old")
			db := with(ring(t, 2, 1))
			scope := confide(t, db, "new")
			for _, id := range []string{"before", "old", "new"} {
				read(t, db, id)
			}
			for _, r := range []*seal.Ring{nil, ring(t, 2), ring(t, 1), ring(t, 3)} {
				cfg.Seals, cfg.Logger = r, quiet()
				if other, err := store.Open(t.Context(), cfg); codeOf(err) != "encryption_key_missing" {
					t.Errorf("opened without a key that is needed: %v", err)
					if other != nil {
						other.Close()
					}
				}
			}
			// Once nothing needs them, the keys may go.
			if _, err := db.Users().Delete(t.Context(), scope); err != nil {
				t.Fatal(err)
			}
			db.Exec(t, `DELETE FROM idempotency`)
			with(nil)
		})
	}
}

func TestWhatWasStoredBeforeIsEncryptedToo(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			cfg := place(t)
			confide(t, open(t, cfg), "before")
			cfg.Seals = ring(t, 1)
			confide(t, open(t, cfg), "old")
			cfg.Seals = ring(t, 2, 1)
			db := open(t, cfg)
			db.Exec(t, `DELETE FROM idempotency`) // ends by itself within a day
			for _, n := range []int{6, 0} {
				if changed, err := db.Reseal(t.Context()); err != nil || changed != n {
					t.Errorf("%d rows were encrypted, %v, want %d", changed, err, n)
				}
			}
			if tables := db.Holding(t, private); len(tables) > 0 {
				t.Errorf("%v hold the text", tables)
			}
			if cfg.Dir != "" {
				nowhereIn(t, cfg.Dir, "parcel 7f3a")
			}
			cfg.Seals = ring(t, 2)
			only := open(t, cfg)
			for _, id := range []string{"before", "old"} {
				q, _ := record(id)
				r, err := only.Answers().Get(t.Context(), q.Scope, q.ID)
				if err != nil || r.Question.Text != private || r.Answer.Citations[0].Quote != private || r.Answer.Trace.Standalone != private {
					t.Errorf("answer = %+v, %v", r, err)
				}
			}
			data, err := only.Users().Export(t.Context(), desk.Scope{Tenant: tenant, User: "user"})
			if err != nil || len(data.Turns) != 2 || data.Turns[0].Text != private || len(data.Feedback) != 2 || data.Feedback[1].Comment != private {
				t.Errorf("export = %+v, %v", data, err)
			}
		})
	}
}

// nowhereIn fails the test when a file of a folder holds the text.
func nowhereIn(t *testing.T, dir, text string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no file to search: %v", err)
	}
	for _, file := range files {
		if raw, err := os.ReadFile(file); err != nil || bytes.Contains(raw, []byte(text)) {
			t.Errorf("%s holds the text (%v)", file, err)
		}
	}
}
