// Package e2e runs the real program for tests: it builds kefu once for a test
// binary, gives each test an installation of its own, and talks to a started
// server as its users do. The program is built with the race detector when the
// tests are.
package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"kefu/internal/testenv"
)

// built is where the program of this test binary is.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// parallel is how many parallel tests run at a time, whatever the number of
// processors: they wait for processes and for time to pass more than they work.
const parallel = "8"

// Main runs the tests with the servers of testenv, then removes the program:
//
//	func TestMain(m *testing.M) { e2e.Main(m) }
func Main(m *testing.M) {
	if err := flag.Set("test.parallel", parallel); err != nil { // a -parallel of the command line wins
		panic(err)
	}
	testenv.Keep()
	defer testenv.Stop()
	defer func() { os.RemoveAll(built.dir) }()
	m.Run()
}

// Build compiles kefu, the first time it is called, and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	built.once.Do(func() { built.dir, built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "kefu")
}

// unwatched is SQLite as translated from C, and what it stands on, as in the
// Makefile: it works in memory that the race detector does not follow, and
// followed all the same it would be most of what a raced test does. Our own
// code is watched, and so is the driver that it calls.
var unwatched = [...]string{"modernc.org/sqlite/lib", "modernc.org/libc", "modernc.org/memory"}

func build() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "kefu-e2e-")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-ldflags", "-w -X main.version=test", "-o", dir + string(filepath.Separator)}
	if raced {
		args = append(args, "-race")
		for _, path := range unwatched {
			args = append(args, "-gcflags="+path+"=-race=false")
		}
	}
	cmd := exec.Command("go", append(args, "./cmd/kefu")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
}

// Root is the folder of go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = up
	}
}
