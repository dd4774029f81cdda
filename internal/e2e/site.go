package e2e

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // for Site.DB
	_ "modernc.org/sqlite"
)

// Limits of a busy machine; each is far beyond what is normal.
const (
	commandWithin = 3 * time.Minute
	startWithin   = 3 * time.Minute
	exitWithin    = 3 * time.Minute // the server's own grace is 25 s
)

// Site is an installation of kefu: a working directory with its data and the
// environment of its commands, in which nothing of the test's own is left but
// PATH. The server listens on a free port.
type Site struct {
	t   testing.TB
	Dir string
	env []string
}

// NewSite returns an empty installation; env lines win over its defaults.
func NewSite(t testing.TB, env ...string) *Site {
	t.Helper()
	s := &Site{t: t, Dir: t.TempDir(), env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "TZ=UTC",
		"GORACE=atexit_sleep_ms=0", // the default sleeps a second at each exit
		"KEFU_ADDR=127.0.0.1:0",
	}}
	return s.With(env...)
}

// With is the same installation with other settings.
func (s *Site) With(env ...string) *Site {
	return &Site{t: s.t, Dir: s.Dir, env: slices.Concat(s.env, env)}
}

// Write makes a file below the working directory, with its folders.
func (s *Site) Write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// DB opens the installation's database, past kefu.
func (s *Site) DB() *sql.DB {
	s.t.Helper()
	driver, name := "sqlite", "file:"+filepath.Join(s.Dir, "data", "kefu.db")+"?_pragma=busy_timeout(5000)"
	for _, line := range s.env {
		if url, ok := strings.CutPrefix(line, "DATABASE_URL="); ok {
			driver, name = "pgx", url
		}
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

// Result is how a command ended and what it wrote.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run executes a command line of kefu to its end.
func (s *Site) Run(args ...string) Result {
	s.t.Helper()
	return s.RunInput("", args...)
}

// RunInput is Run with something to read on stdin.
func (s *Site) RunInput(stdin string, args ...string) Result {
	s.t.Helper()
	cmd := s.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	overdue := time.AfterFunc(commandWithin, func() { _ = cmd.Process.Kill() })
	defer overdue.Stop()
	code, err := exitCode(cmd.Run())
	if err != nil {
		s.t.Fatalf("kefu %s: %v", strings.Join(args, " "), err)
	}
	return Result{code, stdout.String(), stderr.String()}
}

// Must is Run for a command that has to succeed; it returns its stdout.
func (s *Site) Must(args ...string) string {
	s.t.Helper()
	r := s.Run(args...)
	if r.Code != 0 {
		s.t.Fatalf("kefu %s: exit status %d\n%s", strings.Join(args, " "), r.Code, r.Stderr)
	}
	return r.Stdout
}

func (s *Site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(Build(s.t), args...)
	cmd.Dir, cmd.Env = s.Dir, s.env
	return cmd
}

// exitCode tells a status from a failure to run at all. A death by a signal is
// 128 plus its number, as shells say it.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 0, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}

// Process is a command under way. It ends with the test at the latest, by
// SIGTERM, and must then exit with status 0.
type Process struct {
	t       testing.TB
	name    string
	cmd     *exec.Cmd
	Log     *Log // stdout and stderr
	Started time.Time
	ended   chan struct{} // closed once code is known
	code    int
}

// Start begins a command line of kefu.
func (s *Site) Start(args ...string) *Process {
	s.t.Helper()
	p := &Process{t: s.t, name: "kefu " + strings.Join(args, " "), cmd: s.command(args...), Log: newLog(), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.Log, p.Log
	p.Started = time.Now()
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { // ends with the process, which the cleanup waits for
		code, err := exitCode(p.cmd.Wait())
		if err != nil {
			code = -1
		}
		p.code = code
		p.Log.close()
		close(p.ended)
	}()
	s.t.Cleanup(p.cleanup)
	return p
}

// PID is the number that the system gave the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends sig, unless the process has ended.
func (p *Process) Signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s: send %v: %v", p.name, sig, err)
	}
}

// Ended tells whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Wait returns the exit status once the process has ended.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(exitWithin):
		_ = p.cmd.Process.Kill()
		<-p.ended
		p.t.Fatalf("%s did not end within %v\n%s", p.name, exitWithin, p.Log)
	}
	return p.code
}

// Stop ends the process as an operator does and returns its exit status.
func (p *Process) Stop() int {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	return p.Wait()
}

func (p *Process) cleanup() {
	if !p.Ended() {
		if code := p.Stop(); code != 0 {
			p.t.Errorf("%s: exit status %d after SIGTERM", p.name, code)
		}
	}
	if strings.Contains(p.Log.String(), "DATA RACE") {
		p.t.Errorf("%s: data race", p.name)
	}
	if p.t.Failed() {
		log := p.Log.String()
		p.t.Logf("%s wrote:\n%s", p.name, log[max(0, len(log)-6000):])
	}
}
