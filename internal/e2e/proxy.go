package e2e

import (
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy stands between kefu and a server that tests share, so that it can be
// lost for one of them. It is safe for concurrent use.
type Proxy struct {
	t        testing.TB
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu    sync.Mutex
	state link
	moved chan struct{} // closed and replaced when the state changes
	conns map[net.Conn]bool
}

// link is what becomes of bytes.
type link uint8

const (
	linked link = iota
	cut         // connections are broken, new ones too
	hung        // nothing moves any more
)

// NewProxy stands in front of the server of a URL, and returns the URL that
// leads through it.
func NewProxy(t testing.TB, server string) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t, listener: l, target: u.Host, moved: make(chan struct{}), conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.Cut()
		p.wg.Wait()
	})
	u.Host = l.Addr().String()
	return p, u.String()
}

// Link lets bytes pass, as at the beginning.
func (p *Proxy) Link() { p.set(linked) }

// Cut breaks every connection and those that are made.
func (p *Proxy) Cut() { p.set(cut) }

// Hang stops every byte, as a network does that loses packets.
func (p *Proxy) Hang() { p.set(hung) }

func (p *Proxy) set(state link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = state
	close(p.moved)
	p.moved = make(chan struct{})
	if state == cut {
		for c := range p.conns {
			c.Close()
		}
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed at the end of the test
		}
		if !p.keep(client) {
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil || !p.keep(server) {
			client.Close()
			continue
		}
		p.wg.Go(func() { p.carry(server, client) })
		p.wg.Go(func() { p.carry(client, server) })
	}
}

// keep remembers a connection, or closes it while connections are cut.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == cut {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) carry(to, from net.Conn) {
	defer func() {
		to.Close()
		from.Close()
		p.mu.Lock()
		delete(p.conns, from)
		p.mu.Unlock()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.passable()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// passable returns when bytes may move.
func (p *Proxy) passable() {
	for {
		p.mu.Lock()
		state, moved := p.state, p.moved
		p.mu.Unlock()
		if state != hung {
			return
		}
		<-moved
	}
}
