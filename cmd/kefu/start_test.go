package main_test

import (
	"database/sql"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// secondStart is what the product promises, with the race detector as much more
// as that takes.
const secondStart = e2e.Slowdown * time.Second

func TestAFirstStartLoadsNothingWhereNothingIsWanted(t *testing.T) {
	site := e2e.NewSite(t, "KEFU_KNOWLEDGE_PATH=none")
	if said := site.Serve().Log.String(); strings.Contains(said, "Loaded ") || strings.Contains(said, "no folder") {
		t.Errorf("said:\n%s", said)
	}
	holds(t, "kb status", site.Must("kb", "status"), "documents   0")
}

func TestFirstStartLoadsTheSampleKnowledgeBaseAndSaysWhatToTry(t *testing.T) {
	site := e2e.NewSite(t, "KEFU_KNOWLEDGE_PATH="+e2e.KB(t))
	server := site.Serve()
	t.Logf("first start: healthy after %v", server.Healthy)
	server.Log.Await(t, "签收后多少天内")
	said := server.Log.String()
	holds(t, "the welcome", said, "Loaded ", server.URL+"/docs", server.URL+"/health", server.URL+"/metrics", "Kefu answers at "+server.URL)

	curls := regexp.MustCompile(`(?m)^ +(curl -s .*)$`).FindAllStringSubmatch(said, -1)
	if len(curls) != 2 {
		t.Fatalf("%d curl lines, want one in each language:\n%s", len(curls), said)
	}
	for _, curl := range curls {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", curl[1]).Output()
		if err != nil {
			t.Errorf("%s: %v", curl[1], err)
		}
		holds(t, curl[1], string(out), `"answer":"`, `"grounded":true`, `"source_documents":[{`, "30")
	}
	for _, path := range []string{"/", "/docs", "/health", "/readyz", "/metrics", "/openapi.json"} {
		if status, _ := server.Get(path); status != http.StatusOK {
			t.Errorf("GET %s: status %d", path, status)
		}
	}

	for _, q := range []struct {
		question string
		route    desk.RouteKind
		language string
	}{
		{"How long do I have to return a product?", desk.Simple, "[a-z]{3}"},
		{"Compare standard and express shipping: what do they cost and how long do they take?", desk.Complex, "[a-z]{3}"},
		{"签收后多少天内可以退货？", desk.Simple, `\p{Han}{2}`},
		{"请比较标准配送和加急配送，并说明费用和时间", desk.Complex, `\p{Han}{2}`},
		{"Compare Plus and Family: price per year, number of people, extra warranty", desk.Complex, "[a-z]{3}"}, // these two stand in the README
		{"智能灯红灯每秒闪一下，连不上网，怎么排查？", desk.Complex, "Wi-Fi 密码错误"},
	} {
		a := server.Ask(q.question)
		if a.Route != string(q.route) || !a.Grounded || len(a.SourceDocuments) == 0 || a.Degraded || a.Provider != "offline" {
			t.Errorf("%s: %+v, want a grounded answer with sources on the %s route", q.question, a, q.route)
		}
		if !regexp.MustCompile(q.language).MatchString(a.Answer) {
			t.Errorf("%s: answered in another language: %s", q.question, a.Answer)
		}
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}
	healthy(t, server.Log)

	var again *e2e.Server
	site.Promptly("the second start, until it is healthy", secondStart, func() time.Duration {
		if again != nil {
			again.Stop()
		}
		again = site.Serve()
		return again.Healthy
	})
	if strings.Contains(again.Log.String(), "Loaded ") {
		t.Error("the second start loaded again")
	}
	if a := again.Ask("签收后多少天内可以退货？"); !a.Grounded {
		t.Errorf("after the second start: %+v", a)
	}
}

func TestSIGTERMLetsRunningRequestsEndAndExitsWithZero(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := newShop(t, vendor.Env()...).Serve()
	server.Ask(simpleEN) // the knowledge base is loaded
	vendor.Hold(0)

	questions := []string{complexEN, complexZH, simpleZH, "How much does return shipping for an express parcel cost?"}
	var asked sync.WaitGroup
	for _, q := range questions {
		asked.Go(func() {
			if a, err := server.TryAsk(t.Context(), q); err != nil || !a.Grounded {
				t.Errorf("%s: %+v %v, want an answer in spite of the SIGTERM", q, a, err)
			}
		})
	}
	e2e.Eventually(t, "every question is at the provider", func() bool {
		return vendor.Held() == len(questions)
	})
	server.Signal(syscall.SIGTERM)
	server.Log.Await(t, `"msg":"stopping"`)
	vendor.LetGo()
	asked.Wait()
	if code := server.Wait(); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}
	server.Log.Await(t, `"msg":"stopped"`)
	healthy(t, server.Log)
}

func TestAServerKilledWithoutWarningStartsAgainWithItsKnowledge(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	server := site.Serve()
	first := server.Ask(simpleEN)
	server.Signal(syscall.SIGKILL)
	server.Wait()

	again := site.Serve().Ask(simpleEN)
	if again.Answer != first.Answer || !again.Grounded {
		t.Errorf("answer = %+v, want %q again", again, first.Answer)
	}
}

// hanging is a server of which one request is at a provider that never replies.
// The returned channel yields how that request ended.
func hanging(t *testing.T, env ...string) (*e2e.Server, <-chan error) {
	t.Helper()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := newShop(t, append(vendor.Env(), env...)...).Serve()
	vendor.Behave(llmsim.Config{Hang: 1})
	ended := make(chan error, 1)
	go func() {
		_, err := server.TryAsk(t.Context(), simpleEN)
		ended <- err
	}()
	e2e.Eventually(t, "the question is at the provider", func() bool { return vendor.Stats().InFlight > 0 })
	return server, ended
}

func TestRequestsBeyondTheGraceAreCutAndTheExitStatusSaysSo(t *testing.T) {
	t.Parallel()
	server, ended := hanging(t, "KEFU_HTTP_SHUTDOWN_GRACE=300ms")
	server.Signal(syscall.SIGTERM)
	if code := server.Wait(); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	holds(t, "the log", server.Log.String(), "still running after the grace of 300ms")
	if err := <-ended; err == nil {
		t.Error("the request was answered")
	}
}

func TestASecondSignalEndsTheServerAtOnce(t *testing.T) {
	t.Parallel()
	server, ended := hanging(t)
	server.Signal(syscall.SIGTERM)
	server.Log.Await(t, `"msg":"stopping"`)
	e2e.Eventually(t, "the server has ended", func() bool {
		if server.Ended() {
			return true
		}
		server.Signal(syscall.SIGTERM)
		return false
	})
	if code, want := server.Wait(), 128+int(syscall.SIGTERM); code != want {
		t.Errorf("exit status %d, want %d", code, want)
	}
	<-ended
}

func TestAnInterruptedFirstStartSaysHowToLoadTheRest(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, slowVendor(t, "fixed:20s"))
	site := newShop(t, vendor.Env()...)
	start := site.Start("serve")
	<-vendor.Asked()
	start.Signal(syscall.SIGINT)
	if code := start.Wait(); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}
	holds(t, "the log", start.Log.String(), "Interrupted after 0 documents; the next start, or 'kefu kb load docs', goes on from there.")
}

// migratedShop is a shop whose database has its tables and nothing in them.
func migratedShop(t *testing.T) (*e2e.Site, *sql.DB) {
	t.Helper()
	site := newShop(t)
	if r := site.Run("migrate"); r.Code != 0 {
		t.Fatal(r.Stderr)
	}
	db := site.DB()
	t.Cleanup(func() { db.Close() })
	return site, db
}

func TestALoadThatTheDatabaseRefusesIsNotSaidToHaveLoadedAnything(t *testing.T) {
	t.Parallel()
	site, db := migratedShop(t)
	if _, err := db.ExecContext(t.Context(), "CREATE TRIGGER refuse BEFORE INSERT ON releases BEGIN SELECT RAISE(ABORT, 'no room for releases'); END"); err != nil {
		t.Fatal(err)
	}
	if r := site.Run("kb", "load", "docs"); r.Code == 0 || r.Stdout != "" || !strings.Contains(r.Stderr, "no room for releases") {
		t.Errorf("kb load: exit status %d, %q, %s, want a failure that counts nothing as added", r.Code, r.Stdout, r.Stderr)
	}
	server := site.Serve()
	server.Log.Await(t, "Kefu answers at")
	said := server.Log.String()
	holds(t, "the log", said, "Nothing was loaded from docs; the next start, or 'kefu kb load docs', tries again.", "no room for releases")
	if strings.Contains(said, "Loaded ") {
		t.Errorf("the log speaks of documents that were loaded:\n%s", said)
	}
}

func TestAFirstStartLoadsWhatAProcessThatIsGoneHadBegun(t *testing.T) {
	t.Parallel()
	site, db := migratedShop(t)
	since := time.Now()
	if _, err := db.ExecContext(t.Context(), `INSERT INTO source_leases (tenant, source, id, author, host, pid, since, expires_at)
		VALUES ('default', 'files', 'lease_gone', 'cli:root', 'another-machine', 1, $1, $2)`, since.UnixMilli(), since.Add(5*time.Second).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	server := site.Serve()
	server.Log.Await(t, "docs is being loaded by another process")
	server.Log.Await(t, "Loaded 3 documents")
	e2e.Eventually(t, "the documents are served", func() bool { return server.Ask(simpleEN).Grounded })
}

func TestAFirstStartFromAFolderWithoutDocumentsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	site := e2e.NewSite(t, "KEFU_KNOWLEDGE_PATH=docs")
	site.Write("docs/prices.xyz", "not supported")
	server := site.Serve()
	server.Log.Await(t, "Kefu answers at")
	said := server.Log.String()
	holds(t, "the log", said, "not loaded: docs/prices.xyz: ", `nothing in "docs" could be loaded. Load documents with 'kefu kb load PATH'.`)
	if strings.Contains(said, "Loaded 0") {
		t.Errorf("nothing is said to be loaded:\n%s", said)
	}
}
