package child

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Priority of a process: a low one. Beside an answer that wants the processor,
// Linux gives it 6 % of the time (a weight of 70 beside 1,024), which slows the
// answer within the 10 % that are promised. With the lowest (15 beside 1,024) a
// document that takes two seconds waited for minutes on a busy machine.
const (
	low          = 12
	prioForGroup = 1 // PRIO_PGRP of setpriority(2): all threads, on Linux and macOS
)

// process is one that runs. It is for one user at a time.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	to    *gob.Encoder
	from  *gob.Decoder
	said  head
	leave *time.Timer // of an idle one: ends it
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	// A group of its own: ^C of a terminal reaches whoever asks, who decides.
	cmd.Stderr, cmd.SysProcAttr = &p.said, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_ = syscall.Setpriority(prioForGroup, cmd.Process.Pid, low) // else it only disturbs more
	p.in, p.to, p.from = in, gob.NewEncoder(in), gob.NewDecoder(out)
	return p, nil
}

// watch calls overdue when the process has had limit of processor time from now
// on, unless ctx or the process ends first.
func (p *process) watch(ctx context.Context, limit time.Duration, overdue func()) {
	const often = 10 * time.Millisecond
	before, err := p.busy()
	for had := before; err == nil; had, err = p.busy() {
		left := limit - (had - before)
		if left <= 0 {
			overdue()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(left, often)):
		}
	}
}

// do sends a request and waits for its reply. The process is killed when ctx
// ends first.
func (p *process) do(ctx context.Context, request, reply any) error {
	release := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	err := p.to.Encode(request)
	if err == nil {
		err = p.from.Decode(reply)
	}
	if !release() {
		return ctx.Err()
	}
	return err
}

// end kills the process, which holds nothing that could be lost, and returns
// the first line that it wrote to stderr.
func (p *process) end() (said string) {
	_ = p.in.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	first, _, _ := strings.Cut(strings.TrimSpace(p.said.String()), "\n")
	return first
}

// head keeps the beginning of what is written to it.
type head struct{ bytes.Buffer }

// mostHead is how many bytes of stderr are kept: the rest of a crash is a list
// of goroutines.
const mostHead = 1 << 10

func (h *head) Write(b []byte) (int, error) {
	h.Buffer.Write(b[:min(len(b), mostHead-h.Len())])
	return len(b), nil
}
