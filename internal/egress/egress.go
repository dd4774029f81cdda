// Package egress makes HTTP clients for addresses that others had a hand in:
// tools, and pages to be read. They reach listed hosts on the public internet
// and nothing inside the network, whatever a name resolves to.
package egress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"kefu/internal/desk"
)

// Defaults of a Config.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxBytes  = 1 << 20
	DefaultRedirects = 3
)

// Codes of the *desk.Error that a refused or failed exchange ends with. A
// client wraps it in *url.Error; errors.As finds it.
const (
	CodeURL      = "egress_url_refused"      // scheme, user information, or a form of address that nobody types
	CodeHost     = "egress_host_refused"     // not on the list
	CodeAddress  = "egress_address_refused"  // not on the public internet
	CodeRedirect = "egress_redirect_refused" // too many, or not of a GET
	CodeTooLarge = "egress_reply_too_large"
	CodeTimeout  = "egress_timed_out"
	CodeFailed   = "egress_failed" // no connection, or one that broke
)

// Config says what may be reached.
type Config struct {
	// Hosts lists what may be asked: "api.example.com" (at the scheme's own
	// port), "api.example.com:8443", or "*.example.com" for every name below
	// it. Empty allows every host on the public internet.
	Hosts []string
	// Inside lists, in the same form but without "*", hosts that may have any
	// address, loopback included. They need not stand in Hosts as well, and may
	// be asked by plain HTTP.
	Inside []string
	// PlainHTTP allows http beside https for the others too.
	PlainHTTP bool
	// Timeout bounds one exchange, from dialling to the last byte of the body;
	// each redirect is one more. Default DefaultTimeout.
	Timeout time.Duration
	// MaxBytes bounds a body, after decompression. Default DefaultMaxBytes.
	MaxBytes int64
	// Redirects is how many are followed, of GET and HEAD only. Default
	// DefaultRedirects; negative for none.
	Redirects int
	// Resolver looks names up. Default net.DefaultResolver.
	Resolver *net.Resolver
}

// New returns a client that reaches only what c allows. Addresses are checked
// when a connection is made, after names were resolved, so that a name whose
// address changes gains nothing. The client uses no proxy, keeps no cookies and
// carries no header to another origin. The error names the entry of c that
// cannot be used.
func New(c Config) (*http.Client, error) {
	p, err := newPolicy(c)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Transport: &guarded{
			policy: p, next: p.transport(c.Resolver),
			timeout: cmp.Or(c.Timeout, DefaultTimeout), maxBytes: cmp.Or(c.MaxBytes, DefaultMaxBytes),
		},
		CheckRedirect: p.redirect,
	}, nil
}

// transport dials public addresses only, but any for hosts inside.
func (p *policy) transport(resolver *net.Resolver) *http.Transport {
	dial := net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second, Resolver: resolver}
	public := dial
	public.ControlContext = refusePrivate
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if p.isInside(address) {
				return dial.DialContext(ctx, network, address)
			}
			return public.DialContext(ctx, network, address)
		},
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        32,
		MaxIdleConnsPerHost:    32, // as many as are used at a time, not the two of net/http
		MaxIdleConns:           128,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// refusePrivate is asked with the address of every connection about to be made.
func refusePrivate(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !Public(a.Addr()) {
		return refuse(CodeAddress, notPublic, fmt.Errorf("address %s", address))
	}
	return nil
}

func refuse(code, public string, cause error) *desk.Error {
	return &desk.Error{Kind: desk.Forbidden, Code: code, Public: public, Err: cause}
}

// failed translates what a transport reports.
func failed(ctx context.Context, err error) error {
	var known *desk.Error
	var network net.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(ctx.Err(), context.Canceled):
		return &desk.Error{Kind: desk.Cancelled, Code: CodeFailed, Err: context.Cause(ctx)}
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		return &desk.Error{Kind: desk.TimedOut, Code: CodeTimeout, Public: "The other side took too long to answer.", Err: err}
	default:
		return &desk.Error{Kind: desk.Unavailable, Code: CodeFailed, Public: "The other side could not be reached.", Err: err}
	}
}
