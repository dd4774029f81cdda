package testenv

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// redisDatabases is how many tests of one binary can have a database each.
const redisDatabases = 4096

var redisTests atomic.Int64

// Redis returns the URL (redis://127.0.0.1:port/n) of an empty database in the
// binary's server. Nothing is written to disk.
func Redis(t testing.TB) string {
	t.Helper()
	s := env.redis.use(t, startRedis)
	n := redisTests.Add(1) % redisDatabases
	if _, err := s.redis(context.Background(), fmt.Sprintf("SELECT %d\r\nFLUSHDB\r\nINFO server\r\n", n)); err != nil {
		t.Fatalf("empty Redis database: %v", err)
	}
	return fmt.Sprintf("redis://%s/%d", s.addr, n)
}

// Server is a Redis server of one test's own, which may be stopped and started
// again at the same address. Its methods fail the test if they cannot do what
// they say; they are not safe for concurrent use.
type Server struct {
	t testing.TB
	s *server
}

// OwnRedis starts a server that lives until t ends. It forgets everything when
// it is stopped.
func OwnRedis(t testing.TB) *Server {
	t.Helper()
	s, err := startRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	return &Server{t, s}
}

// Addr is the server's host:port.
func (s *Server) Addr() string { return s.s.addr }

// URL is the server's redis:// URL.
func (s *Server) URL() string { return "redis://" + s.s.addr }

// Stop kills the server (kill -9): connections break, new ones are refused.
func (s *Server) Stop() { s.s.kill() }

// Start starts the stopped server, empty, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Pause freezes the server (SIGSTOP): the kernel still accepts connections,
// nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.s.signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func startRedis() (*server, error) {
	path, err := find("redis-server", "apt-get install redis-server, or brew install redis")
	if err != nil {
		return nil, err
	}
	return launch("redis", func(dir, addr string) (*server, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return &server{
			path: path,
			args: []string{
				"--bind", "127.0.0.1", "--port", port, "--dir", dir,
				"--save", "", "--appendonly", "no", "--databases", strconv.Itoa(redisDatabases),
			},
			ready: redisReady,
		}, nil
	})
}

// redisReady compares the process id that the server names with ours.
func redisReady(ctx context.Context, s *server) error {
	pid, err := s.redis(ctx, "INFO server\r\n")
	if err == nil && pid != strconv.Itoa(s.cmd.Process.Pid) {
		err = fmt.Errorf("another server listens on %s", s.addr)
	}
	return err
}

// redis sends commands of which the last is INFO server, and returns the
// process id from its reply.
func (s *server) redis(ctx context.Context, commands string) (pid string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(commands)); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if pid, ok := strings.CutPrefix(lines.Text(), "process_id:"); ok {
			return pid, nil
		}
	}
	return "", fmt.Errorf("no answer to INFO: %w", lines.Err())
}
