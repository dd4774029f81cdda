package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

func TestAskAnswersInTheQuestionsLanguageWithSources(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	for _, tt := range []struct {
		question, answer, source string
	}{
		{simpleEN, "30 days", "https://help.example.com/returns"},
		{complexEN, "24 months", "https://help.example.com/warranty"},
		{simpleZH, "30天", "https://help.example.com/zh/returns"},
		{complexZH, "9.95欧元", "https://help.example.com/zh/returns"},
	} {
		r := site.Run("ask", tt.question)
		if r.Code != 0 {
			t.Errorf("%s: exit status %d\n%s", tt.question, r.Code, r.Stderr)
		}
		holds(t, "stdout", r.Stdout, tt.answer, "[1]", tt.source)
	}
}

func TestAskReadsTheQuestionFromStdin(t *testing.T) {
	t.Parallel()
	r := newShop(t).RunInput(simpleZH+"\n", "ask", "-")
	if r.Code != 0 {
		t.Fatalf("exit status %d\n%s", r.Code, r.Stderr)
	}
	holds(t, "stdout", r.Stdout, "30天")
}

func TestAskTakesSeveralWordsAsOneQuestion(t *testing.T) {
	t.Parallel()
	out := newShop(t).Must(append([]string{"ask"}, strings.Fields(simpleEN)...)...)
	holds(t, "stdout", out, "30 days")
}

func TestAskOffersAPersonWhereTheKnowledgeBaseSaysNothing(t *testing.T) {
	t.Parallel()
	out := newShop(t).Must("ask", unknownEN)
	holds(t, "stdout", out, "help@example.com")
}

func TestWhatAskAddsIsInTheCustomersLanguageAndNamesNoModelWhereNoneWasAsked(t *testing.T) {
	t.Parallel()
	r := e2e.NewSite(t, "KEFU_KNOWLEDGE_PATH="+e2e.KB(t)).Run("ask", "Slate T10 屏幕分辨率是多少？")
	holds(t, "stdout", r.Stdout, "抱歉", "以下页面可能有帮助：", "https://help.example.com/zh/", "    “")
	if strings.Contains(r.Stdout, "This may help") {
		t.Errorf("English words under a Chinese answer:\n%s", r.Stdout)
	}
	if strings.Contains(r.Stderr, "·   ·") {
		t.Errorf("a gap where the model stands:\n%s", r.Stderr)
	}
}

// The command prints what the server would have sent, wherever it asked.
func TestAskPrintsTheJSONOfPostQuery(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	server := site.Serve()
	for _, question := range []string{simpleEN, complexZH, unknownEN} {
		body, err := json.Marshal(map[string]string{"question": question})
		if err != nil {
			t.Fatal(err)
		}
		_, reply, err := server.Post(t.Context(), "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		want := decode(t, string(reply))
		for _, args := range [][]string{
			{"ask", "--json", question},
			{"ask", "--json", "--server", server.URL, question},
			{"ask", "--json", "--server", server.URL + "/", question},
		} {
			got := decode(t, site.Must(args...))
			if g, w := shape(got), shape(want); !slices.Equal(g, w) {
				t.Errorf("kefu %s: fields %v\nwant %v", strings.Join(args, " "), g, w)
			}
			if got["answer"] != want["answer"] || got["route"] != want["route"] {
				t.Errorf("kefu %s: %v, want %v", strings.Join(args, " "), got, want)
			}
		}
	}
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return v
}

// shape lists the fields of an object and of the objects in it.
func shape(v map[string]any) []string {
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(v)) {
		fields = append(fields, name)
		inner := v[name]
		if list, ok := inner.([]any); ok && len(list) > 0 {
			inner = list[0]
		}
		if object, ok := inner.(map[string]any); ok {
			for _, f := range shape(object) {
				fields = append(fields, name+"."+f)
			}
		}
	}
	return fields
}

func TestExitStatusTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	taken := site.Serve()
	addr := strings.TrimPrefix(taken.URL, "http://")
	for _, tt := range []struct {
		name string
		env  []string
		yaml string
		args []string
		code int
		says []string
	}{
		{"an unknown flag is usage", nil, "", []string{"ask", "--loud", "hello"}, 2, []string{"--loud", "kefu ask --help"}},
		{"a flag that is needed is usage", nil, "", []string{"guard", "train", "--dir", "docs"}, 2, []string{`"out" not set`, "kefu guard train --help"}},
		{"an unknown command is usage", nil, "", []string{"serv"}, 2, []string{`"serv"`, "serve"}},
		{"an unknown command below another is usage", nil, "", []string{"kb", "lod", "docs"}, 2, []string{`"lod"`, "load"}},
		{"an unknown command below prices is usage", nil, "", []string{"prices", "lst"}, 2, []string{`"lst"`, "list"}},
		{"a missing argument is usage", nil, "", []string{"ask"}, 2, []string{"ask QUESTION"}},
		{"a surplus argument is usage", nil, "", []string{"serve", "now"}, 2, []string{"now"}},
		{"an unknown key names its place and the nearest key", nil, "addr: 127.0.0.1:0\ncache:\n  memory_entrys: 5\n", []string{"serve"}, 2, []string{`kefu: kefu.yaml:3:3: unknown key "cache.memory_entrys"; did you mean "cache.memory_entries"`}},
		{"a bad value names its place and what is allowed", nil, "log:\n  level: loud\n", []string{"serve"}, 2, []string{"kefu: kefu.yaml:2:10: log.level: want debug, info, warn or error"}},
		{"a value out of range names the range", nil, "answer:\n  attempts: 99\n", []string{"ask", "hi"}, 2, []string{"kefu.yaml:2:13", "answer.attempts", "1 to 20"}},
		{"broken YAML names its place", nil, "addr: [\n", []string{"serve"}, 2, []string{"kefu.yaml:1"}},
		{"a bad variable is named with what is allowed", []string{"KEFU_CACHE_JITTER=2"}, "", []string{"kb", "list"}, 2, []string{"KEFU_CACHE_JITTER", "0 to 0.5"}},
		{"an unknown variable is named with the nearest", []string{"KEFU_DATADIR=/tmp"}, "", []string{"kb", "list"}, 2, []string{"KEFU_DATADIR", "did you mean KEFU_DATA_DIR"}},
		{"a missing configuration file is named", nil, "", []string{"--config", "nowhere.yaml", "serve"}, 2, []string{"kefu: configuration file nowhere.yaml: no such file or directory\n"}},
		{"an open address needs a key", []string{"KEFU_ADDR=0.0.0.0:0"}, "", []string{"serve"}, 2, []string{"KEFU_API_KEY"}},
		{"an empty question is usage", nil, "", []string{"ask", " "}, 2, []string{"kefu: The question is empty."}},
		{"a question in another encoding is usage", nil, "", []string{"ask", "\xcd\xcb\xbb\xf5"}, 2, []string{"not UTF-8"}},
		{"a path of a variable that is not set is usage", nil, "", []string{"kb", "load", ""}, 2, []string{"an empty path names nothing"}},
		{"nor is that of a sync", nil, "", []string{"kb", "sync", "", "--source", "docs"}, 2, []string{"an empty path names nothing"}},
		{"an unknown model is usage", nil, "", []string{"ask", "--model", "gpt-9", "hi there"}, 2, []string{"unknown model", "offline"}},
		{"a server address that is none is usage", nil, "", []string{"ask", "--server", "localhost:8000", "hi"}, 2, []string{"--server", "http://"}},
		{"no server is a dependency", nil, "", []string{"ask", "--server", "http://127.0.0.1:1", "hi"}, 4, []string{"http://127.0.0.1:1", "kefu serve"}},
		{"no healthy server is a dependency", []string{"KEFU_ADDR=127.0.0.1:1"}, "", []string{"health"}, 4, []string{"http://127.0.0.1:1/health", "kefu serve"}},
		{"a taken port is a dependency", []string{"KEFU_ADDR=" + addr}, "", []string{"serve"}, 4, []string{addr, "KEFU_ADDR"}},
		{"a taken port for metrics is a dependency", []string{"KEFU_OPS_ADDR=" + addr}, "", []string{"serve"}, 4, []string{addr, "KEFU_OPS_ADDR"}},
		{"a database URL that is none is usage", []string{"DATABASE_URL=mysql://localhost"}, "", []string{"serve"}, 2, []string{"DATABASE_URL", "postgres://"}},
		{"an unknown document is a failure", nil, "", []string{"kb", "show", "doc_0"}, 1, []string{"doc_0", "kefu kb list"}},
		{"no document to remove is a failure", nil, "", []string{"kb", "rm", "doc_0"}, 1, []string{"doc_0", "kefu kb list"}},
		{"help is no error", nil, "", []string{"--help"}, 0, nil},
		{"a healthy server is no error", []string{"KEFU_ADDR=" + addr}, "", []string{"health"}, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			site := e2e.NewSite(t, append([]string{"KEFU_KNOWLEDGE_PATH=docs"}, tt.env...)...)
			if tt.yaml != "" {
				site.Write("kefu.yaml", tt.yaml)
			}
			r := site.Run(tt.args...)
			if r.Code != tt.code {
				t.Errorf("exit status %d, want %d", r.Code, tt.code)
			}
			holds(t, "stderr", r.Stderr, tt.says...)
			if tt.code != 0 && r.Stdout != "" {
				t.Errorf("stdout holds %q, want nothing but data", r.Stdout)
			}
			if lines := strings.Count(r.Stderr, "\n"); tt.code == 2 && lines > 3 {
				t.Errorf("stderr has %d lines for one mistake:\n%s", lines, r.Stderr)
			}
		})
	}
}

func TestAnInterruptedLoadExitsWith130AndLeavesWholeDocuments(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, slowVendor(t, "fixed:20s"))
	site := newShop(t, vendor.Env()...)
	load := site.Start("kb", "load", "docs")
	<-vendor.Asked()
	load.Signal(syscall.SIGINT)
	if code := load.Wait(); code != 130 {
		t.Errorf("exit status %d, want 130", code)
	}
	holds(t, "output", load.Log.String(), "interrupted")

	vendor.Behave(llmsim.Config{})
	holds(t, "the load after it", site.Must("kb", "load", "docs"), "3 added")
	holds(t, "the answer after it", site.Must("ask", simpleEN), "30 days")
}

func TestAReaderThatLeavesEarlyDoesNotKeepPublishersWaiting(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Must("kb", "load", "docs")
	for _, flags := range []string{"", "--json"} {
		piped := exec.CommandContext(t.Context(), "sh", "-c", fmt.Sprintf(`{ "$0" ask %s %q; echo "exit $?" >&2; } | true`, flags, simpleEN), e2e.Build(t))
		piped.Dir, piped.Env = site.Dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
		if out, err := piped.CombinedOutput(); err != nil || !strings.Contains(string(out), "exit 0") {
			t.Errorf("%v: %s, want exit 0", err, out)
		}
		var leases int
		if err := site.DB().QueryRow("SELECT count(*) FROM replicas").Scan(&leases); err != nil || leases != 0 {
			t.Errorf("%d leases are left (%v), want none", leases, err)
		}
	}
}
