// Package testenv gives tests the real servers that Kefu works with: Redis,
// PostgreSQL and Prometheus, each started on a free port of 127.0.0.1 from the
// programs installed on the machine.
//
// Redis and PostgreSQL are started once per test binary, by the first test
// that asks. A package whose tests use them says so in its TestMain:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
// They are then kept until the last test has ended. Without it everything
// works too, but a server is stopped as soon as no running test uses it and
// started again for the next one.
//
// A program that is not installed fails the test with the command that
// installs it. Servers die with the test binary, however it ends (Linux; on
// other systems they outlive a binary that was killed). No goroutine is left
// behind, so that leak checks see only the tested code's. The functions must
// not be called from inside a testing/synctest bubble.
package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// env is what the tests of this binary share.
var env struct {
	redis, postgres shared

	mu   sync.Mutex
	kept bool   // by Main: servers outlive the tests that use them
	dir  string // of all servers; "" until the first is started
}

// Main runs the tests and stops the servers after the last one.
func Main(m *testing.M) {
	Keep()
	defer Stop()
	m.Run()
}

// Keep and Stop are the two halves of Main, for a TestMain that has more to
// do: servers started after Keep run until Stop.
func Keep() {
	env.mu.Lock()
	defer env.mu.Unlock()
	env.kept = true
}

// Stop kills the shared servers and removes what they wrote.
func Stop() {
	env.redis.stop()
	env.postgres.stop()
	env.mu.Lock()
	defer env.mu.Unlock()
	if env.dir != "" {
		os.RemoveAll(env.dir) // a leftover is swept by the next run
		env.dir = ""
	}
}

// shared is a server for all tests of the binary, started on first use.
type shared struct {
	mu     sync.Mutex
	server *server
	users  int
}

// use returns the running server and holds it until t ends.
func (s *shared) use(t testing.TB, start func() (*server, error)) *server {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		srv, err := start()
		if err != nil {
			t.Fatal(err)
		}
		s.server = srv
	}
	s.users++
	t.Cleanup(s.release)
	return s.server
}

func (s *shared) release() {
	env.mu.Lock()
	kept := env.kept
	env.mu.Unlock()

	s.mu.Lock()
	s.users--
	idle := s.users == 0
	s.mu.Unlock()
	if idle && !kept {
		s.stop()
	}
}

func (s *shared) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil || s.users > 0 {
		return
	}
	s.server.remove()
	s.server = nil
}

// newDir makes the directory of one server, which other users may enter: a
// server started by root runs as somebody else.
func newDir(name string) (string, error) {
	env.mu.Lock()
	defer env.mu.Unlock()
	if env.dir == "" {
		sweep()
		dir, err := os.MkdirTemp("", dirPrefix+strconv.Itoa(os.Getpid())+"-")
		if err != nil {
			return "", err
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			return "", err
		}
		env.dir = dir
	}
	dir, err := os.MkdirTemp(env.dir, name+"-")
	if err != nil {
		return "", fmt.Errorf("directory of %s: %w", name, err)
	}
	return dir, nil
}

const dirPrefix = "kefu-testenv-"

// sweep removes the directories of test binaries that were killed.
func sweep() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		if pid, err := strconv.Atoi(owner); err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			os.RemoveAll(dir)
		}
	}
}
