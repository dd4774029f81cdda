package tool

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kefu/internal/desk"
)

func TestArgumentsAreEscapedForWhereTheyStand(t *testing.T) {
	const base = "https://shop.example:8443"
	tests := []struct {
		why       string
		url       string
		arguments map[string]any
		want      string // "" for refused
	}{
		{"in the path", "/orders/{id}", map[string]any{"id": "LN1"}, "/orders/LN1"},
		{"beside fixed text", "/o-{id}.json", map[string]any{"id": "a b?c#d%"}, "/o-a%20b%3Fc%23d%25.json"},
		{"Chinese", "/orders/{id}", map[string]any{"id": "订单"}, "/orders/%E8%AE%A2%E5%8D%95"},
		{"numbers and truth values", "/{n}/{b}", map[string]any{"n": json.Number("5"), "b": true}, "/5/true"},
		{"in the query", "/s?q={q}&page=1", map[string]any{"q": "a&b=c d"}, "/s?q=a%26b%3Dc+d&page=1"},
		{"left out of the query", "/s?q={q}&lang={l}&x=y", map[string]any{"l": "zh"}, "/s?lang=zh&x=y"},
		{"empty in the query", "/s?q={q}", map[string]any{"q": ""}, "/s?q="},
		{"whom it is for", "/t/{@tenant}?user={@user}&lang={@lang}", map[string]any{"@user": "eve"}, "/t/default?user=ann%26co&lang=zh"},
		{"a line break in the query", "/s?q={q}", map[string]any{"q": "a\r\nHost: b"}, "/s?q=a%0D%0AHost%3A+b"},

		{"empty in the path", "/orders/{id}", map[string]any{"id": ""}, ""},
		{"missing in the path", "/orders/{id}", nil, ""},
		{"up a folder", "/orders/{id}/x", map[string]any{"id": ".."}, ""},
		{"up a folder in two parts", "/orders/{a}{b}/x", map[string]any{"a": ".", "b": "."}, ""},
		{"the same folder", "/orders/{id}/x", map[string]any{"id": "."}, ""},
		{"a slash", "/orders/{id}", map[string]any{"id": "1/../../admin"}, ""},
		{"a backslash", "/orders/{id}", map[string]any{"id": `1\admin`}, ""},
		{"a line break in the path", "/orders/{id}", map[string]any{"id": "1\r\nHost: evil"}, ""},
		{"a null byte", "/orders/{id}", map[string]any{"id": "1\x00"}, ""},
		{"a list", "/orders/{id}", map[string]any{"id": []any{"1"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			parsed, err := parseTemplate(base + tt.url)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parsed.fill(Input{Arguments: tt.arguments, Lang: desk.Chinese, Scope: desk.Scope{Tenant: "default", User: "ann&co"}})
			if tt.want == "" {
				if code(err) != CodeArguments {
					t.Errorf("fill = %q, %v, want it refused", got, err)
				}
				return
			}
			if got != base+tt.want || err != nil {
				t.Errorf("fill = %q, %v, want %q", got, err, base+tt.want)
			}
		})
	}
}

func TestTemplatesThatCannotBeUsed(t *testing.T) {
	for _, u := range []string{
		"", "/orders", "ftp://shop.example/", "https://{host}/orders", "https://shop.example:{port}/", "{scheme}://shop.example/",
		"https://user:pass@shop.example/", "https://shop.example/#{id}", "https://shop.example/{id", "https://shop.example/{a b}",
		"https://shop.example/s?{key}=1", "https://shop.example/s?q={a", "https://{a}shop.example/",
	} {
		if _, err := parseTemplate(u); err == nil {
			t.Errorf("template %q is taken", u)
		}
	}
}

func FuzzFill(f *testing.F) {
	for _, s := range []string{"LN1", "..", "%2e%2e", "a/b", "a%2Fb", "？", "\\", "a?b#c", "", ";", "@evil.example"} {
		f.Add(s, s)
	}
	parsed, err := parseTemplate("https://shop.example/orders/{a}/lines?q={b}&fixed=1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		text, err := parsed.fill(Input{Arguments: map[string]any{"a": a, "b": b}})
		if err != nil {
			return
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" || u.Host != "shop.example" || u.User != nil || u.Fragment != "" {
			t.Fatalf("%q and %q make %q, %v", a, b, text, err)
		}
		segments := strings.Split(u.EscapedPath(), "/")
		if len(segments) != 4 || segments[1] != "orders" || segments[3] != "lines" || slices.Contains(segments, "..") {
			t.Errorf("%q leads to another path: %q", a, text)
		}
		if got, _ := url.PathUnescape(segments[2]); got != a {
			t.Errorf("%q arrives as %q", a, got)
		}
		if q := u.Query(); len(q) != 2 || q.Get("q") != b || q.Get("fixed") != "1" {
			t.Errorf("%q arrives as the query %q", b, u.RawQuery)
		}
	})
}
