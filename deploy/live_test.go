package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kefu/internal/config"
	"kefu/internal/testenv"
)

// Limits of the live test; a busy machine needs most of them.
const (
	readyWithin = time.Minute
	dataWithin  = 2 * time.Minute
	exitWithin  = 40 * time.Second
	seriesCap   = 1500
)

// The real program, with Redis, PostgreSQL and the simulated provider, is asked
// questions that succeed, hit the cache, find no answer, are malformed or meet a
// failing provider. A real Prometheus scrapes it, and every query of every
// dashboard must then return data.
func TestEveryPanelShowsDataOfTheRealProgram(t *testing.T) {
	bin := build(t)
	sim := startProgram(t, filepath.Join(bin, "llmsim"), nil, "-addr")
	ops := freeAddr(t)
	kefu := startProgram(t, filepath.Join(bin, "kefu"), []string{
		"KEFU_OPS_ADDR=" + ops, "KEFU_DATA_DIR=" + t.TempDir(), "KEFU_KNOWLEDGE_PATH=" + absolute(t, filepath.Join(root, "kb")),
		"DATABASE_URL=" + testenv.Postgres(t), "REDIS_URL=" + testenv.Redis(t),
		"OPENAI_BASE_URL=http://" + sim.addr + "/v1", "OPENAI_API_KEY=sk-simulated-0123456789",
		"KEFU_HANDOFF_EMAIL=help@example.com",
	}, "serve")
	kefu.await(t, "/readyz")
	health := exec.Command(filepath.Join(bin, "kefu"), "health")
	health.Env = append(os.Environ(), "KEFU_ADDR="+kefu.addr)
	if out, err := health.CombinedOutput(); err != nil {
		t.Errorf("kefu health, the image's health check: %v\n%s", err, out)
	}

	prometheus := testenv.Prometheus(t, map[string]string{"kefu": ops}, glob(t, "prometheus/rules/*.yml")...)
	ctx, stop := context.WithTimeout(t.Context(), dataWithin)
	var load sync.WaitGroup
	load.Go(func() { ask(ctx, t, kefu.addr, sim.addr) })
	defer load.Wait()
	defer stop()

	pending := map[string]string{} // expression by where it stands
	queries(t, func(where string, p panel) {
		for _, q := range p.Targets {
			pending[where+" "+q.RefID] = filled(q.Expr)
		}
	})
	t.Logf("%d queries", len(pending))
	for len(pending) > 0 && ctx.Err() == nil {
		for where, expr := range pending {
			if values := query(ctx, t, prometheus, expr); finite(values) {
				delete(pending, where)
			}
		}
		wait(ctx, time.Second)
	}
	for where, expr := range pending {
		t.Errorf("%s shows no data: %s", where, expr)
	}
	series := query(t.Context(), t, prometheus, `count({job="kefu", __name__=~"(llm|http|kefu)_.+"})`)
	t.Logf("series: %v", series)
	if len(series) != 1 || series[0] > seriesCap {
		t.Errorf("series = %v, want at most %d", series, seriesCap)
	}
}

// A runbook is read at night: its commands and settings must exist.
func TestRunbooksNameCommandsAndSettingsThatExist(t *testing.T) {
	bin := filepath.Join(build(t), "kefu")
	command := regexp.MustCompile("`kefu ([a-z]+(?: [a-z]+)*)")
	setting := regexp.MustCompile(`\b(KEFU_[A-Z_]+|[A-Z]+_URL|[A-Z]+_API_KEY)\b`)
	for _, file := range glob(t, "runbooks/*.md") {
		text := read(t, file)
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			out, err := exec.Command(bin, append(strings.Fields(m[1]), "--help")...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "kefu "+m[1]) {
				t.Errorf("%s: there is no command kefu %s", file, m[1])
			}
		}
		for _, name := range setting.FindAllString(text, -1) {
			if !slices.ContainsFunc(config.Reference(), func(s config.Setting) bool { return s.Env == name }) {
				t.Errorf("%s: there is no setting %s", file, name)
			}
		}
	}
}

// build compiles the binaries as the Dockerfile does.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=test", "-o", dir+"/", "./cmd/kefu", "./cmd/llmsim")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// program is a running binary that serves at addr.
type program struct {
	name, addr, log string
}

// startProgram runs a binary until the test ends; it must then exit with 0 on
// SIGTERM. The address is given by KEFU_ADDR, or after a trailing -addr.
func startProgram(t *testing.T, path string, env []string, args ...string) program {
	t.Helper()
	p := program{name: filepath.Base(path), addr: freeAddr(t), log: filepath.Join(t.TempDir(), "log")}
	if args[len(args)-1] == "-addr" {
		args = append(args, p.addr)
	}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "KEFU_ADDR=" + p.addr}, env...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		overdue := time.AfterFunc(exitWithin, func() { cmd.Process.Kill() })
		defer overdue.Stop()
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s after SIGTERM: %v", p.name, err)
		}
		if t.Failed() {
			log := read(t, p.log)
			t.Logf("%s wrote:\n%s", p.name, log[max(0, len(log)-4000):])
		}
	})
	return p
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await returns when the program answers 200 at path.
func (p program) await(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	for ctx.Err() == nil {
		if code, _ := send(ctx, http.MethodGet, "http://"+p.addr+path, ""); code == http.StatusOK {
			return
		}
		wait(ctx, 50*time.Millisecond)
	}
	t.Fatalf("%s is not ready after %v:\n%s", p.name, readyWithin, read(t, p.log))
}

// ask sends questions until ctx ends: the first half of every round with a
// provider that works, the second with one that does not.
func ask(ctx context.Context, t *testing.T, kefu, sim string) {
	n := 0 // makes questions new
	for ctx.Err() == nil {
		for _, config := range []string{`{}`, `{"failures":{"503":1}}`} {
			n++
			if code, err := send(ctx, http.MethodPut, "http://"+sim+"/sim/config", config); code/100 != 2 && ctx.Err() == nil {
				t.Errorf("simulator: %d %v", code, err)
			}
			questions := map[string]int{
				"How long do I have to return an item?":   200, // a hit from the second time on
				"退货需要几天之内申请？":                             200,
				fmt.Sprintf("Hello, I am customer %d", n): 200,
				fmt.Sprintf("Compare standard and express shipping for order %d: what are the times and costs?", n): 200,
				fmt.Sprintf("请比较第%d个订单的标准配送和加急配送，并说明费用和时间", n):                                                      200,
				fmt.Sprintf("What is the airspeed velocity of unladen swallow %d?", n):                              200, // nobody wrote this down
				"": 400,
			}
			for question, want := range questions {
				body, _ := json.Marshal(map[string]string{"question": question})
				if code, err := send(ctx, http.MethodPost, "http://"+kefu+"/query", string(body)); code != want && ctx.Err() == nil {
					t.Errorf("%q: status %d (%v), want %d", question, code, err, want)
				}
			}
			wait(ctx, 2*time.Second)
		}
	}
}

func send(ctx context.Context, method, url, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// query returns the values of an instant query.
func query(ctx context.Context, t *testing.T, base, expr string) []float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/query", strings.NewReader(url.Values{"query": {expr}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Status != "success" {
		t.Fatalf("%s: %s %v", expr, body.Error, err)
	}
	var values []float64
	for _, r := range body.Data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

// finite reports whether there is a value to draw.
func finite(values []float64) bool {
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return true
		}
	}
	return false
}

// wait lets time pass for the servers, until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
