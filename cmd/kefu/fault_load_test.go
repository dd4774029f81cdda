package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/e2e"
)

// A crowdedShop has so few places, and a provider so slow, that the places
// decide how many questions a second are answered, and not the machine.
const (
	places   = 8
	quickest = 200 * time.Millisecond * e2e.Slowdown
	slowest  = 2 * quickest
	// rounds is how often something is measured, with what it is compared with,
	// where a busy machine spoils it.
	rounds = 5
)

func newCrowdedShop(t *testing.T, env ...string) *faultyShop {
	t.Helper()
	s := newFaultyShop(t, slices.Concat([]string{fmt.Sprintf("KEFU_ADMISSION_CONCURRENCY=%d", places), "KEFU_MODELS_TIMEOUT=2m"}, env)...)
	s.first.Behave(slowVendor(t, fmt.Sprintf("uniform:%v-%v", quickest, slowest)))
	return s
}

// visit is what became of one question.
type visit struct {
	asked, took time.Duration // since the beginning of the load, and from there
	status      int
	batch       bool
}

// visit asks a question that is to be answered, or refused as is promised.
func (s *faultyShop) visit(began time.Time, question, key string, batch bool) visit {
	s.t.Helper()
	v := visit{asked: time.Since(began), batch: batch}
	body, _ := json.Marshal(map[string]string{"question": question})
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.URL+"/query", strings.NewReader(string(body)))
	if err != nil {
		s.t.Error(err)
		return v
	}
	req.Header.Set("Content-Type", "application/json")
	if batch {
		req.Header.Set("X-Kefu-Priority", "batch")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		s.t.Error(err)
		return v
	}
	defer resp.Body.Close()
	var reply struct {
		Code      string
		Retryable bool
		Provider  string
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		s.t.Error(err)
	}
	v.took, v.status = time.Since(began)-v.asked, resp.StatusCode
	refused := v.status == http.StatusServiceUnavailable && reply.Code == "overloaded" && reply.Retryable &&
		resp.Header.Get("Retry-After") != "" && resp.Header.Get("Content-Type") == "application/problem+json"
	if v.status != http.StatusOK && !refused {
		s.t.Errorf("%s: %d %+v, want an answer or a proper refusal", question, v.status, reply)
	}
	return v
}

// p99 is the time below which 99 of 100 visits stay, or all but one of fewer.
func p99(visits []visit) time.Duration {
	if len(visits) == 0 {
		return 0
	}
	took := make([]time.Duration, len(visits))
	for i, v := range visits {
		took[i] = v.took
	}
	slices.Sort(took)
	return took[(len(took)-1)*99/100]
}

func answered(visits []visit) (in, out []visit) {
	for _, v := range visits {
		if v.status == http.StatusOK {
			in = append(in, v)
		} else {
			out = append(out, v)
		}
	}
	return in, out
}

// calm asks some questions at a time, and returns how many a second were
// answered too.
func (s *faultyShop) calm(n, atATime int) (visits []visit, rate float64) {
	s.t.Helper()
	visits = make([]visit, n)
	began := time.Now()
	s.each(n, atATime, func(i int) {
		visits[i] = s.visit(began, s.question(), "", false)
		if visits[i].status != http.StatusOK {
			s.t.Errorf("refused while there is a place: %+v", visits[i])
		}
	})
	return visits, float64(n) / time.Since(began).Seconds()
}

// rush asks n questions, so many a second however long the answers take. Every
// other one is of a batch.
func (s *faultyShop) rush(n int, rate float64) []visit {
	s.t.Helper()
	visits := make([]visit, n)
	began := time.Now()
	var callers sync.WaitGroup
	for i := range n {
		time.Sleep(time.Duration(float64(i)/rate*float64(time.Second)) - time.Since(began))
		question := s.question()
		callers.Go(func() { visits[i] = s.visit(began, question, "", i%2 == 1) })
	}
	callers.Wait()
	return visits
}

func tripleLoad(t *testing.T) {
	s := newCrowdedShop(t)
	known := s.question()
	s.Ask(known)
	ctx, end := context.WithCancel(t.Context())
	var others sync.WaitGroup
	var hits atomic.Int64
	var beside track
	others.Go(func() { // what is cached is given as ever
		for ctx.Err() == nil {
			a, err := s.TryAsk(t.Context(), known)
			if err != nil || !a.CacheHit {
				t.Errorf("a cached answer: %+v %v", a, err)
			}
			hits.Add(1)
			began := time.Now()
			if status, _ := s.Get("/readyz"); status != http.StatusOK {
				t.Errorf("/readyz: %d", status)
			}
			beside.add(visit{took: time.Since(began)})
			time.Sleep(20 * time.Millisecond)
		}
	})
	var failures []string
	for range rounds {
		usual, _ := s.calm(3*places, places*6/10)
		_, capacity := s.calm(4*places, places)
		t.Logf("capacity %.1f a second, usually up to %v", capacity, p99(usual).Round(time.Millisecond))
		beside.take()
		if failures = s.overload(capacity, p99(usual), &beside); len(failures) == 0 {
			break
		}
		t.Logf("this round: %s", strings.Join(failures, "; "))
	}
	end()
	others.Wait()
	for _, f := range failures {
		t.Error(f)
	}
	t.Logf("%d cached answers meanwhile", hits.Load())
	if n := s.metric(`kefu_admission_refused_total{reason="batch"}`); n == 0 {
		t.Error("no refused batch is counted")
	}
	s.calm(2*places, places)
	s.unseen()
}

// track is what somebody beside the load sees.
type track struct {
	mu     sync.Mutex
	visits []visit
}

func (b *track) add(v visit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.visits = append(b.visits, v)
}

// take returns what was seen since the last time.
func (b *track) take() []visit {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.visits
	b.visits = nil
	return seen
}

// overload is three times what the shop can answer; it returns in what the shop
// falls short. What a refusal may take comes to what a request takes on this
// machine meanwhile that does nothing.
func (s *faultyShop) overload(capacity float64, usual time.Duration, beside *track) (failures []string) {
	visits := s.rush(30*places, 3*capacity)
	in, out := answered(visits)
	full, last := slowest, visits[len(visits)-1].asked // from when, and until when, all places are taken
	good, batches := 0, 0
	for _, v := range in {
		if ended := v.asked + v.took; ended > full && ended <= last {
			good++
		}
		if v.batch {
			batches++
		}
	}
	goodput := float64(good) / (last - full).Seconds()
	idle := p99(beside.take())
	s.t.Logf("answered %d, %.1f a second, %d of them batches, p99 %v; refused %d, p99 %v, nothing %v",
		len(in), goodput, batches, p99(in).Round(time.Millisecond), len(out), p99(out).Round(time.Millisecond), idle.Round(time.Millisecond))
	short := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	if goodput < 0.9*capacity {
		short("answered %.1f a second, want nine tenths of %.1f", goodput, capacity)
	}
	if took := p99(in); took > 2*usual {
		short("p99 %v of those let in, want at most twice %v", took, usual)
	}
	if took := p99(out); len(out) == 0 || took > 20*time.Millisecond*e2e.Slowdown+idle {
		short("%d refused, p99 %v, want 20 ms beside a request that does nothing in %v", len(out), took, idle)
	}
	if batches*5 > len(in) {
		short("%d of %d answers are those of batches, which come last", batches, len(in))
	}
	return failures
}

// metric is the value of a sample of /metrics.
func (s *faultyShop) metric(name string) float64 {
	s.t.Helper()
	_, metrics := s.Get("/metrics")
	return sample(metrics, name)
}

func noisyTenant(t *testing.T) {
	const quiet, noise, questions = 3, 4 * places, 5
	s := newCrowdedShop(t, "KEFU_LIMIT_REQUESTS_PER_MINUTE=0")
	keys := make([]string, quiet+1)
	for i := range keys {
		id := desk.TenantID(fmt.Sprintf("tenant%d", i))
		s.site.Must("tenants", "create", string(id))
		s.site.Must("kb", "load", "docs", "--tenant", string(id))
		keys[i] = strings.TrimSpace(s.site.Must("keys", "create", "--tenant", string(id)))
	}
	ask := func(key string) visit { return s.visit(time.Now(), s.question(), key, false) }
	undisturbed := func() []visit {
		visits := make([]visit, quiet*questions)
		s.each(quiet, quiet, func(i int) {
			for n := range questions {
				v := ask(keys[i+1])
				if v.status != http.StatusOK {
					t.Errorf("a quiet tenant was refused")
				}
				visits[i*questions+n] = v
			}
		})
		return visits
	}
	s.first.Behave(slowVendor(t, fmt.Sprintf("fixed:%v", slowest)))
	var usual, disturbed time.Duration
	for round := 0; round < rounds && (round == 0 || disturbed > usual*12/10); round++ {
		usual = p99(undisturbed())
		quieten := s.noise(noise, keys[0])
		disturbed = p99(undisturbed())
		answered, refused := quieten()
		t.Logf("usually up to %v, beside the noise %v; the noisy tenant had %d answers and %d refusals", usual, disturbed, answered, refused)
		if answered == 0 {
			t.Error("the noisy tenant was not answered at all")
		}
	}
	if disturbed > usual*12/10 {
		t.Errorf("%v beside the noise, want at most a fifth more than %v", disturbed, usual)
	}
	undisturbed()
	if code := s.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	unharmed(t, s.Log)
	healthy(t, s.Log)
}

// noise asks so many questions at a time with a key, from when they are refused
// until quieten is called.
func (s *faultyShop) noise(atATime int64, key string) (quieten func() (answered, refused int64)) {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	var callers sync.WaitGroup
	var in, out atomic.Int64
	for range atATime {
		callers.Go(func() {
			for ctx.Err() == nil {
				if s.visit(time.Now(), s.question(), key, false).status == http.StatusOK {
					in.Add(1)
					continue
				}
				out.Add(1)
				time.Sleep(quickest / 2)
			}
		})
	}
	e2e.Eventually(s.t, "the noise is refused", func() bool { return out.Load() > atATime })
	return func() (answered, refused int64) {
		stop()
		callers.Wait()
		return in.Load(), out.Load()
	}
}
