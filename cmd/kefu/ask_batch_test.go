package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// warranties is a knowledge base with a fact for each of n products, loaded.
func warranties(t *testing.T, n int, env ...string) *e2e.Site {
	t.Helper()
	site := e2e.NewSite(t, append([]string{"KEFU_KNOWLEDGE_PATH=none"}, env...)...)
	for i := range n {
		site.Write(fmt.Sprintf("docs/%03d.md", i), fmt.Sprintf("# Product %s\n\nThe warranty of product %s lasts %d months.\n\n产品%[1]s的保修期是%[3]d个月。\n", product(i), product(i), i+12))
	}
	site.Must("kb", "load", "docs")
	return site
}

func product(i int) string { return fmt.Sprintf("AB-%d", 1001+7*i) }

// writeQuestions writes a file of questions about the products, in both languages,
// some in JSON, and returns the numbers that the answers must hold.
func writeQuestions(site *e2e.Site, n int) (want []string) {
	var lines strings.Builder
	for i := range n {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&lines, "How long does the warranty of product %s last?\n", product(i))
		case 1:
			fmt.Fprintf(&lines, "产品%s的保修期是多久？\r\n\n", product(i))
		default:
			fmt.Fprintf(&lines, `{"id":"q%d","question":"How long does the warranty of product %s last?","user_id":"u1","expected":"?"}`+"\n", i, product(i))
		}
		want = append(want, fmt.Sprint(i+12))
	}
	site.Write("questions.jsonl", lines.String())
	return want
}

type answerRow struct {
	Line     int
	ID       string
	Question string
	Response *e2e.Answer
	Error    *struct{ Code, Detail string }
}

func answerRows(t *testing.T, site *e2e.Site) []answerRow {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(site.Dir, "answers.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []answerRow
	for line := range strings.Lines(string(raw)) {
		var row answerRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		rows = append(rows, row)
	}
	return rows
}

// inOrder fails the test unless the rows answer all questions, one after the
// other.
func inOrder(t *testing.T, rows []answerRow, want []string) {
	t.Helper()
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, row := range rows {
		if row.Response == nil || !strings.Contains(row.Response.Answer, want[i]) || i > 0 && row.Line <= rows[i-1].Line {
			t.Errorf("row %d = %+v (%+v), want the answer %s", i, row, row.Response, want[i])
		}
	}
}

func askFile(more ...string) []string {
	return append([]string{"ask", "--file", "questions.jsonl", "--out", "answers.jsonl"}, more...)
}

func TestTwentyAtATimeAHundredQuestionsTakeNoLongerThanSevenOneByOne(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := warranties(t, 100, vendor.Env()...)
	want := writeQuestions(site, 100)
	const each = 2 * time.Second
	began := time.Now()
	site.Must("ask", "--file", "questions.jsonl", "--out", "at-once.jsonl", "--concurrency", "20")
	working := time.Since(began) // what this machine needs beside the waiting
	vendor.Behave(slowVendor(t, fmt.Sprint("fixed:", each)))
	began = time.Now()
	r := site.Run(askFile("--concurrency", "20", "--json")...)
	took := time.Since(began)
	if r.Code != 0 || site.Late(took, working+7*each) {
		t.Errorf("exit status %d after %s, want 0 and beside the %s of a provider that replies at once no more than 7 calls take\n%s", r.Code, took, working, r.Stderr)
	}
	inOrder(t, answerRows(t, site), want)
	summary := decode(t, r.Stdout)
	if summary["answered"] != 100.0 || summary["failed"] != 0.0 || summary["cost_usd"] == 0.0 {
		t.Errorf("summary = %v", summary)
	}
	holds(t, "stderr", r.Stderr, "asked 100 of 100", "a second", "$", "left")
	t.Logf("100 questions at %s in %s, at once in %s, with %d calls of the model", each, took.Round(100*time.Millisecond), working.Round(100*time.Millisecond), vendor.Calls("/chat/completions"))
}

func TestAnInterruptedBatchGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	const questions, atATime, before = 24, 4, 8
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := warranties(t, questions, vendor.Env()...)
	want := writeQuestions(site, questions)
	vendor.Hold(before)

	run := site.Start(askFile("--concurrency", fmt.Sprint(atATime))...)
	e2e.Eventually(t, "some answers are there", func() bool {
		raw, _ := os.ReadFile(filepath.Join(site.Dir, "answers.jsonl"))
		return strings.Count(string(raw), "\n") == before
	})
	run.Signal(syscall.SIGINT)
	if code := run.Wait(); code != 130 {
		t.Errorf("exit status %d, want 130\n%s", code, run.Log)
	}
	kept := len(answerRows(t, site))
	if kept != before {
		t.Fatalf("%d answers were kept, want %d", kept, before)
	}

	vendor.LetGo()
	r := site.Run(askFile()...)
	if r.Code != 0 {
		t.Errorf("exit status %d\n%s", r.Code, r.Stderr)
	}
	inOrder(t, answerRows(t, site), want)
	holds(t, "stderr", r.Stderr, fmt.Sprintf("%d of %d questions answered (%d before", questions, questions, kept))
	if calls := vendor.Calls("/chat/completions"); calls > questions+atATime {
		t.Errorf("%d calls of the model, want none for what was answered", calls)
	}
	if again := site.Run(askFile()...); again.Code != 0 {
		t.Errorf("with nothing left to ask: exit status %d\n%s", again.Code, again.Stderr)
	}
}

func TestWhatFailedOrWasTornIsAskedAgainAndOrderIsKept(t *testing.T) {
	t.Parallel()
	site := warranties(t, 6)
	want := writeQuestions(site, 6)
	site.Must(askFile()...)
	path := filepath.Join(site.Dir, "answers.jsonl")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(raw), "\n")
	lines[1] = `{"line":2,"question":"产品AB-1008的保修期是多久？","error":{"code":"models_unavailable","detail":"?"}}` + "\n"
	torn := strings.Join(lines, "")
	site.Write("answers.jsonl", torn[:len(torn)-20])

	r := site.Run(askFile()...)
	holds(t, "stderr", r.Stderr, "6 of 6 questions answered (4 before")
	inOrder(t, answerRows(t, site), want)
}

func TestAQuestionThatFailsDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	site := warranties(t, 2)
	writeQuestions(site, 2)
	long := strings.Repeat("x", 5000)
	site.Write("questions.jsonl", long+"\nHow long does the warranty of product "+product(1)+" last?\n")
	r := site.Run(askFile()...)
	if r.Code != 3 {
		t.Errorf("exit status %d, want 3\n%s", r.Code, r.Stderr)
	}
	rows := answerRows(t, site)
	if len(rows) != 2 || rows[0].Error == nil || rows[0].Error.Code != "question_too_long" || rows[1].Response == nil {
		t.Errorf("rows = %+v, want a refusal and an answer", rows)
	}
}

func TestABatchKeepsToTheRateLimitOfItsServer(t *testing.T) {
	t.Parallel()
	const perMinute, beyond = 30, 1
	site := warranties(t, perMinute+beyond, fmt.Sprintf("KEFU_LIMIT_ADDRESS_REQUESTS_PER_MINUTE=%d", perMinute))
	want := writeQuestions(site, perMinute+beyond)
	server := site.Serve()
	began := time.Now()
	r := site.Run(askFile("--server", server.URL, "--concurrency", "10")...)
	if took := time.Since(began); r.Code != 0 || took < time.Second {
		t.Errorf("exit status %d after %s, want 0 after the limit\n%s", r.Code, took, r.Stderr)
	}
	inOrder(t, answerRows(t, site), want)
}

func TestABatchReadsItsQuestionsFromStandardInput(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	for _, before := range []string{"0 before", "1 before"} {
		r := site.RunInput("How many days do I have to return a product?\n", "ask", "--file", "-", "--out", "answers.jsonl")
		if r.Code != 0 {
			t.Errorf("exit status %d, want 0", r.Code)
		}
		holds(t, "stderr", r.Stderr, "1 of 1 question answered", before)
	}
	site.Write("answers.jsonl", `{"line":1,"question":"Another one?","response":{}}`+"\n")
	r := site.RunInput("broken {\n{\"question\":7}\n", "ask", "--file", "-", "--out", "answers.jsonl")
	holds(t, "stderr", r.Stderr, "standard input:2")
}

func TestABatchThatMakesNoSenseAsksNothing(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Write("questions.jsonl", "How many days do I have?\n")
	site.Write("broken.jsonl", "Hello?\n{\"question\":7}\n")
	site.Write("twice.jsonl", `{"id":"a","question":"x"}`+"\n"+`{"id":"a","question":"y"}`+"\n")
	site.Write("empty.jsonl", "\n \n")
	site.Write("notes.txt", "dear diary\n")
	site.Write("note.txt", "dear diary")
	site.Write("other.jsonl", `{"line":1,"question":"Another one?","response":{}}`+"\n")
	for _, tt := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"no file for the answers", []string{"--file", "questions.jsonl"}, 2, []string{"--out"}},
		{"no file of questions", []string{"--out", "a.jsonl", "hi"}, 2, []string{"--file"}},
		{"a question beside the file", []string{"--file", "questions.jsonl", "--out", "a.jsonl", "hi"}, 2, []string{"ask QUESTION"}},
		{"too many at a time", []string{"--file", "questions.jsonl", "--out", "a.jsonl", "--concurrency", "1000"}, 2, []string{"1 to 256"}},
		{"a file that there is not", []string{"--file", "nowhere.jsonl", "--out", "a.jsonl"}, 2, []string{"nowhere.jsonl"}},
		{"a wrong type", []string{"--file", "broken.jsonl", "--out", "a.jsonl"}, 2, []string{"broken.jsonl:2", "question"}},
		{"an id given twice", []string{"--file", "twice.jsonl", "--out", "a.jsonl"}, 2, []string{"twice.jsonl:2", `"a"`, "line 1"}},
		{"no question", []string{"--file", "empty.jsonl", "--out", "a.jsonl"}, 2, []string{"empty.jsonl"}},
		{"answers into a file of something else", []string{"--file", "questions.jsonl", "--out", "notes.txt"}, 2, []string{"notes.txt:1", "--out"}},
		{"answers into a single line of something else", []string{"--file", "questions.jsonl", "--out", "note.txt"}, 2, []string{"note.txt:1", "--out"}},
		{"answers into those of other questions", []string{"--file", "questions.jsonl", "--out", "other.jsonl"}, 2, []string{"other.jsonl:1", "--out"}},
		{"answers into the questions", []string{"--file", "questions.jsonl", "--out", "questions.jsonl"}, 2, []string{"questions.jsonl"}},
		{"answers to standard output", []string{"--file", "questions.jsonl", "--out", "-"}, 2, []string{"--out", "file"}},
		{"answers to a device", []string{"--file", "questions.jsonl", "--out", "/dev/null"}, 2, []string{"--out", "file"}},
		{"no server", []string{"--server", "http://127.0.0.1:1", "--file", "questions.jsonl", "--out", "a.jsonl"}, 4, []string{"kefu serve"}},
		{"a model that there is not", []string{"--model", "gpt-9", "--file", "questions.jsonl", "--out", "b.jsonl"}, 3, []string{"1 question failed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := site.Run(append([]string{"ask"}, tt.args...)...)
			if r.Code != tt.code {
				t.Errorf("exit status %d, want %d", r.Code, tt.code)
			}
			holds(t, "stderr", r.Stderr, tt.says...)
		})
	}
	for name, text := range map[string]string{"notes.txt": "dear diary\n", "note.txt": "dear diary", "questions.jsonl": "How many days do I have?\n"} {
		if raw, err := os.ReadFile(filepath.Join(site.Dir, name)); err != nil || string(raw) != text {
			t.Errorf("%s was changed to %q (%v)", name, raw, err)
		}
	}
}

func TestABatchPaysForOnePromptOnce(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := warranties(t, 1, append(vendor.Env(), "KEFU_CACHE_MEMORY_ENTRIES=0")...)
	question := "How long does the warranty of product " + product(0) + " last?\n"
	site.Write("questions.jsonl", question+question)

	if r := site.Run(askFile("--concurrency", "1")...); r.Code != 0 {
		t.Fatalf("exit status %d\n%s", r.Code, r.Stderr)
	}
	inOrder(t, answerRows(t, site), []string{"12", "12"})
	if n := vendor.Calls("/chat/completions"); n != 1 {
		t.Errorf("%d calls of the model, want 1: the cache is off, the reply is kept", n)
	}
}
