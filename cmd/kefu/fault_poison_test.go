package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// poisons are within every limit of size, and dear to read; and what is to
// become of them.
var poisons = []struct{ name, text, status, code string }{
	{"links.md", "# Links\n\n" + strings.Repeat("[a](", 1<<19), "failed", "file_too_intricate"},
	{"nested.html", "<html><body>" + strings.Repeat("<div><p>a", 400) + strings.Repeat("<b>a</b><i>b</i>", 49_000) + "</body></html>", "ready", ""},
	{"marks.md", "# Marks\n\n" + strings.Repeat(strings.Repeat("*a_ **b", 600)+"\n\n", 500), "failed", "file_too_intricate"},
}

// operatedShop is one whose operator hands documents in.
type operatedShop struct {
	*faultyShop
	key string
}

func poisonDocuments(t *testing.T) {
	s := operatedShop{newCrowdedShop(t), ""}
	s.key = strings.TrimSpace(s.site.Must("keys", "create", "--role", "operator"))
	s.first.Behave(slowVendor(t, fmt.Sprintf("fixed:%v", slowest)))
	const questions = 4 * places
	var usual, disturbed time.Duration
	for round := 0; round < rounds && (round == 0 || disturbed > usual*11/10); round++ {
		visits, _ := s.calm(questions, places/2)
		usual = p99(visits)
		end := s.poison()
		visits, _ = s.calm(questions, places/2)
		disturbed = p99(visits)
		if got := s.handIn("good.md", "# Typewriters\n\nWe repair mechanical typewriters for 80 euros.\n"); got.Status != "ready" {
			t.Errorf("a good document among them: %+v", got)
		}
		t.Logf("99 %% usually within %v, within %v beside %d poison documents", usual, disturbed, end())
	}
	if disturbed > usual*11/10 {
		t.Errorf("99 %% of the answers within %v beside the poison, want at most a tenth more than %v", disturbed, usual)
	}
	s.first.Behave(llmsim.Config{})
	if a := s.Ask(unknownEN); !strings.Contains(a.Answer, "80 euros") {
		t.Errorf("from the good document: %+v", a)
	}
	s.readersComeAndGo()
	s.site.Serve().Stop() // nothing of it is left that would keep another from the same place
}

// poison hands in one document after another that is dear to read, until end is
// called, which returns how many.
func (s operatedShop) poison() (end func() int) {
	ctx, stop := context.WithCancel(s.t.Context())
	var poisoner sync.WaitGroup
	given := 0
	poisoner.Go(func() {
		for ; ctx.Err() == nil && !s.t.Failed(); given++ {
			p := poisons[given%len(poisons)]
			if got := s.handIn(p.name, p.text); got.Status != p.status || got.Code != p.code {
				s.t.Errorf("%s: %+v, want %s %s", p.name, got, p.status, p.code)
			}
		}
	})
	return func() int {
		stop()
		poisoner.Wait()
		return given
	}
}

// readersComeAndGo harms the processes that read documents, and then the server.
func (s operatedShop) readersComeAndGo() {
	t := s.t
	long := strings.Repeat("One word stands after another. ", 2000) // a short text needs no reader
	reader := s.reader()
	if priority, err := syscall.Getpriority(0, reader); err != nil || priority != 20-12 && priority != 12 { // as Linux and as macOS say it
		t.Errorf("the priority of the reader is %d (%v), want a low one", priority, err)
	}
	s.signal(reader, syscall.SIGSTOP)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if got := s.handIn("waits.md", "# Waits\n\nFor a reader that does nothing.\n"+long); got.Status != "ready" {
			t.Errorf("a document whose reader hung and was killed: %+v", got)
		}
	})
	e2e.Eventually(t, "a reader is asked that does nothing", func() bool { return s.status("waits.md") == "extracting" })
	if got := s.handIn("passes.md", "# Passes\n\nIt is read by another.\n"+long); got.Status != "ready" {
		t.Errorf("beside a document that takes forever: %+v", got)
	}
	s.signal(reader, syscall.SIGKILL)
	waiting.Wait()

	reader = s.reader()
	s.Signal(syscall.SIGKILL)
	s.Wait()
	e2e.Eventually(t, "the reader ends with the server", func() bool { return !slices.Contains(readers(t, ""), fmt.Sprint(reader)) })
}

func (s *faultyShop) signal(pid int, sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		s.t.Fatalf("send %v to %d: %v", sig, pid, err)
	}
}

// reader is a process that reads for the server.
func (s *faultyShop) reader() (pid int) {
	s.t.Helper()
	of := readers(s.t, fmt.Sprint(s.PID()))
	if len(of) == 0 {
		s.t.Fatal("no process reads documents")
	}
	if _, err := fmt.Sscan(of[0], &pid); err != nil {
		s.t.Fatal(err)
	}
	return pid
}

// readers are the processes that read documents for a parent; empty: for any.
func readers(t *testing.T, parent string) (pids []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-A", "-o", "pid=,ppid=,args=").Output()
	if err != nil {
		t.Fatalf("ps: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) > 3 && f[3] == "read-documents" && (parent == "" || f[1] == parent) {
			pids = append(pids, f[0])
		}
	}
	return pids
}

// intake is how far a document has come.
type intake struct{ ID, Path, Status, Code string }

// handIn hands a document in, and returns what has become of it. It may be
// called from any goroutine.
func (s operatedShop) handIn(name, text string) intake {
	body, _ := json.Marshal(map[string]string{"name": name, "text": text})
	status, reply, err := s.call(http.MethodPost, "/v1/documents", body)
	switch {
	case err != nil:
		return intake{Status: err.Error()}
	case status == http.StatusCreated:
		return reply.Data[0]
	case status != http.StatusAccepted:
		return intake{Status: fmt.Sprint("status ", status), Code: reply.Code}
	}
	for s.t.Context().Err() == nil {
		switch now := s.status(name); now {
		case "queued", "extracting", "embedding":
			time.Sleep(20 * time.Millisecond) // lets the server work
		case "":
			return intake{Path: name, Status: "ready"}
		default:
			_, reply, _ = s.call(http.MethodGet, "/v1/documents?status="+now, nil)
			i := slices.IndexFunc(reply.Data, func(d intake) bool { return d.Path == name })
			if i < 0 {
				continue
			}
			return reply.Data[i]
		}
	}
	return intake{}
}

// status is that of a document on its way in, or that failed; empty: of none.
func (s operatedShop) status(name string) string {
	for _, state := range []string{"queued", "extracting", "embedding", "failed"} { // in this order it comes through them
		_, reply, err := s.call(http.MethodGet, "/v1/documents?status="+state, nil)
		if err != nil {
			return err.Error()
		}
		if slices.ContainsFunc(reply.Data, func(d intake) bool { return d.Path == name }) {
			return state
		}
	}
	return ""
}

type documentsReply struct {
	Data []intake
	Code string
}

func (s operatedShop) call(method, path string, body []byte) (status int, reply documentsReply, err error) {
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, reply, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := s.Client.Do(req)
	if err != nil {
		return 0, reply, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(raw, &reply)
	}
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		err = errors.New(reply.Code)
	}
	return resp.StatusCode, reply, err
}
