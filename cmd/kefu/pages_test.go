package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestASiteIsLoadedSyncedAndCited(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"/returns": "<html><title>Returns</title><main><h1>Returns</h1><p>You can return an item within 30 days of delivery.</p></main></html>",
		"/old":     "<html><title>Old</title><main><p>We deliver by carriage.</p></main></html>",
	}
	var mu sync.Mutex // of pages
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch page, known := pages[r.URL.Path]; {
		case r.URL.Path == "/sitemap.xml":
			io.WriteString(w, "<urlset>")
			for path := range pages {
				io.WriteString(w, "<url><loc>"+s.URL+path+"</loc></url>")
			}
			io.WriteString(w, "</urlset>")
		case known:
			io.WriteString(w, page)
		default:
			http.Redirect(w, r, "https://169.254.169.254/", http.StatusFound)
		}
	}))
	t.Cleanup(s.Close)
	site := newShop(t, "KEFU_KNOWLEDGE_PATH=none", "KEFU_KNOWLEDGE_INSIDE="+strings.TrimPrefix(s.URL, "http://"))
	command := []string{"kb", "sync", s.URL + "/sitemap.xml", "--source", "help"}
	holds(t, "the sync", site.Must(command...), "2 added, 0 updated, 0 unchanged, 0 failed")
	mu.Lock()
	delete(pages, "/old")
	mu.Unlock()
	holds(t, "the next sync", site.Must(command...), "0 added, 0 updated, 1 unchanged, 1 removed, 0 failed")
	holds(t, "the answer", site.Must("ask", "--json", simpleEN), "30 days", `"url": "`+s.URL+`/returns"`)

	holds(t, "the preview", site.Must("kb", "load", "--dry-run", s.URL+"/returns"), s.URL+"/returns: added, en, page, 1 chunk\n", "would be 1 added")
	r := site.Run("kb", "load", s.URL+"/returns", s.URL+"/secret")
	if r.Code != 3 {
		t.Errorf("exit status %d, want 3", r.Code)
	}
	holds(t, "stderr", r.Stderr, s.URL+"/secret: This address is not on the public internet")
	for _, args := range [][]string{
		{"kb", "sync", s.URL + "/sitemap.xml", "--source", "help", "--watch"},
		{"kb", "load", s.URL + "/sitemap.xml", "--max-pages", "0"},
	} {
		if r := site.Run(args...); r.Code != 2 {
			t.Errorf("kefu %s: exit status %d, want 2", strings.Join(args, " "), r.Code)
		}
	}
	refused := site.With("KEFU_KNOWLEDGE_INSIDE=").Run("kb", "load", s.URL+"/returns")
	if refused.Code != 3 {
		t.Errorf("exit status %d, want 3", refused.Code)
	}
	holds(t, "stderr", refused.Stderr, "Only https addresses are allowed")
}
