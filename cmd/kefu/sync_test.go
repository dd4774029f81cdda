package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// rolledBack is what a rollback may take.
const rolledBack = time.Second

type release struct {
	Revision, Restored, Added, Updated, Removed int
	Kind, Source, Author                        string
}

func releases(t *testing.T, site *e2e.Site) []release {
	t.Helper()
	var all []release
	if err := json.Unmarshal([]byte(site.Must("kb", "releases", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func syncs(t *testing.T, site *e2e.Site, want string) {
	t.Helper()
	holds(t, "the sync", site.Must("kb", "sync", "docs", "--source", "docs"), want)
}

// An operator's hour, in short: a folder is synced, one document edited, one
// deleted, one broken, and the release taken back, beside a running server.
func TestASyncedFolderIsServedExactlyAndCanBeTakenBack(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	syncs(t, site, "3 added, 0 updated, 0 unchanged, 0 failed") // before the first start, which would load them too
	server := site.Serve()
	if a := server.Ask(simpleEN); !strings.Contains(a.Answer, "30 days") {
		t.Fatalf("%s: %+v", simpleEN, a)
	}
	if a := server.Ask(simpleZH); !a.Grounded {
		t.Fatalf("%s: %+v", simpleZH, a)
	}
	before := releases(t, site)[0]
	if before.Kind != "sync" || before.Source != "docs" || before.Added != 3 || before.Author == "" {
		t.Errorf("release = %+v", before)
	}

	edit(site, "30 days", "45 days")
	remove(t, site, "docs/warranty.md")
	site.Write("docs/broken.jsonl", `{"question":"What is","answer"`+"\n")
	holds(t, "the dry run", site.Run("kb", "sync", "docs", "--source", "docs", "--dry-run").Stdout,
		"returns.md: updated, en, page\n", "warranty.md: removed, en, page\n", "would be 0 added, 1 updated, 1 unchanged, 1 removed, 1 failed")
	r := site.Run("kb", "sync", "docs", "--source", "docs")
	if r.Code != 3 {
		t.Errorf("exit status %d, want 3", r.Code)
	}
	holds(t, "stdout", r.Stdout, "0 added, 1 updated, 1 unchanged, 1 removed, 1 failed")
	holds(t, "stderr", r.Stderr, "docs/broken.jsonl:1: ")
	holds(t, "kb list", site.Must("kb", "list"), "failed: broken.jsonl: ")
	holds(t, "kb status", site.Must("kb", "status"), "failed      1 file")
	if a := server.Ask(simpleEN); !strings.Contains(a.Answer, "45 days") || a.CacheHit {
		t.Errorf("after the edit: %+v, want 45 days", a)
	}
	if a := server.Ask(simpleZH); !a.CacheHit {
		t.Errorf("the edit of another document ended a cached answer: %+v", a)
	}
	if a := server.Ask("What is the warranty of the Aurora lamp?"); a.Grounded {
		t.Errorf("after the document was deleted: %+v", a)
	}

	edited := releases(t, site)[0]
	site.Promptly("a rollback", rolledBack, func() time.Duration {
		site.Must("kb", "rollback", fmt.Sprint(edited.Revision)) // as it is, but in a second try
		start := time.Now()
		holds(t, "the rollback", site.Must("kb", "rollback", fmt.Sprint(before.Revision)), "1 added, 1 updated, 0 removed")
		return time.Since(start)
	})
	if a := server.Ask(simpleEN); !strings.Contains(a.Answer, "30 days") {
		t.Errorf("after the rollback: %+v, want 30 days", a)
	}
	if a := server.Ask("What is the warranty of the Aurora lamp?"); !a.Grounded {
		t.Errorf("after the rollback: %+v, want the deleted document's answer", a)
	}
	if last := releases(t, site)[0]; last.Kind != "rollback" || last.Restored != before.Revision {
		t.Errorf("release = %+v", last)
	}
	if r := site.Run("kb", "rollback", "999"); r.Code != 1 || strings.Contains(r.Stderr, "sql") {
		t.Errorf("rollback to nothing: exit status %d, %s, want 1 and no word of SQL", r.Code, r.Stderr)
	}
	if r := site.Run("kb", "rollback", "12x"); r.Code != 2 {
		t.Errorf("rollback to no number: exit status %d, want 2", r.Code)
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}

func remove(t *testing.T, site *e2e.Site, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(site.Dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestASyncOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	syncs(t, site, "3 added")
	site.Write("empty/.keep", "")
	r := site.Run("kb", "sync", "empty", "--source", "docs")
	if r.Code != 2 {
		t.Errorf("exit status %d, want 2", r.Code)
	}
	holds(t, "stderr", r.Stderr, "--allow-empty", "3 documents")
	if r := site.Run("kb", "sync", "docs"); r.Code != 2 {
		t.Errorf("without a source: exit status %d, want 2", r.Code)
	}
	holds(t, "the sync", site.Must("kb", "sync", "empty", "--source", "docs", "--allow-empty"), "3 removed")
}

// What the command line did last is in the database, so that every server tells
// of it, also one that started later.
func TestALateSyncIsNoticed(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	server := site.Serve()
	const last, due = `kefu_kb_last_success_timestamp_seconds{source="files"}`, `kefu_kb_sync_due_timestamp_seconds{source="files"}`
	metrics := func() string {
		_, text := server.Get("/metrics")
		return text
	}
	if text := metrics(); strings.Contains(text, "kefu_kb_last_success") || strings.Contains(text, "kefu_kb_sync_due") {
		t.Errorf("nothing was synced, and /metrics tells when:\n%s", text)
	}
	syncs(t, site, "3 added")
	if text := metrics(); strings.Contains(text, "kefu_kb_sync_due") || time.Since(time.Unix(int64(sample(text, last)), 0)) > time.Hour {
		t.Errorf("after a sync by hand /metrics says %v, want its time and no promise", sample(text, last))
	}
	promised := func(within string) { site.Must("kb", "sync", "docs", "--source", "docs", "--again-within", within) }
	promised("1ms")
	if text := metrics(); time.Until(time.Unix(int64(sample(text, due)), 0)) > 0 {
		t.Errorf("due at %v, want a time that has passed", sample(text, due))
	}
	found, _ := diagnosis(t, site)
	if f := found["source docs"]; f.Health != "warning" || !strings.HasPrefix(f.Says, "of the tenant default, from files: synced as a whole at ") || f.Advice == "" {
		t.Errorf("the doctor says %+v of a late source", f)
	}
	promised("1h")
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	server = site.Serve()
	if text := metrics(); math.Abs(sample(text, due)-sample(text, last)-3600) > 1 {
		t.Errorf("due %v after the sync at %v, want an hour", sample(text, due), sample(text, last))
	}
	if found, _ := diagnosis(t, site); found["source docs"].Health != "" {
		t.Errorf("the doctor says %+v of a source that is in time", found["source docs"])
	}
	if r := site.Run("kb", "sync", "docs", "--source", "docs", "--again-within=-1h"); r.Code != 2 {
		t.Errorf("a promise for the past: exit status %d, want 2", r.Code)
	}
}

func TestAWatchedFolderIsSyncedAsPromised(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	watching := site.Start("kb", "sync", "docs", "--source", "docs", "--watch=50ms", "--again-within=500ms")
	watching.Log.Await(t, "3 added")
	watching.Log.Await(t, "0 added, 0 updated, 3 unchanged")
	watching.Signal(syscall.SIGINT)
	if code := watching.Wait(); code != 0 {
		t.Errorf("exit status %d after SIGINT, want 0", code)
	}
}

func TestAWatchedFolderIsSyncedWhenItChanges(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	watching := site.Start("kb", "sync", "docs", "--source", "docs", "--watch=50ms")
	watching.Log.Await(t, "3 added")
	site.Write("docs/typewriters.md", repaired)
	watching.Log.Await(t, "1 added, 0 updated, 3 unchanged")
	remove(t, site, "docs/typewriters.md")
	watching.Log.Await(t, "3 unchanged, 1 removed")
	site.Write("docs/broken.csv", "question,answer\n\"a")
	watching.Log.Await(t, "docs/broken.csv")
	watching.Signal(syscall.SIGINT)
	if code := watching.Wait(); code != 0 {
		t.Errorf("exit status %d after SIGINT, want 0", code)
	}
}

// Row 23: whenever the sync is killed, what is served is the old edition or
// the new one, whole, and the next sync completes it.
func TestAKilledSyncLeavesTheOldReleaseAndIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	const documents = 80
	site := newShop(t)
	write := func(edition int) {
		for i := range documents {
			var page strings.Builder
			fmt.Fprintf(&page, "# Article %d\n\n", i)
			for j := range 6 {
				fmt.Fprintf(&page, "## Part %d\n\nPart %d of article %d, edition %d of it.\n\n", j, j, i, edition)
			}
			site.Write(fmt.Sprintf("articles/%03d.md", i), page.String())
		}
	}
	write(1)
	site.Must("kb", "sync", "articles", "--source", "articles")
	write(2)
	db := site.DB()
	defer db.Close()
	count := func(query string) (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const served = `SELECT COUNT(*) FROM documents d JOIN chunks c ON c.document_id = d.id AND c.hash = d.hash WHERE d.until IS NULL`
	all := count(served)
	killed := 0
	for _, ready := range []int{0, 1, 16, 32, 48, 64} {
		running := site.Start("kb", "sync", "articles", "--source", "articles")
		e2e.Eventually(t, "the sync has come that far", func() bool {
			return running.Ended() || count(`SELECT COUNT(*) FROM intake WHERE state <> 'queued'`) >= ready+1
		})
		running.Signal(syscall.SIGKILL)
		if running.Wait() == 128+int(syscall.SIGKILL) {
			killed++
		}
		if n := count(served); n != all {
			t.Errorf("%d chunks are served, want %d", n, all)
		}
		if n := count(served + ` AND c.text LIKE '%edition 2%'`); n != 0 && n != all {
			t.Errorf("%d of %d chunks are of the new edition, want none or all", n, all)
		}
	}
	if killed < 3 {
		t.Errorf("%d of the syncs were killed, want most of them", killed)
	}
	site.Must("kb", "sync", "articles", "--source", "articles")
	if n := count(served + ` AND c.text LIKE '%edition 2%'`); n != all {
		t.Errorf("%d of %d chunks are of the new edition at the end", n, all)
	}
	if n := count(`SELECT COUNT(*) FROM intake`); n != 0 {
		t.Errorf("%d files are still on their way", n)
	}
	holds(t, "one more sync", site.Must("kb", "sync", "articles", "--source", "articles"), fmt.Sprintf("0 added, 0 updated, %d unchanged, 0 failed", documents))
}

// Over HTTP an operator does the same, and the reply comes when every server
// serves the change.
func TestADocumentHandedInOverHTTPIsServedWhenTheReplyComes(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	key := strings.TrimSpace(site.Must("keys", "create", "--role", "operator", "--name", "editor", "-q"))
	server := site.Serve()
	call := func(method, path, body string, status int) (v struct {
		Data []struct{ ID, Status string }
		Hits []struct {
			BM25  float64
			Terms []string
		}
		ID, Status string
	},
	) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status {
			t.Fatalf("%s %s = %d, want %d: %s", method, path, resp.StatusCode, status, text)
		}
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if a := server.Ask(unknownEN); a.Grounded {
		t.Fatalf("%s: %+v, want no answer", unknownEN, a)
	}
	body, err := json.Marshal(map[string]string{"name": "typewriters.md", "text": repaired})
	if err != nil {
		t.Fatal(err)
	}
	id := call("POST", "/v1/documents", string(body), 201).Data[0].ID
	if a := server.Ask(unknownEN); !strings.Contains(a.Answer, "80 euros") {
		t.Errorf("after the document that answers it: %+v", a)
	}
	if hits := call("POST", "/v1/search", `{"question":"Who repairs typewriters?"}`, 200).Hits; len(hits) == 0 || hits[0].BM25 <= 0 || len(hits[0].Terms) == 0 {
		t.Errorf("hits = %+v", hits)
	}
	holds(t, "kb search --explain", site.Must("kb", "search", "--explain", "Who repairs typewriters?"), "enters the prompt", "typewrit")

	// Large for the server that takes it in, and soon read.
	large := "<main><h1>Museum</h1><p>The typewriter model 7 of our museum weighs 4007 grams.</p></main><!--" + strings.Repeat(" typewriter", 30_000) + "-->"
	if body, err = json.Marshal(map[string]string{"name": "museum.html", "text": large}); err != nil {
		t.Fatal(err)
	}
	queued := call("POST", "/v1/documents", string(body), 202).Data[0].ID
	var status string
	e2e.Eventually(t, "the large document is read", func() bool {
		status = call("GET", "/v1/documents/"+queued, "", 200).Status
		return status == "ready" || status == "failed"
	})
	if status != "ready" {
		t.Errorf("the large document is %s, want it ready", status)
	}
	call("DELETE", "/v1/documents/"+id, "", 200)
	if a := server.Ask(unknownEN); strings.Contains(a.Answer, "80 euros") {
		t.Errorf("after the document was removed: %+v", a)
	}
}

func TestTwoSyncsOfOneSourceDoNotInterleave(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, slowVendor(t, "fixed:20s"))
	site := newShop(t, vendor.Env()...)
	first := site.Start("kb", "sync", "docs", "--source", "docs")
	<-vendor.Asked() // it embeds
	second := site.Run("kb", "sync", "docs", "--source", "docs")
	if second.Code != 1 {
		t.Errorf("exit status %d, want 1", second.Code)
	}
	holds(t, "stderr", second.Stderr, `loads into the source "docs" since`, "process ", "wait until that has ended")
	if r := site.Run("kb", "sync", "docs", "--source", "docs", "--dry-run"); r.Code != 0 {
		t.Errorf("a dry run: exit status %d, want 0: it changes nothing", r.Code)
	}

	first.Signal(syscall.SIGKILL)
	first.Wait()
	vendor.Behave(llmsim.Config{})
	syncs(t, site, "3 added") // its process is gone, and so is its lease
}
