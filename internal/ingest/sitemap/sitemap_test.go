package sitemap

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

const urlset = `<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc> https://a.example/?x=1&amp;y=2#part </loc><lastmod>2026-01-01</lastmod>
<image:image><image:loc>https://a.example/lamp.png</image:loc></image:image></url>
<url><loc>https://a.example/?x=1&amp;y=2</loc></url>
<url><loc><![CDATA[https://a.example/退货]]></loc></url>
<url><loc>javascript:alert(1)</loc></url><url><loc>/relative</loc></url><url><loc>https://u:p@a.example/</loc></url>
</urlset>`

func TestASitemapListsItsPagesAndItsSitemaps(t *testing.T) {
	index := `<sitemapindex><sitemap><loc>https://a.example/1.xml</loc></sitemap></sitemapindex>`
	pages := []string{"https://a.example/?x=1&y=2", "https://a.example/%E9%80%80%E8%B4%A7"}
	tests := []struct {
		name, text  string
		pages, maps []string
	}{
		{"pages, each once, without images and what is no address of a page", urlset, pages, nil},
		{"packed", packed(urlset), pages, nil},
		{"in another encoding", "<?xml version=\"1.0\" encoding=\"gb2312\"?><urlset><url><loc>https://a.example/\xcd\xcb\xbb\xf5</loc></url></urlset>", pages[1:], nil},
		{"an index", index, nil, []string{"https://a.example/1.xml"}},
		{"none yet", "<urlset/>", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Read(strings.NewReader(tt.text))
			if err != nil || !slices.Equal(addresses(m.Pages), tt.pages) || !slices.Equal(addresses(m.Maps), tt.maps) {
				t.Errorf("pages %q, maps %q, %v; want %q, %q", addresses(m.Pages), addresses(m.Maps), err, tt.pages, tt.maps)
			}
		})
	}
}

func addresses(list []*url.URL) []string {
	var out []string
	for _, u := range list {
		out = append(out, u.String())
	}
	return out
}

func TestWhatIsNoSitemapIsRefused(t *testing.T) {
	tests := []struct {
		name, text string
		none       bool // ErrNotSitemap
	}{
		{"nothing", "", true},
		{"a page", "<!doctype html><html><body>hello</body></html>", true},
		{"a feed", "<rss><channel/></rss>", true},
		{"plain text", "hello", true},
		{"half of one", urlset[:len(urlset)/2], false},
		{"elements that cross", "<urlset><url></urlset></url>", false},
		{"a tower", "<urlset>" + strings.Repeat("<a>", 1000), false},
		{"more addresses than are allowed", "<urlset>" + many(11) + "</urlset>", false},
		{"a bomb", packed("<urlset>" + strings.Repeat(" ", 10_000) + "</urlset>"), false},
		{"two roots", "<urlset/><urlset/>", true},
		{"an entity of its own", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><urlset><url><loc>https://a.example/&b;</loc></url></urlset>`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := read(strings.NewReader(tt.text), 10_000, 10)
			if err == nil || errors.Is(err, ErrNotSitemap) != tt.none {
				t.Errorf("%d pages, error %v", len(m.Pages), err)
			}
		})
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<url><loc>https://a.example/%d</loc></url>", i)
	}
	return b.String()
}

// FuzzRead holds that whatever a sitemap says, its addresses are those of pages
// and within the bounds.
func FuzzRead(f *testing.F) {
	for _, text := range []string{urlset, packed(urlset), "<sitemapindex><sitemap><loc>https://a/</loc></sitemap></sitemapindex>", "<urlset><url><loc>", "\x1f\x8b"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(bytes.NewReader(data))
		if err != nil && len(m.Pages)+len(m.Maps) > 0 {
			t.Error("an error and addresses")
		}
		for _, u := range append(m.Pages, m.Maps...) {
			again, err := url.Parse(u.String())
			if err != nil || again.Scheme != "http" && again.Scheme != "https" || again.Host == "" || again.User != nil || again.Fragment != "" {
				t.Errorf("%q is the address of no page", u)
			}
		}
	})
}
