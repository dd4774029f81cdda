package egress

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// policy decides which URLs may be asked. Its entries are host:port as dialled.
type policy struct {
	anyHost   bool // no list was given
	hosts     []string
	below     []string // ".example.com:443"
	inside    []string
	plain     bool
	redirects int
}

func newPolicy(c Config) (*policy, error) {
	p := &policy{anyHost: len(c.Hosts) == 0, plain: c.PlainHTTP, redirects: cmp.Or(c.Redirects, DefaultRedirects)}
	for _, entry := range c.Hosts {
		list := &p.hosts
		name := entry
		if rest, ok := strings.CutPrefix(entry, "*."); ok {
			list, name = &p.below, rest
		}
		addresses, err := entryAddresses(name, c.PlainHTTP)
		if err != nil {
			return nil, fmt.Errorf("host %q: %w", entry, err)
		}
		for _, a := range addresses {
			if list == &p.below {
				a = "." + a
			}
			*list = append(*list, a)
		}
	}
	for _, entry := range c.Inside {
		addresses, err := entryAddresses(entry, true)
		if err != nil {
			return nil, fmt.Errorf("inside host %q: %w", entry, err)
		}
		p.inside = append(p.inside, addresses...)
	}
	return p, nil
}

// HostOf is the entry of a list for what an address reaches: its host and port,
// "" where it has none. Placeholders such as {id} may stand in its path.
func HostOf(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// entryAddresses are what an entry of a list stands for: its own port, or those
// of the schemes.
func entryAddresses(entry string, plain bool) ([]string, error) {
	u, err := url.Parse("https://" + entry)
	if err != nil || u.Host != entry || u.Hostname() == "" {
		return nil, errors.New("want a host name or address, with a port at most")
	}
	name, err := hostName(u.Hostname())
	if err != nil {
		return nil, err
	}
	ports := []string{"443"}
	switch {
	case u.Port() != "":
		ports = []string{u.Port()}
	case plain:
		ports = append(ports, "80")
	}
	var out []string
	for _, port := range ports {
		out = append(out, net.JoinHostPort(name, port))
	}
	return out, nil
}

// notPublic is told of an address before it is looked up, and of what it leads to.
const notPublic = "This address is not on the public internet, nor named as inside the network."

// check decides about one URL, before anything is looked up.
func (p *policy) check(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Opaque != "" {
		return refuse(CodeURL, "Only plain https addresses are allowed.", fmt.Errorf("scheme %q", u.Scheme))
	}
	name, err := hostName(u.Hostname())
	if err != nil {
		return refuse(CodeURL, "This form of address is not allowed.", err)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	address := net.JoinHostPort(name, port)
	switch {
	case slices.Contains(p.inside, address):
		return nil
	case u.Scheme == "http" && !p.plain:
		return refuse(CodeURL, "Only https addresses are allowed, but for hosts that the settings name as inside the network (knowledge.inside, agent.inside).", fmt.Errorf("scheme http of %s", address))
	case p.anyHost, slices.Contains(p.hosts, address):
	case slices.ContainsFunc(p.below, func(suffix string) bool { return strings.HasSuffix(address, suffix) }):
	default:
		return refuse(CodeHost, "This host is not on the list of allowed hosts.", fmt.Errorf("host %s", address))
	}
	if a, err := netip.ParseAddr(name); err == nil && !Public(a) {
		return refuse(CodeAddress, notPublic, fmt.Errorf("address %s", a))
	}
	return nil
}

// isInside reports whether an address about to be dialled may be private.
func (p *policy) isInside(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	name, err := hostName(host)
	return err == nil && slices.Contains(p.inside, net.JoinHostPort(name, port))
}

// hostName is the one form of a host that is compared and dialled. Numbers that
// only some resolvers take for an address, such as 127.1, 0x7f000001 or
// 2130706433, are refused: what they reach would be a matter of luck.
func hostName(host string) (string, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.String(), nil
	}
	name, err := idna.Lookup.ToASCII(host)
	if err != nil || name == "" || !utf8.ValidString(host) {
		return "", fmt.Errorf("host %q is not a name", host)
	}
	if a, err := netip.ParseAddr(name); err == nil { // was written in other digits
		return a.String(), nil
	}
	name = strings.TrimSuffix(name, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" || last[0] >= '0' && last[0] <= '9' {
		return "", fmt.Errorf("host %q ends in a number", host)
	}
	return name, nil
}

// redirect implements http.Client.CheckRedirect.
func (p *policy) redirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case first.Method != http.MethodGet && first.Method != http.MethodHead:
		return refuse(CodeRedirect, "The other side redirected a change.", fmt.Errorf("redirect of a %s", first.Method))
	case len(via) > p.redirects:
		return refuse(CodeRedirect, "The other side redirected too often.", fmt.Errorf("%d redirects", len(via)))
	}
	if err := p.check(next.URL); err != nil {
		return err
	}
	for _, r := range append(via[1:len(via):len(via)], next) {
		if r.URL.Scheme != first.URL.Scheme || r.URL.Host != first.URL.Host {
			next.Header = http.Header{"Accept": first.Header["Accept"]} // keys stay with the origin they were meant for
			break
		}
	}
	return nil
}
