package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Proxy stands between kefu and a server, so that the network between them can
// fail. It is safe for concurrent use.
type Proxy struct {
	t testing.TB

	mu sync.Mutex
	of *toxiproxy.Proxy
}

// NewProxy stands in front of the server of a URL, and returns the URL that
// leads through it.
func NewProxy(t testing.TB, server string) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t}
	p.start("127.0.0.1:0", u.Host)
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.of.Stop()
	})
	u.Host = p.of.Listen
	return p, u.String()
}

func (p *Proxy) start(listen, server string) {
	p.t.Helper()
	unwatched := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p.of = toxiproxy.NewProxy(unwatched, p.t.Name(), listen, server)
	if err := p.of.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// Link lets bytes pass, as at the beginning, on new connections: all others are
// closed. Toxics cannot be taken away from those, because removing one may wait
// for ever for a connection that is just ending.
func (p *Proxy) Link() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of.Stop()
	p.start(p.of.Listen, p.of.Upstream)
}

// Cut resets connections, also new ones, as soon as anything is sent on them.
func (p *Proxy) Cut() { p.both("reset_peer", `{"timeout":0}`) }

// Hang lets no byte pass, as a network does that loses packets.
func (p *Proxy) Hang() { p.both("timeout", `{"timeout":0}`) }

// Drip lets replies pass in pieces of about size bytes, one each interval.
func (p *Proxy) Drip(size int, interval time.Duration) {
	p.add("downstream", "slicer", fmt.Sprintf(`{"average_size":%d,"delay":%d}`, size, interval.Microseconds()))
}

func (p *Proxy) both(kind, attributes string) {
	p.add("upstream", kind, attributes)
	p.add("downstream", kind, attributes)
}

func (p *Proxy) add(stream, kind, attributes string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	toxic := fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":%s}`, kind, stream, attributes)
	if _, err := p.of.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		p.t.Fatalf("%s: %v", toxic, err)
	}
}
