package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

// childEnv tells this test binary to be a writer on a database: publishing and
// beginning attempts until it is killed, telling each on its output.
const childEnv = "KEFU_STORE_TEST_CHILD"

// crashDocuments is how many documents the child publishes together.
const crashDocuments = 5

func child(dir string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{Dir: dir})
	if err != nil {
		return err
	}
	go db.Ledger().Run(ctx) // dies with the process
	for n := range 1_000_000 {
		var put []desk.Prepared
		for i := range crashDocuments {
			p := document(fmt.Sprintf("doc-%d", i), 10+n%7, 64)
			p.Document.Hash = fmt.Sprint(n)
			put = append(put, p)
		}
		if _, err := publishAll(ctx, db, tenant, put); err != nil {
			return err
		}
		if err := db.Ledger().Begin(ctx, attempt(fmt.Sprint(n))); err != nil {
			return err
		}
		fmt.Println(n)
	}
	return nil
}

func TestAKilledWriterLeavesNothingHalfDone(t *testing.T) {
	dir := t.TempDir()
	db := open(t, store.Config{Dir: dir})
	for round := range 5 {
		last := killAfter(t, dir, 20+13*round)
		delta, err := db.Documents().Changes(t.Context(), "m", 0)
		if err != nil {
			t.Fatal(err)
		}
		perDocument := make(map[desk.DocumentID]int)
		for _, it := range delta.Items[tenant] {
			perDocument[it.Document]++
			if it.Revision != delta.Revision || it.Vector == nil || it.Hash != delta.Items[tenant][0].Hash {
				t.Fatalf("round %d: item %s of revision %d and hash %s beside revision %d", round, it.ID, it.Revision, it.Hash, delta.Revision)
			}
		}
		docs, err := db.Documents().List(t.Context(), tenant)
		if err != nil || len(docs) != crashDocuments {
			t.Fatalf("round %d: %d documents, %v", round, len(docs), err)
		}
		for _, d := range docs {
			if perDocument[d.ID] != d.Chunks {
				t.Errorf("round %d: %s has %d of %d chunks", round, d.ID, perDocument[d.ID], d.Chunks)
			}
		}
		rows := entries(t, db)
		for n := range last + 1 {
			if _, ok := rows[attempt(fmt.Sprint(n)).ID]; !ok {
				t.Fatalf("round %d: attempt %d began and is not in the ledger", round, n)
			}
		}
		publish(t, db, []desk.Prepared{document("other", 1, 64)}, "other") // the file is not left locked
		publish(t, db, nil, "other")
	}
}

// killAfter runs the child on dir until it has reported n rounds, kills it and
// returns the last round reported.
func killAfter(t *testing.T, dir string, n int) (last int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Fatal(err)
		}
		if last >= n {
			cmd.Process.Kill()
		}
	}
	cmd.Wait() // it was killed
	if last < n {
		t.Fatalf("the writer ended by itself after %d rounds", last)
	}
	return last
}
