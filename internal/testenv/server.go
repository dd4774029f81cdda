package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startTimeout bounds the start of a server; a busy machine needs seconds.
const startTimeout = 60 * time.Second

// server is a program that listens on one port of 127.0.0.1.
type server struct {
	name string // for messages
	addr string // host:port
	dir  string // of its data and its log
	path string // of the program
	args []string
	cred *syscall.Credential // nil: the test's own user
	// ready returns nil once this very process answers at addr, and not one
	// of another test binary that took the port first.
	ready func(ctx context.Context, s *server) error

	cmd *exec.Cmd // nil while stopped
}

// launch starts what configure describes for a free port, and tries other
// ports when somebody was faster.
func launch(name string, configure func(dir, addr string) (*server, error)) (*server, error) {
	dir, err := newDir(name)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		s, err := configure(dir, addr)
		if err != nil {
			return nil, err
		}
		s.name, s.dir, s.addr = name, dir, addr
		if err = s.start(); err == nil {
			return s, nil
		}
		if attempt == 3 {
			return nil, err
		}
	}
}

// start runs the program and returns when it answers. Its output goes to a
// file, not through a pipe, which would need a goroutine.
func (s *server) start() error {
	out, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(s.path, s.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, out, out
	cmd.SysProcAttr = attributes(s.cred)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.cmd = cmd
	if err := s.await(); err != nil {
		s.kill()
		log, _ := os.ReadFile(out.Name())
		return fmt.Errorf("start %s on %s: %w\n%s", s.name, s.addr, err, tail(string(log), 20))
	}
	return nil
}

func (s *server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		err := s.ready(ctx, s)
		if err == nil {
			return nil
		}
		if s.exited() {
			return errors.New("it exited")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v: %w", startTimeout, err)
		case <-poll.C:
		}
	}
}

// exited reaps the process if it has ended. It does not wait for it, which
// would take a goroutine for the server's whole life.
func (s *server) exited() bool {
	pid, err := syscall.Wait4(s.cmd.Process.Pid, nil, syscall.WNOHANG, nil)
	if pid == 0 && err == nil {
		return false
	}
	s.cmd = nil
	return true
}

// kill ends the process at once, as kill -9 does, and waits until it is gone.
// It may be called on a stopped server.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill() // fails only if it is gone already
	s.cmd.Wait()         // reports the kill
	s.cmd = nil
}

// remove ends the server for good.
func (s *server) remove() {
	s.kill()
	os.RemoveAll(s.dir)
}

func (s *server) signal(sig syscall.Signal) error {
	if s.cmd == nil {
		return fmt.Errorf("%s is not running", s.name)
	}
	return s.cmd.Process.Signal(sig)
}

// freeAddr is an address that was free a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// find returns the first of the programs in PATH or in dirs (patterns; the
// last match is preferred, which is the newest version).
func find(program, install string, dirs ...string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range dirs {
		if matches, _ := filepath.Glob(filepath.Join(dir, program)); len(matches) > 0 {
			return matches[len(matches)-1], nil
		}
	}
	return "", fmt.Errorf("this test needs %s, which is not installed: %s (make test does it when run by root)", program, install)
}

// tail is the last n lines of text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
