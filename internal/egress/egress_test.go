package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"kefu/internal/desk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client returns a client that its test closes.
func client(t *testing.T, c Config) *http.Client {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.CloseIdleConnections)
	return h
}

// server starts one that is inside, and returns its URL and its host:port.
func server(t *testing.T, h http.HandlerFunc) (base, address string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, s.Listener.Addr().String()
}

// code asks for a URL, reads all of it and returns the code of the failure.
func code(t *testing.T, c *http.Client, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = read(c.Do(r))
	return codeOf(t, err)
}

func read(response *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func codeOf(t *testing.T, err error) string {
	t.Helper()
	var e *desk.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("error %v is no *desk.Error", err)
	}
	if e == nil {
		return ""
	}
	return e.Code
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

func TestURLsThatAreRefusedUnasked(t *testing.T) {
	tests := []struct {
		why  string
		url  string
		code string
	}{
		{"plain HTTP", "http://api.example.com/", CodeURL},
		{"another scheme", "ftp://api.example.com/", CodeURL},
		{"user information", "https://user:password@api.example.com/", CodeURL},
		{"no host", "https:///path", CodeURL},
		{"loopback as one number", "https://2130706433/", CodeURL},
		{"loopback in hexadecimal", "https://0x7f000001/", CodeURL},
		{"loopback in octal", "https://017700000001/", CodeURL},
		{"loopback in parts of two kinds", "https://0x7f.1/", CodeURL},
		{"loopback shortened", "https://127.1/", CodeURL},
		{"loopback with leading zeros", "https://0177.0.0.01/", CodeURL},
		{"a name that ends in a number", "https://example.1/", CodeURL},
		{"another host", "https://evil.example.org/", CodeHost},
		{"a host that ends like one on the list", "https://evilexample.net/", CodeHost},
		{"the name above those on the list", "https://example.net/", CodeHost},
		{"another port", "https://api.example.com:8443/", CodeHost},
		{"an address instead of a name", "https://93.184.216.34/", CodeHost},
		{"loopback in full-width digits", "https://１２７.０.０.１/", CodeAddress},
		{"loopback with ideographic full stops", "https://127。0。0。1/", CodeAddress},
		{"loopback, mapped into IPv6", "https://[::ffff:127.0.0.1]/", CodeAddress},
		{"a listed private address", "https://10.0.0.1/", CodeAddress},
	}
	c := client(t, Config{Hosts: []string{"api.example.com", "*.example.net", "127.0.0.1", "[::ffff:127.0.0.1]", "10.0.0.1"}})
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			if got := code(t, c, tt.url); got != tt.code {
				t.Errorf("code of %s = %q, want %q", tt.url, got, tt.code)
			}
		})
	}
}

func TestHostsOfTheList(t *testing.T) {
	p, err := newPolicy(Config{Hosts: []string{"api.example.com", "*.example.net", "münchen.example:8443"}, Inside: []string{"orders", "localhost:9000"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []string{
		"https://api.example.com/a?b=c", "https://API.Example.COM./", "https://api.example.com:443/",
		"https://a.example.net/", "https://a.b.example.net/", "https://xn--mnchen-3ya.example:8443/",
		"http://orders/1", "https://orders/1", "http://localhost:9000/",
	} {
		u, err := url.Parse(allowed)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.check(u); err != nil {
			t.Errorf("%s is refused: %v", allowed, err)
		}
	}
	for _, entry := range []string{"", "https://example.com", "example.com/path", "a@b", "127.1", "*", "*.*.example.com", "bad host", "example.com:port"} {
		if _, err := New(Config{Hosts: []string{entry}}); err == nil {
			t.Errorf("entry %q is taken", entry)
		}
	}
	if _, err := New(Config{Inside: []string{"*.internal"}}); err == nil {
		t.Error("a pattern of hosts inside is taken")
	}
}

func TestPrivateAddressesAreRefusedUnlessNamed(t *testing.T) {
	base, address := server(t, hello)
	if got := code(t, client(t, Config{PlainHTTP: true}), base); got != CodeAddress {
		t.Errorf("code = %q, want %q", got, CodeAddress)
	}
	if got := code(t, client(t, Config{Inside: []string{address}}), base); got != "" {
		t.Errorf("code = %q for a host that is named", got)
	}
}

// names is a DNS server on loopback; the last address of a name is given to
// all later questions as well.
func names(t *testing.T, answers map[string][]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		buffer := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			conn.WriteTo(answer(buffer[:n], answers), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func answer(question []byte, answers map[string][]string) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil {
		return nil
	}
	m.Response = true
	m.Additionals = nil
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	if found := answers[name]; q.Type == dnsmessage.TypeA && len(found) > 0 {
		a := netip.MustParseAddr(found[0])
		if len(found) > 1 {
			answers[name] = found[1:]
		}
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type},
			Body:   &dnsmessage.AResource{A: a.As4()},
		}}
	}
	packed, _ := m.Pack()
	return packed
}

func TestANameIsJudgedByTheAddressThatIsDialled(t *testing.T) {
	_, address := server(t, hello)
	_, port, _ := net.SplitHostPort(address)
	tests := []struct {
		why     string
		answers []string
		inside  []string
		code    string
	}{
		{"a name of a private address", []string{"10.0.0.1"}, nil, CodeAddress},
		{"a name of the metadata service", []string{"169.254.169.254"}, nil, CodeAddress},
		{"a name of loopback", []string{"127.0.0.1"}, nil, CodeAddress},
		{"a name of loopback that is named", []string{"127.0.0.1"}, []string{"shop.example:" + port}, ""},
		{"another name is named", []string{"127.0.0.1"}, []string{"other.example:" + port}, CodeAddress},
		{"no address", nil, nil, CodeFailed},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			c := client(t, Config{
				PlainHTTP: true, Inside: tt.inside, Resolver: names(t, map[string][]string{"shop.example": tt.answers}),
			})
			if got := code(t, c, "http://shop.example:"+port+"/"); got != tt.code {
				t.Errorf("code = %q, want %q", got, tt.code)
			}
		})
	}
}

func TestANameThatIsBoundAnewGainsNothing(t *testing.T) {
	base, _ := server(t, hello)
	u, _ := url.Parse(base)
	// The first look-up, of whoever checks beforehand, is honest.
	resolver := names(t, map[string][]string{"rebind.example": {"93.184.216.34", "127.0.0.1"}})
	first, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.example")
	if err != nil || !Public(first[0]) {
		t.Fatalf("first look-up = %v, %v, want a public address", first, err)
	}
	c := client(t, Config{PlainHTTP: true, Resolver: resolver})
	if got := code(t, c, "http://rebind.example:"+u.Port()+"/"); got != CodeAddress {
		t.Errorf("code = %q, want %q", got, CodeAddress)
	}
}

func TestRedirects(t *testing.T) {
	_, elsewhere := server(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Api-Key")+r.Header.Get("Authorization")+r.Header.Get("Referer")+r.Header.Get("Cookie"))
	})
	base, address := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/end":
			io.WriteString(w, r.Header.Get("X-Api-Key"))
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/same":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/back":
			http.Redirect(w, r, "http://"+elsewhere+"/", http.StatusFound)
		default:
			http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect)
		}
	})
	c := client(t, Config{Inside: []string{address, elsewhere}})
	tests := []struct {
		why    string
		method string
		path   string
		text   string
		code   string
	}{
		{"to the same origin, with its key", "GET", "/same", "key", ""},
		{"to another origin, without it", "GET", "/?to=http://" + elsewhere + "/", "", ""},
		{"by way of the same origin, without it", "GET", "/?to=/back", "", ""},
		{"to loopback", "GET", "/?to=http://127.0.0.1:1/", "", CodeURL},
		{"to the metadata service", "GET", "/?to=https://169.254.169.254/latest/meta-data", "", CodeAddress},
		{"to a file", "GET", "/?to=file:///etc/passwd", "", CodeURL},
		{"without end", "GET", "/loop", "", CodeRedirect},
		{"of a change", "POST", "/?to=/end", "", CodeRedirect},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			r, _ := http.NewRequestWithContext(t.Context(), tt.method, base+tt.path, nil)
			r.Header.Set("X-Api-Key", "key")
			r.Header.Set("Authorization", "secret")
			text, err := read(c.Do(r))
			if got := codeOf(t, err); got != tt.code || text != tt.text {
				t.Errorf("%q with code %q, want %q with %q", text, got, tt.text, tt.code)
			}
		})
	}
}

func TestBodiesAreBounded(t *testing.T) {
	piece := make([]byte, 1<<20)
	var packed bytes.Buffer // before it is asked for: packing takes seconds on a busy machine
	z := gzip.NewWriter(&packed)
	for range 50 {
		z.Write(piece)
	}
	z.Close()
	base, address := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/announced":
			w.Header().Set("Content-Length", "52428800")
			for range 50 {
				w.Write(piece)
			}
		case "/streamed":
			for range 50 {
				w.Write(piece)
			}
		case "/packed":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
		case "/exact":
			w.Write(piece)
		}
	})
	c := client(t, Config{Inside: []string{address}})
	for path, want := range map[string]string{"/announced": CodeTooLarge, "/streamed": CodeTooLarge, "/packed": CodeTooLarge, "/exact": ""} {
		if got := code(t, c, base+path); got != want {
			t.Errorf("code of %s = %q, want %q", path, got, want)
		}
	}
}

func TestSlowServersAreLeft(t *testing.T) {
	for _, where := range []string{"before the headers", "within the body"} {
		t.Run(where, func(t *testing.T) {
			base, address := server(t, func(w http.ResponseWriter, r *http.Request) {
				if where == "within the body" {
					io.WriteString(w, "a")
					http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			})
			c := client(t, Config{Inside: []string{address}, Timeout: 50 * time.Millisecond})
			if got := code(t, c, base); got != CodeTimeout { // the server itself would go on for ever
				t.Errorf("code = %q", got)
			}
		})
	}
}

func TestACallerThatLeavesIsNoTimeout(t *testing.T) {
	arrived := make(chan struct{})
	base, address := server(t, func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
	_, err := read(client(t, Config{Inside: []string{address}}).Do(r))
	var e *desk.Error
	if !errors.As(err, &e) || e.Kind != desk.Cancelled {
		t.Errorf("error = %v, want kind cancelled", err)
	}
}

func TestConnectionsThatBreak(t *testing.T) {
	base, address := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	if got := code(t, client(t, Config{Inside: []string{address}}), base); got != CodeFailed {
		t.Errorf("code = %q, want %q", got, CodeFailed)
	}
	if got := code(t, client(t, Config{Inside: []string{"127.0.0.1:1"}}), "http://127.0.0.1:1/"); got != CodeFailed {
		t.Errorf("code = %q for a closed port, want %q", got, CodeFailed)
	}
}

// Each connection to a host outside costs a handshake or two.
func TestConnectionsOfCallsAtATimeAreUsedAgain(t *testing.T) {
	const together, rounds = 16, 3
	var arrived sync.WaitGroup
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait()
		hello(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := client(t, Config{Inside: []string{s.Listener.Addr().String()}})
	for range rounds {
		arrived.Add(together)
		var calls sync.WaitGroup
		for range together {
			calls.Go(func() {
				if got := code(t, c, s.URL); got != "" {
					t.Errorf("a call failed: %s", got)
				}
			})
		}
		calls.Wait()
	}
	if n := opened.Load(); n > together {
		t.Errorf("%d connections were opened for %d times %d calls at a time", n, rounds, together)
	}
}

func TestNeitherProxyNorCookies(t *testing.T) {
	var proxied atomic.Bool
	proxy, _ := server(t, func(http.ResponseWriter, *http.Request) { proxied.Store(true) })
	t.Setenv("HTTP_PROXY", proxy)
	base, address := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		io.WriteString(w, r.Header.Get("Cookie"))
	})
	c := client(t, Config{Inside: []string{address}})
	for range 2 {
		text, err := read(c.Get(base))
		if text != "" || err != nil || proxied.Load() {
			t.Errorf("cookies %q, %v, proxied %t", text, err, proxied.Load())
		}
	}
	if c.Transport.(*guarded).next.(*http.Transport).Proxy != nil { // loopback is never proxied: look
		t.Error("the transport has a proxy")
	}
}
