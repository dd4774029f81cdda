package egress

import (
	"net/netip"
	"net/url"
	"testing"
)

func TestOnlyThePublicInternetIsPublic(t *testing.T) {
	tests := []struct {
		why     string
		address string
		public  bool
	}{
		{"a public address", "93.184.216.34", true},
		{"a public resolver", "1.1.1.1", true},
		{"a public address of IPv6", "2606:2800:220:1:248:1893:25c8:1946", true},
		{"public, mapped into IPv6", "::ffff:93.184.216.34", true},
		{"public behind NAT64", "64:ff9b::5db8:d822", true},
		{"below the private block", "172.15.255.255", true},
		{"above the private block", "172.32.0.0", true},

		{"unspecified", "0.0.0.0", false},
		{"this network", "0.1.2.3", false},
		{"loopback", "127.0.0.1", false},
		{"all of loopback", "127.255.255.254", false},
		{"private, ten", "10.0.0.1", false},
		{"private, first of its block", "172.16.0.0", false},
		{"private, last of its block", "172.31.255.255", false},
		{"private, home", "192.168.1.1", false},
		{"carrier NAT", "100.64.0.1", false},
		{"metadata of Alibaba Cloud", "100.100.100.200", false},
		{"metadata of most clouds", "169.254.169.254", false},
		{"metadata of Oracle Cloud", "192.0.0.192", false},
		{"host agent of Azure", "168.63.129.16", false},
		{"documentation", "203.0.113.7", false},
		{"benchmarks", "198.19.0.1", false},
		{"multicast", "224.0.0.1", false},
		{"reserved", "240.0.0.1", false},
		{"broadcast", "255.255.255.255", false},

		{"unspecified of IPv6", "::", false},
		{"loopback of IPv6", "::1", false},
		{"loopback, mapped", "::ffff:127.0.0.1", false},
		{"metadata, mapped", "::ffff:169.254.169.254", false},
		{"loopback, in the old compatible form", "::127.0.0.1", false},
		{"private behind NAT64", "64:ff9b::a00:1", false},
		{"NAT64 of a local network", "64:ff9b:1::a00:1", false},
		{"loopback behind 6to4", "2002:7f00:1::", false},
		{"Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2", false},
		{"unique local", "fd00:ec2::254", false},
		{"link-local", "fe80::1", false},
		{"link-local with a zone", "fe80::1%eth0", false},
		{"public with a zone", "2606:2800::1%eth0", false},
		{"site-local", "fec0::1", false},
		{"multicast of IPv6", "ff02::1", false},
		{"documentation of IPv6", "2001:db8::1", false},
		{"the new documentation block", "3fff::1", false},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			if got := Public(netip.MustParseAddr(tt.address)); got != tt.public {
				t.Errorf("Public(%s) = %t, want %t", tt.address, got, tt.public)
			}
		})
	}
	if Public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

// FuzzPublic holds our table against what the standard library knows.
func FuzzPublic(f *testing.F) {
	for _, a := range []string{"127.0.0.1", "::1", "10.1.2.3", "::ffff:192.168.0.1", "64:ff9b::7f00:1", "8.8.8.8"} {
		b, _ := netip.MustParseAddr(a).MarshalBinary()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok || !Public(a) {
			return
		}
		for _, a := range []netip.Addr{a, a.Unmap()} {
			if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || !a.IsGlobalUnicast() {
				t.Errorf("%s is called public", a)
			}
		}
		if Public(a) != Public(a.Unmap()) {
			t.Errorf("%s is judged otherwise when unmapped", a)
		}
	})
}

// FuzzCheck holds that whatever a URL is, an allowed one names a host that is
// no private address in any spelling.
func FuzzCheck(f *testing.F) {
	for _, u := range []string{
		"https://example.com/", "https://127.1/", "https://0x7f.1/", "https://017700000001/", "https://2130706433/",
		"https://[::ffff:7f00:1]/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/", "https://localhost./", "https://a@b/",
		"https://[fe80::1%25eth0]/", "https://EXAMPLE.com:443", "http://x", "https://1.1.1.1.", "https:opaque",
	} {
		f.Add(u)
	}
	p, err := newPolicy(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil || p.check(u) != nil {
			return
		}
		name, err := hostName(u.Hostname())
		if err != nil {
			t.Fatalf("%q is allowed but has no name: %v", text, err)
		}
		if again, err := hostName(name); err != nil || again != name {
			t.Errorf("the name of %q is %q, of which the name is %q, %v", text, name, again, err)
		}
		if a, err := netip.ParseAddr(name); err == nil && !Public(a) {
			t.Errorf("%q is allowed and means %s", text, a)
		}
	})
}
