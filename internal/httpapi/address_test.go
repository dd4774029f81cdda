package httpapi_test

import (
	"net/http"
	"net/netip"
	"testing"

	"kefu/internal/httpapi"
	"kefu/internal/limit"
)

func TestAProxyThatIsTrustedSaysWhoCalls(t *testing.T) {
	tests := []struct {
		name    string
		proxies []netip.Prefix
		second  string // X-Forwarded-For of the second request, after 203.0.113.7
		refused bool   // as of the same caller
	}{
		{"nobody is trusted", nil, "203.0.113.8", true},
		{"another customer", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "203.0.113.8", false},
		{"the same customer", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "203.0.113.7", true},
		{"what the customer made up stands before what the proxy saw", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "198.51.100.1, 203.0.113.7", true},
		{"a proxy before the proxy", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.1/32")}, "203.0.113.7, 10.0.0.1", true},
		{"another network is trusted", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "203.0.113.8", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := serve(t, httpapi.Config{TrustedProxies: tt.proxies, Limiter: limiter(t, limit.Config{Address: limit.Rates{Requests: 1}})}, admits(says(answer())))
			if r := f.query(t, `{"question":"?"}`, "X-Forwarded-For", "203.0.113.7"); r.StatusCode != http.StatusOK {
				t.Fatalf("the first = %d, want 200", r.StatusCode)
			}
			r := f.query(t, `{"question":"?"}`, "X-Forwarded-For", tt.second)
			if refused := r.StatusCode == http.StatusTooManyRequests; refused != tt.refused {
				t.Errorf("the second = %d, refused should be %t", r.StatusCode, tt.refused)
			}
		})
	}
}

func TestACustomerIsCountedByTheNetworkTheyAreGiven(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	f := serve(t, httpapi.Config{TrustedProxies: loopback, Limiter: limiter(t, limit.Config{Address: limit.Rates{Requests: 1}})}, admits(says(answer())))
	for _, step := range []struct {
		from string
		want int
	}{
		{"2001:db8:1:2::1", http.StatusOK},
		{"2001:db8:1:2:ffff::9", http.StatusTooManyRequests},
		{"2001:db8:1:3::1", http.StatusOK},
	} {
		if r := f.query(t, `{"question":"?"}`, "X-Forwarded-For", step.from); r.StatusCode != step.want {
			t.Errorf("from %s = %d, want %d", step.from, r.StatusCode, step.want)
		}
	}
}
