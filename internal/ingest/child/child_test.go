package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests start this test program again, which then serves.
const serving = "KEFU_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(serving) == "" {
		os.Exit(m.Run())
	}
	if err := Serve(context.Background(), os.Stdin, os.Stdout, perform); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type order struct {
	Deed string
	Text []byte
}

type result struct {
	Text     string
	PID      int
	Priority int
}

func perform(_ context.Context, o order) result {
	switch o.Deed {
	case "hang":
		for busy := 0; ; busy++ { // it takes a processor and yields it to nobody
		}
	case "wait": // as one does that others keep from the processor
		time.Sleep(2 * little)
	case "crash":
		go panic("it fell apart") // which no recover holds up
		select {}
	case "swallow":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<20))
			clear(all[len(all)-1])
		}
	}
	priority, _ := syscall.Getpriority(0, 0)
	return result{fmt.Sprint(len(o.Text), o.Deed), os.Getpid(), priority}
}

func again() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serving+"=1")
	return cmd, nil
}

// little is more processor time than anything takes but what hangs.
const little = time.Second

// enough is more than anything takes that is to succeed.
const enough = time.Minute

func do(t *testing.T, p *Pool, deed string) result {
	t.Helper()
	var r result
	if err := p.Do(t.Context(), enough, order{Deed: deed, Text: make([]byte, 5<<20)}, &r); err != nil {
		t.Fatalf("%s: %v", deed, err)
	}
	if want := fmt.Sprint(5<<20, deed); r.Text != want {
		t.Fatalf("reply = %q, want %q", r.Text, want)
	}
	return r
}

func TestRequestsThatFollowEachOtherShareAProcessOfLowPriority(t *testing.T) {
	p := New(2, again)
	defer p.Close()
	first := do(t, p, "first")
	if first.PID == os.Getpid() {
		t.Error("it was done in this process")
	}
	if first.Priority != low && first.Priority != 20-low { // as macOS and as Linux say it
		t.Errorf("priority = %d, want the low one", first.Priority)
	}
	if second := do(t, p, "second"); second.PID != first.PID {
		t.Errorf("processes %d and %d, want one", first.PID, second.PID)
	}
}

func TestOneRequestDoesNotWaitForAnotherWhileThereIsAPlace(t *testing.T) {
	p := New(2, again)
	defer p.Close()
	ctx, stop := context.WithCancel(t.Context())
	var hanging sync.WaitGroup
	hanging.Go(func() {
		if err := p.Do(ctx, enough, order{Deed: "hang"}, new(result)); !errors.Is(err, context.Canceled) {
			t.Errorf("what was given up = %v", err)
		}
	})
	do(t, p, "beside it")
	stop()
	hanging.Wait()
}

func TestARequestThatTakesTooLongCostsItsProcessAlone(t *testing.T) {
	p := New(1, again)
	defer p.Close()
	first := do(t, p, "before")
	if err := p.Do(t.Context(), little, order{Deed: "hang"}, new(result)); !errors.Is(err, ErrOverdue) {
		t.Errorf("error = %v, want that it is overdue", err)
	}
	if next := do(t, p, "after"); next.PID == first.PID || syscall.Kill(first.PID, 0) == nil {
		t.Errorf("process %d is still there", first.PID)
	}
}

func TestARequestThatEndsItsProcessSaysWhy(t *testing.T) {
	p := New(1, again)
	defer p.Close()
	for deed, why := range map[string]string{"crash": "panic: it fell apart", "swallow": "512 MB of memory"} {
		var crash *CrashError
		if err := p.Do(t.Context(), enough, order{Deed: deed}, new(result)); !errors.As(err, &crash) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s = %v, want %q", deed, err, why)
		}
		do(t, p, "after")
	}
}

func TestAProcessThatHasEndedMeanwhileIsReplaced(t *testing.T) {
	p := New(1, again)
	defer p.Close()
	first := do(t, p, "before")
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	do(t, p, "after")
}

func TestAProcessEndsWithWhoeverStartedItAlsoWhileItWorks(t *testing.T) {
	cmd, err := again()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.to.Encode(order{Deed: "hang"}); err != nil {
		t.Fatal(err)
	}
	p.in.Close() // as the system does when a process has been killed
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestWhatDoesNotStartIsSaid(t *testing.T) {
	p := New(1, func() (*exec.Cmd, error) { return exec.Command("/nowhere/kefu"), nil })
	var crash *CrashError
	if err := p.Do(t.Context(), enough, order{}, new(result)); !errors.Is(err, os.ErrNotExist) || errors.As(err, &crash) {
		t.Errorf("error = %v, want that there is no such program", err)
	}
}

func TestIdleProcessesEndWithThePool(t *testing.T) {
	p := New(1, again)
	pid := do(t, p, "one").PID
	p.Close()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}
