package main_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// TestFaults breaks one thing after another between Kefu and its providers, or
// between Kefu and its callers, and mends it again. Each row says what is
// promised meanwhile.
func TestFaults(t *testing.T) {
	alone := []int{26, 33, 34} // they measure how long things take
	for _, row := range []struct {
		number         int
		fault, promise string
		test           func(*testing.T)
	}{
		{26, "poison documents", "each is refused or read, the rest is taken in; 99 % of the answers beside them take a tenth longer at most; what reads them ends with the server, also on kill -9", poisonDocuments},
		{32, "headers that never end, bodies that never end", "their connections are freed within 6 s; 413 without reading on; nobody else waits", slowLoris},
		{33, "three times the load", "nine tenths of the capacity answered, in at most twice the usual time; batches are refused first, all within 20 ms; cached answers as ever", tripleLoad},
		{34, "a noisy tenant", "the others' times grow by a fifth at most, and none of them is refused", noisyTenant},

		{5, "status 429 with Retry-After", "waited for where there is time, else another provider answers; at most one call while it cools", limitedProvider},
		{6, "status 500 always", "the breaker opens after at most 20 failures; at most 1.2 calls a question; all are answered", brokenProvider},
		{7, "status 500 in a tenth of the calls", "at most 1.15 calls a question; all are answered", flakyProvider},
		{8, "a call that no repetition helps", "one call; a prompt that is too long is trimmed once, then goes to a larger model; the breaker stays closed", refusedCalls},
		{9, "no byte comes back", "an answer within the limit of one call and the usual time", hangingProvider},
		{10, "a stream falls silent", "an error event within the idle limit and 1 s; nothing is cached", silentStream},
		{11, "a stream drips", "an error event within the deadline and 1 s", drippingStream},
		{12, "a stream or reply that just ends", "another try before the first words, an error event after them; never stored as complete", truncatedReply},
		{13, "a web page, half a reply, an error with status 200", "another try or provider answers; all are answered", nonsense},
		{14, "a connection is reset within a reply", "another try before the first words, an error event after them; no answer in 1,000 is mixed", resetConnection},
		{15, "names do not resolve, TLS fails", "another provider answers within 2 s; nothing is sent in the clear; as before within 10 s", unreachableProvider},
		{16, "no provider answers", "quotes from the documents, marked degraded, or 503 with Retry-After; 99 % within 200 ms", noProvider},
		{17, "a provider that may be back", "at most 3 probes at a time; one failure keeps it away for another while", probes},
		{28, "500 cold questions that are the same", "one call of the model; all are answered", identicalQuestions},
		{29, "hot answers end together", "each is composed anew once, while the old one is given: nobody waits", expiringTogether},
		{30, "callers leave", "the calls end within 1 s and are settled; no goroutine stays", leavingCallers},
		{31, "a caller does not read", "at most 256 KiB wait for it; it is cut off after 15 s", deafCaller},
	} {
		t.Run(fmt.Sprintf("%d %s", row.number, row.fault), func(t *testing.T) {
			if !slices.Contains(alone, row.number) {
				t.Parallel()
			}
			t.Logf("promised: %s", row.promise)
			row.test(t)
		})
	}
}

// faultyShop is a server whose questions go to first, then to second, then to
// the offline model. A breaker cools down quickly, so that no test waits long.
type faultyShop struct {
	*e2e.Server
	t             *testing.T
	site          *e2e.Site
	first, second *e2e.Vendor
	network       *e2e.Proxy // before first
	mu            sync.Mutex
	asked         int
}

const coolDown = time.Second

// Limits where a test is about them. Elsewhere those of the defaults hold, which
// a busy machine keeps to.
const (
	callLimit = 500 * time.Millisecond * e2e.Slowdown
	idleLimit = 300 * time.Millisecond * e2e.Slowdown
)

func newFaultyShop(t *testing.T, env ...string) *faultyShop {
	t.Helper()
	return openFaultyShop(t, e2e.NewVendor(t, llmsim.Config{}), env...)
}

func openFaultyShop(t *testing.T, vendor *e2e.Vendor, env ...string) *faultyShop {
	t.Helper()
	s := &faultyShop{t: t, first: vendor, second: e2e.NewVendor(t, llmsim.Config{})}
	network, first := e2e.NewProxy(t, s.first.URL())
	s.network = network
	s.site = newShop(t, slices.Concat([]string{
		"FIRST_KEY=first-simulated", "SECOND_KEY=second-simulated",
		"KEFU_MODELS_BACKOFF=10ms", "KEFU_MODELS_BREAKER_COOL_DOWN=" + coolDown.String(),
	}, env)...)
	s.site.Write("kefu.yaml", fmt.Sprintf(`
models:
  first: {provider: openai, model: gpt-4o-mini, base_url: %s/v1, key_env: FIRST_KEY}
  second: {provider: anthropic, model: claude-haiku-5-5, base_url: %s, key_env: SECOND_KEY}
  nowhere: {provider: openai, model: gpt-6-luna, base_url: "https://nowhere.invalid/v1", key_env: FIRST_KEY}
chains: {simple: [first, second, offline], complex: [first, second, offline]}
`, first, s.second.URL()))
	s.Server = s.site.Serve()
	return s
}

// question is one that nobody has asked before; its answer is thirtyDays.
func (s *faultyShop) question() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return fmt.Sprintf("How many days after delivery can I return item %d?", s.asked)
}

const thirtyDays = "You can return an item within 30 days of delivery. [1]"

// askMany asks n new questions, some at a time. Each has to be answered from
// the documents.
func (s *faultyShop) askMany(n, atATime int) []e2e.Answer {
	s.t.Helper()
	answers := make([]e2e.Answer, n)
	s.each(n, atATime, func(i int) {
		q := s.question()
		a, err := s.TryAsk(s.t.Context(), q)
		if err != nil || !a.Grounded || len(a.SourceDocuments) == 0 {
			s.t.Errorf("%s: %+v %v, want an answer", q, a, err)
		}
		answers[i] = a
	})
	return answers
}

// each calls f with every number below n, some at a time.
func (s *faultyShop) each(n, atATime int, f func(i int)) {
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range atATime {
		workers.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	workers.Wait()
}

// recovers fails the test unless the first provider answers again soon and the
// server ends well.
func (s *faultyShop) recovers() {
	s.t.Helper()
	took := e2e.Eventually(s.t, "the first provider answers again", func() bool {
		a := s.Ask(s.question())
		return a.Provider == "first" && a.Grounded && !a.Degraded
	})
	if s.site.Late(took, 10*time.Second) {
		s.t.Errorf("as before %v after the repair, want within 10 s", took)
	}
	s.t.Logf("as before %v after the repair", took.Round(time.Millisecond))
	if code := s.Stop(); code != 0 {
		s.t.Errorf("exit status %d", code)
	}
	unharmed(s.t, s.Log)
}

// unseen is recovers where no caller has noticed anything.
func (s *faultyShop) unseen() {
	s.t.Helper()
	s.recovers()
	healthy(s.t, s.Log)
}

// opened is how often the circuit breaker of the first provider has opened.
func (s *faultyShop) opened() int {
	s.t.Helper()
	_, metrics := s.Get("/metrics")
	return int(sample(metrics, `llm_breaker_transitions_total{provider="first",to="open"}`))
}

// givenUp fails the test unless the calls that the first provider still works
// on end within a second.
func (s *faultyShop) givenUp() time.Duration {
	s.t.Helper()
	took := e2e.Eventually(s.t, "the calls have been given up", func() bool { return s.first.Stats().InFlight == 0 })
	if s.site.Late(took, time.Second*e2e.Slowdown) {
		s.t.Errorf("the calls were given up after %v, want within a second", took)
	}
	return took
}

// calls are those of a vendor's models so far.
func calls(v *e2e.Vendor) int { return len(v.Log()) }

// by counts the answers of a provider.
func by(provider string, answers []e2e.Answer) int {
	n := 0
	for _, a := range answers {
		if a.Provider == provider {
			n++
		}
	}
	return n
}
