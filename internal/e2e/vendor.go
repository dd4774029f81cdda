package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"kefu/internal/llmsim"
)

// Vendor is a simulated provider that also keeps what it was sent, to prove
// what was not.
type Vendor struct {
	*llmsim.Sim
	t      testing.TB
	server *httptest.Server

	asked    chan struct{} // a token for each request, as long as it is wanted
	mu       sync.Mutex
	received bytes.Buffer
	hold     *hold // nil while nothing is held
}

// hold keeps calls of the model waiting until open is closed.
type hold struct {
	after   int // how many calls go on before
	waiting int
	open    chan struct{}
}

// NewVendor starts a provider that behaves as c says.
func NewVendor(t testing.TB, c llmsim.Config) *Vendor {
	t.Helper()
	v := newVendor(t, c)
	v.server = httptest.NewServer(http.HandlerFunc(v.serve))
	return v
}

// newVendor has yet to be given its server.
func newVendor(t testing.TB, c llmsim.Config) *Vendor {
	t.Helper()
	sim, err := llmsim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	v := &Vendor{Sim: sim, t: t, asked: make(chan struct{}, 1)}
	t.Cleanup(func() {
		v.LetGo()
		sim.Release()
		v.server.Close()
	})
	return v
}

func (v *Vendor) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller left
	}
	v.mu.Lock()
	v.received.Write(body)
	v.mu.Unlock()
	select {
	case v.asked <- struct{}{}:
	default:
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasSuffix(r.URL.Path, "/chat/completions") {
		v.wait(r.Context())
	}
	v.Sim.ServeHTTP(w, r)
}

// Hold keeps the calls of the model from now on waiting, after so many more
// have gone on, until LetGo. A test that needs a call to be under way while
// it does something says so by it, and depends on no latency.
func (v *Vendor) Hold(after int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hold = &hold{after: after, open: make(chan struct{})}
}

// LetGo ends Hold.
func (v *Vendor) LetGo() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.hold != nil {
		close(v.hold.open)
		v.hold = nil
	}
}

// Held is how many calls wait.
func (v *Vendor) Held() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.hold == nil {
		return 0
	}
	return v.hold.waiting
}

func (v *Vendor) wait(ctx context.Context) {
	v.mu.Lock()
	h := v.hold
	if h == nil || h.after > 0 {
		if h != nil {
			h.after--
		}
		v.mu.Unlock()
		return
	}
	h.waiting++
	v.mu.Unlock()
	select {
	case <-h.open:
	case <-ctx.Done():
	}
	v.mu.Lock()
	h.waiting--
	v.mu.Unlock()
}

// Asked yields once a request has arrived.
func (v *Vendor) Asked() <-chan struct{} { return v.asked }

// Received is every request body so far.
func (v *Vendor) Received() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.received.String()
}

// URL is where the provider is; OpenAI's endpoints are below it at /v1.
func (v *Vendor) URL() string { return v.server.URL }

// Env makes kefu use the provider.
func (v *Vendor) Env() []string {
	return []string{"OPENAI_BASE_URL=" + v.server.URL + "/v1", "OPENAI_API_KEY=sk-simulated-0123456789"}
}

// Behave changes how the provider behaves from now on.
func (v *Vendor) Behave(c llmsim.Config) {
	v.t.Helper()
	if err := v.Configure(c); err != nil {
		v.t.Fatal(err)
	}
}

// Calls counts the requests so far to paths that end so: "/chat/completions",
// "/embeddings".
func (v *Vendor) Calls(path string) int {
	n := 0
	for _, e := range v.Log() {
		if strings.HasSuffix(e.Path, path) {
			n++
		}
	}
	return n
}
