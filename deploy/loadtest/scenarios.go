package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// redisServer starts a private Redis without persistence.
func (l *lab) redisServer(ctx context.Context) (string, error) {
	addr, err := freeAddr()
	if err != nil {
		return "", err
	}
	_, err = l.start(ctx, "redis", nil, listens(addr), "redis-server", "--port", port(addr), "--bind", "127.0.0.1", "--save", "", "--dir", l.dir)
	return addr, err
}

func (l *lab) simulator(ctx context.Context, o options, args ...string) (string, error) {
	addr, err := freeAddr()
	if err != nil {
		return "", err
	}
	_, err = l.start(ctx, "llmsim", nil, listens(addr), filepath.Join(o.bin, "llmsim"), append([]string{"--addr", addr}, args...)...)
	return addr, err
}

// server starts Kefu on its own database.
func (l *lab) server(ctx context.Context, o options, env ...string) (*process, string, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	env = append([]string{
		"KEFU_ADDR=" + addr, "KEFU_DATA_DIR=" + filepath.Join(l.dir, "data"), "KEFU_LIMIT_REQUESTS_PER_MINUTE=0",
	}, env...)
	p, err := l.start(ctx, "kefu", env, answers("http://"+addr+"/readyz"), filepath.Join(o.bin, "kefu"), "serve")
	return p, addr, err
}

func (l *lab) bare(ctx context.Context, redis, upstream string) (*process, string, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	p, err := l.start(ctx, "bare", nil, answers("http://"+addr+"/health"), self, "-bare", addr, "-redis", "redis://"+redis, "-upstream", upstream)
	return p, addr, err
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

const hot = "How long is the warranty of the smart lamp?"

// measureHits compares a cached answer with the bare handler's one Redis GET.
func measureHits(ctx context.Context, o options, l *lab) error {
	redis, err := l.redisServer(ctx)
	if err != nil {
		return err
	}
	base, baseAddr, err := l.bare(ctx, redis, "")
	if err != nil {
		return err
	}
	viaRedis, redisAddr, err := l.server(ctx, o, "REDIS_URL=redis://"+redis, "KEFU_CACHE_MEMORY_ENTRIES=0", "KEFU_DATA_DIR="+filepath.Join(l.dir, "a"))
	if err != nil {
		return err
	}
	viaMemory, memoryAddr, err := l.server(ctx, o, "REDIS_URL=redis://"+redis, "KEFU_DATA_DIR="+filepath.Join(l.dir, "b"))
	if err != nil {
		return err
	}
	reply, err := warm(ctx, redisAddr, hot, "redis")
	if err != nil {
		return err
	}
	if _, err := warm(ctx, memoryAddr, hot, "memory"); err != nil {
		return err
	}
	if err := storeBareReply(ctx, redis, reply); err != nil {
		return err
	}
	request := func(int, int) string { return `{"question":"` + hot + `","user_id":"load"}` }
	for _, conns := range []int{32, 256} {
		results := map[string][]sample{}
		for range o.rounds {
			for _, s := range []struct {
				name, addr string
				p          *process
			}{{"bare", baseAddr, base}, {"redis", redisAddr, viaRedis}, {"memory", memoryAddr, viaMemory}} {
				got, err := load(ctx, s.addr, "/query", conns, o.each, s.p, request)
				if err != nil {
					return err
				}
				if got.failed > 0 {
					return fmt.Errorf("%s: %d of the requests failed", s.name, got.failed)
				}
				results[s.name] = append(results[s.name], got)
			}
		}
		bare := median(results["bare"], perSecond)
		fmt.Printf("\ncache hit, %d connections (median of %d rounds)\n", conns, o.rounds)
		row := func(label, name, bound string) {
			r := results[name]
			fmt.Printf("  %-34s %8.0f /s  %5.2f ×  p50 %-9s p99 %-9s CPU %-7s %s\n", label, median(r, perSecond), median(r, perSecond)/bare,
				millis(median(r, p50)), millis(median(r, p99)), micros(median(r, cpuPer)), bound)
		}
		row("bare Gin handler, one Redis GET", "bare", "")
		row("Kefu, Redis tier", "redis", "(bound ≥ 0.75 ×)")
		row("Kefu, memory tier", "memory", "(bound ≥ 1.3 ×)")
	}
	return nil
}

// measureMisses compares what Kefu and the bare handler add to an upstream
// call of 50 ms when nothing is cached.
func measureMisses(ctx context.Context, o options, l *lab) error {
	redis, err := l.redisServer(ctx)
	if err != nil {
		return err
	}
	sim, err := l.simulator(ctx, o, "--latency", "fixed:50ms")
	if err != nil {
		return err
	}
	upstream := "http://" + sim + "/v1"
	base, baseAddr, err := l.bare(ctx, redis, upstream+"/chat/completions")
	if err != nil {
		return err
	}
	kefu, kefuAddr, err := l.server(ctx, o, "REDIS_URL=redis://"+redis, "OPENAI_API_KEY=load-test", "OPENAI_BASE_URL="+upstream, "KEFU_LOG_LEVEL=info")
	if err != nil {
		return err
	}
	var questions asked
	if route, err := routeOf(ctx, kefuAddr, questions.next()); err != nil || route != "simple" {
		return fmt.Errorf("the load's questions take the %s route, want simple (%v)", route, err)
	}
	for _, conns := range []int{32, 256} {
		results := map[string][]sample{}
		for range o.rounds {
			for _, s := range []struct {
				name, addr, path string
				p                *process
				body             func(conn, i int) string
			}{
				{"direct", sim, "/v1/chat/completions", nil, func(int, int) string {
					return `{"model":"gpt-6-luna","messages":[{"role":"user","content":"` + questions.next() + `"}]}`
				}},
				{"bare", baseAddr, "/query", base, func(int, int) string { return `{"question":"` + questions.next() + `"}` }},
				{"kefu", kefuAddr, "/query", kefu, func(int, int) string { return `{"question":"` + questions.next() + `"}` }},
			} {
				got, err := load(ctx, s.addr, s.path, conns, o.each, s.p, s.body)
				if err != nil {
					return err
				}
				if got.failed > 0 {
					return fmt.Errorf("%s: %d of the requests failed", s.name, got.failed)
				}
				results[s.name] = append(results[s.name], got)
			}
		}
		direct := median(results["direct"], p50)
		bareAdded, kefuAdded := median(results["bare"], p50)-direct, median(results["kefu"], p50)-direct
		bareCPU, kefuCPU := median(results["bare"], cpuPer), median(results["kefu"], cpuPer)
		fmt.Printf("\ncache miss, simple route, upstream of 50 ms, everything recorded, %d connections (median of %d rounds)\n", conns, o.rounds)
		fmt.Printf("  %-42s p50 %s\n", "the simulator called directly", millis(direct))
		fmt.Printf("  %-42s adds %-9s CPU %s per request\n", "bare Gin handler: GET, call, SETEX", millis(bareAdded), micros(bareCPU))
		fmt.Printf("  %-42s adds %-9s CPU %s per request\n", "Kefu", millis(kefuAdded), micros(kefuCPU))
		fmt.Printf("  %-42s added p50 %.2f × (bound ≤ 1.7 ×)   CPU %.2f × (bound ≤ 2 ×)\n", "ratio", kefuAdded/bareAdded, kefuCPU/bareCPU)
	}
	return nil
}

// asked counts the questions of a run.
type asked struct{ n atomic.Int64 }

// next makes a question of one fact that no cache has seen.
func (a *asked) next() string {
	return fmt.Sprintf("How long is the warranty of the smart lamp? (%d)", a.n.Add(1))
}

// warm asks until the answer comes from the given cache tier.
func warm(ctx context.Context, addr, question, tier string) ([]byte, error) {
	for range 200 {
		raw, err := ask(ctx, addr, question)
		if err != nil {
			return nil, err
		}
		var a struct {
			Tier *string `json:"cache_tier"`
		}
		if err := json.Unmarshal(raw, &a); err != nil {
			return nil, err
		}
		if a.Tier != nil && *a.Tier == tier {
			return raw, nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, fmt.Errorf("%q is never answered from %s", question, tier)
}

func routeOf(ctx context.Context, addr, question string) (string, error) {
	raw, err := ask(ctx, addr, question)
	if err != nil {
		return "", err
	}
	var a struct{ Route string }
	err = json.Unmarshal(raw, &a)
	return a.Route, err
}

func ask(ctx context.Context, addr, question string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]string{"question": question})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/query", strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, raw)
	}
	return raw, err
}
