package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestWhatWasAskedBeforeADeletionIsNotWrittenAfterIt(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		const name = "ann-7f3a"
		say := func(id string, conversation desk.ConversationID, asked time.Time) {
			t.Helper()
			q, a := record(id)
			q.Scope.User, q.Conversation, a.Conversation, q.Asked = name, conversation, conversation, asked
			if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
				t.Fatal(err)
			}
			if err := db.Turns().Append(t.Context(), q.Scope, conversation, desk.Turn{Answer: a.ID, At: asked}); err != nil {
				t.Fatal(err)
			}
		}
		kept := func(answers, turns int) {
			t.Helper()
			if a, n, h := db.Count(t, "answers"), db.Count(t, "turns"), db.Count(t, "handoffs"); a != answers || n != turns || h != answers {
				t.Errorf("%d answers, %d turns and %d handoffs are kept, want %d, %d and as many as answers", a, n, h, answers, turns)
			}
		}
		scope := desk.Scope{Tenant: desk.DefaultTenant, User: name}
		before := time.Now()
		say("1", "c1", before)
		if err := db.Turns().Delete(t.Context(), scope, "c1"); err != nil {
			t.Fatal(err)
		}
		say("2", "c1", before)
		kept(0, 0)
		say("3", "c2", before) // another conversation
		kept(1, 1)
		if _, err := db.Users().Delete(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
		say("4", "c2", before)
		kept(0, 0)
		say("5", "c2", time.Now().Add(time.Second)) // the user came back
		kept(1, 1)
		if tables := db.Holding(t, name); len(tables) != 2 {
			t.Errorf("%v name the user, want answers and turns alone", tables)
		}
		if _, err := db.Forget(t.Context(), store.Retention{Erased: time.Now().Add(time.Second)}); err != nil || db.Count(t, "erasures") != 0 {
			t.Errorf("%d erasures are still known, %v", db.Count(t, "erasures"), err)
		}
	})
}

func TestADeletionWaitsForWhoIsWriting(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		commit := db.Begin(t, `INSERT INTO turns (tenant, user_id, conversation_id, at, answer_id, question, standalone, answer, lang, outcome)
			SELECT 'default', 'ann', 'c1', 1, 'ans_1', 'q', '', 'a', 'en', 'answered' WHERE NOT EXISTS (SELECT 1 FROM erasures`+db.Heed()+`)`)
		deleted := make(chan error, 1)
		go func() {
			_, err := db.Users().Delete(t.Context(), desk.Scope{Tenant: desk.DefaultTenant, User: "ann"})
			deleted <- err
		}()
		select {
		case err := <-deleted:
			t.Errorf("the deletion did not wait: %v", err)
			deleted <- nil
		case <-time.After(200 * time.Millisecond): // long enough for one that does not
		}
		commit()
		if err := <-deleted; err != nil {
			t.Error(err)
		}
		if n := db.Count(t, "turns"); n != 0 {
			t.Errorf("%d turns of who was deleted are kept", n)
		}
	})
}

func TestDeletionsDoNotStandInEachOthersWay(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		var all sync.WaitGroup
		for w := range 6 {
			all.Go(func() {
				for i := range 15 {
					q, a := record(fmt.Sprintf("%d_%d", w, i))
					q.Scope.User = desk.UserID(a.ID)
					if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
						t.Error(err)
					}
					if err := db.Turns().Append(t.Context(), q.Scope, "c1", desk.Turn{Answer: a.ID, At: q.Asked}); err != nil {
						t.Error(err)
					}
					if _, err := db.Users().Delete(t.Context(), q.Scope); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n := db.Count(t, "answers") + db.Count(t, "turns"); n != 0 {
			t.Errorf("%d rows are kept", n)
		}
	})
}

func TestAReplyIsGoneWithItsUser(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		once := desk.Once{Tenant: desk.DefaultTenant, Caller: "key", Name: "one", Began: time.Now()}
		keep := func(o desk.Once) {
			t.Helper()
			if before, err := db.Idempotency().Begin(t.Context(), o); before != nil || err != nil {
				t.Fatalf("begun: %v, %v", before, err)
			}
			if err := db.Idempotency().End(t.Context(), o, &desk.Reply{Status: 200, User: "ann", Body: []byte("sealed")}); err != nil {
				t.Fatal(err)
			}
		}
		keep(once)
		other := once
		other.Tenant = "acme"
		keep(other)
		ann := desk.Scope{Tenant: desk.DefaultTenant, User: "ann"}
		if _, err := db.Users().Delete(t.Context(), ann); err != nil {
			t.Fatal(err) // a reply is something that was kept
		}
		if n := db.Count(t, "idempotency"); n != 1 {
			t.Errorf("%d replies are kept, want the other tenant's", n)
		}
		keep(once) // was under way when the user was deleted
		if n := db.Count(t, "idempotency"); n != 1 {
			t.Errorf("%d replies are kept, want the other tenant's", n)
		}
	})
}

func TestWhatIsDeletedIsNotInTheFilesEither(t *testing.T) {
	const said = "where is parcel 7f3a-said"
	for what, remove := range map[string]func(*store.DB, desk.Scope) error{
		"a user": func(db *store.DB, scope desk.Scope) error {
			_, err := db.Users().Delete(t.Context(), scope)
			return err
		},
		"a conversation": func(db *store.DB, scope desk.Scope) error { return db.Turns().Delete(t.Context(), scope, "c1") },
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			db := open(t, store.Config{Dir: dir})
			q, a := record("1")
			q.Text, q.Conversation, a.Conversation = said, "c1", "c1"
			if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
				t.Fatal(err)
			}
			if err := db.Turns().Append(t.Context(), q.Scope, "c1", desk.Turn{Answer: a.ID, At: time.Now(), Question: said, Text: a.Text}); err != nil {
				t.Fatal(err)
			}
			if len(holding(t, dir, said)) == 0 {
				t.Fatal("the question is in no file: the search finds nothing")
			}
			if err := remove(db, q.Scope); err != nil {
				t.Fatal(err)
			}
			if files := holding(t, dir, said); len(files) > 0 {
				t.Errorf("%v still hold the question", files)
			}
		})
	}
}

// holding lists the files of a directory that hold a text.
func holding(t *testing.T, dir, text string) (files []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(text)) {
			files = append(files, filepath.Base(file))
		}
	}
	return files
}
