package ingest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/egress"
)

// reader is a loader that may read pages of the given servers and of the
// public internet.
func reader(t *testing.T, docs *shelf, inside ...*httptest.Server) *Loader {
	t.Helper()
	var hosts []string
	for _, s := range inside {
		hosts = append(hosts, s.Listener.Addr().String())
	}
	client, err := egress.New(egress.Config{Inside: hosts, Timeout: 5 * time.Second, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	l := New(docs, &counter{model: "m1"}, &rows{}, Config{Web: client, UserAgent: "Kefu/test", MaxFileBytes: 1 << 20})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// serve is a web server without a robots.txt.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	return serveAll(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	})
}

func serveAll(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func page(title, text string) string {
	return "<!doctype html><html><head><title>" + title + `</title><link rel="canonical" href="https://elsewhere.example/"></head><body><main><h1>` +
		title + "</h1><p>" + text + "</p></main></body></html>"
}

func mapOf(root, entry string, addresses ...string) string {
	var b strings.Builder
	for _, a := range addresses {
		fmt.Fprintf(&b, "<%s><loc>%s</loc></%s>", entry, a, entry)
	}
	return "<" + root + ">" + b.String() + "</" + root + ">"
}

func failures(r Report) map[string]ErrorCode {
	codes := map[string]ErrorCode{}
	for _, f := range r.Failed {
		u, err := url.Parse(f.Path)
		if err != nil {
			panic(err)
		}
		codes[u.Path] = f.Code
	}
	return codes
}

func TestAPageGoesByItsAddressAndIsReadInItsFormat(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if agent := r.Header.Get("User-Agent"); agent != "Kefu/test" {
			t.Errorf("user agent %q", agent)
		}
		body := map[string]struct{ kind, text string }{
			"/returns":  {"text/html; charset=utf-8", page("Returns", "Within 30 days.")},
			"/faq":      {"text/csv", "question,answer\nHow long?,30 days.\n"},
			"/guide.md": {"text/plain; charset=utf-8", "# Guide\n\nRead me.\n"},
			"/old":      {"text/html; charset=gb2312", "<html><body><p>\xcd\xcb\xbb\xf5</p></body></html>"},
			"/v1.2":     {"text/plain", "Notes of the release.\n"},
			"/bare":     {"", page("Bare", "No type.")},
			"/lamp.png": {"image/png", "\x89PNG"},
			"/data":     {"application/json", "{}"},
		}[r.URL.Path]
		w.Header()["Content-Type"] = []string{body.kind}
		io.WriteString(w, body.text)
	})
	docs := newShelf()
	l := reader(t, docs, s)
	var paths []string
	for _, p := range []string{"/returns#top", "/returns", "/faq", "/guide.md", "/old", "/v1.2", "/bare", "/lamp.png", "/data"} {
		paths = append(paths, s.URL+p)
	}
	r := mustLoad(t, l, Request{Paths: paths})
	if codes := failures(r); r.Added != 6 || len(codes) != 2 || codes["/lamp.png"] != CodeUnsupported || codes["/data"] != CodeUnsupported {
		t.Errorf("report = %+v", r)
	}
	text := map[string]string{}
	for _, d := range docs.docs {
		if d.Document.URL != d.Document.Path || d.Chunks[0].Document != d.Document.ID {
			t.Errorf("document = %+v, want the page's address as its path and URL", d.Document)
		}
		text[strings.TrimPrefix(d.Document.Path, s.URL)] = d.Document.Title + ": " + d.Chunks[0].Question + d.Chunks[0].Text
	}
	for path, want := range map[string]string{
		"/returns": "Returns: Within 30 days.", "/faq": "FAQ: How long?30 days.", "/guide.md": "Guide: Read me.",
		"/old": "Old: 退货", "/v1.2": "V1.2: Notes of the release.", "/bare": "Bare: No type.",
	} {
		if text[path] != want {
			t.Errorf("%s = %q, want %q", path, text[path], want)
		}
	}
}

func TestPagesThatCannotBeReadAreNamed(t *testing.T) {
	var private atomic.Int32
	inside := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		private.Add(1)
		io.WriteString(w, page("Secret", "of the network"))
	})
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page("Sign in", "please")) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/private": inside.URL, "/metadata": "https://169.254.169.254/latest", "/loopback": "https://" + inside.Listener.Addr().String(),
			"/sign-in": other.URL, "/moved": "/good",
		}
		switch p := r.URL.Path; {
		case to[p] != "":
			http.Redirect(w, r, to[p], http.StatusFound)
		case p == "/huge":
			for range 3 {
				w.Write(bytes.Repeat([]byte("a"), 1<<20))
			}
		case p == "/missing":
			http.NotFound(w, r)
		case p == "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case p == "/cut":
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		case p == "/empty":
			w.Header().Set("Content-Type", "text/html")
		default:
			io.WriteString(w, page("Good", "This page can be read."))
		}
	})
	want := map[string]ErrorCode{
		"/private": CodePageRefused, "/metadata": CodePageRefused, "/loopback": CodePageRefused, "/sign-in": CodePageRefused,
		"/huge": CodeTooLarge, "/missing": CodeNotFound, "/down": CodePageFailed, "/cut": CodePageFailed, "/empty": CodeEmpty,
	}
	paths := []string{s.URL + "/moved"}
	for p := range want {
		paths = append(paths, s.URL+p)
	}
	docs := newShelf()
	r := mustLoad(t, reader(t, docs, s, other), Request{Paths: paths})
	got := failures(r)
	for p, code := range want {
		if got[p] != code {
			t.Errorf("code of %s = %q, want %q", p, got[p], code)
		}
	}
	if private.Load() != 0 {
		t.Error("a private address was asked")
	}
	if d := docs.only(t).Document; d.Path != s.URL+"/moved" {
		t.Errorf("document = %+v, want the address that was named", d)
	}
	r = mustLoad(t, reader(t, newShelf(), s), Request{Paths: []string{inside.URL + "/", "https://u:secret@" + inside.Listener.Addr().String() + "/p", "https://%zz/"}})
	if len(r.Failed) != 3 || private.Load() != 0 {
		t.Errorf("report = %+v after %d requests, want three refused", r, private.Load())
	}
	for _, f := range r.Failed {
		if f.Code != CodePageRefused || strings.Contains(f.Error(), "secret") {
			t.Errorf("failure = %v", f.Error())
		}
	}
}

// site is a server whose pages and sitemaps a test changes between loads.
func site(t *testing.T) (*httptest.Server, map[string]string) {
	t.Helper()
	files := map[string]string{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, ok := files[r.URL.Path]; !ok {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, files[r.URL.Path])
	})
	for _, name := range []string{"a", "b", "c"} {
		files["/"+name] = page(name, "The text of "+name+".")
	}
	files["/sitemap.xml"] = mapOf("sitemapindex", "sitemap", s.URL+"/one.xml", s.URL+"/two.xml")
	files["/one.xml"] = mapOf("urlset", "url", s.URL+"/a", s.URL+"/b")
	files["/two.xml"] = mapOf("urlset", "url", s.URL+"/c", s.URL+"/a")
	return s, files
}

func TestASourceIsMadeEqualToASitemap(t *testing.T) {
	s, files := site(t)
	docs := newShelf()
	l := reader(t, docs, s)
	req := Request{Paths: []string{s.URL + "/sitemap.xml"}, Source: "help", Exact: true}
	expect := func(what string, added, updated, unchanged, removed, failed int) Report {
		t.Helper()
		r := mustLoad(t, l, req)
		if r.Added != added || r.Updated != updated || r.Unchanged != unchanged || r.Removed != removed || len(r.Failed) != failed {
			t.Errorf("%s: %+v", what, r)
		}
		return r
	}
	expect("first", 3, 0, 0, 0, 0)
	expect("again", 0, 0, 3, 0, 0)
	files["/a"] = page("a", "Another text.")
	files["/two.xml"] = mapOf("urlset", "url")
	expect("one edited, one gone", 0, 1, 1, 1, 0)

	delete(files, "/b")
	if codes := failures(expect("a page that is listed and broken stays", 0, 0, 1, 0, 1)); codes["/b"] != CodeNotFound {
		t.Errorf("codes = %v", codes)
	}
	files["/one.xml"] = "<urlset><url>"
	if codes := failures(expect("nothing goes with a sitemap that cannot be read", 0, 0, 0, 0, 1)); codes["/one.xml"] != CodeSitemap {
		t.Errorf("codes = %v", codes)
	}
	files["/one.xml"] = mapOf("urlset", "url", s.URL+"/a", s.URL+"/c")
	req.MaxPages = 1
	codes := failures(expect("nor with pages and sitemaps beyond the bound", 0, 0, 1, 0, 2))
	if codes["/one.xml"] != CodeSitemap || codes["/sitemap.xml"] != CodeSitemap {
		t.Errorf("codes = %v", codes)
	}
	if len(docs.docs) != 2 {
		t.Errorf("%d documents, want 2", len(docs.docs))
	}
}

func TestASitemapReachesItsOwnHostOneLevelDeep(t *testing.T) {
	var foreign atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { foreign.Add(1) })
	s, files := site(t)
	files["/sitemap.xml"] = mapOf("sitemapindex", "sitemap", s.URL+"/one.xml", s.URL+"/two.xml", other.URL+"/three.xml")
	files["/one.xml"] = mapOf("urlset", "url", s.URL+"/a", other.URL+"/b", "mailto:help@example.com")
	files["/two.xml"] = mapOf("sitemapindex", "sitemap", s.URL+"/sitemap.xml")
	r := mustLoad(t, reader(t, newShelf(), s, other), Request{Paths: []string{s.URL + "/sitemap.xml"}})
	codes := failures(r)
	if r.Added != 1 || foreign.Load() != 0 || len(r.Failed) != 3 || codes["/sitemap.xml"] != CodeSitemap || codes["/one.xml"] != CodeSitemap || codes["/two.xml"] != CodeSitemap {
		t.Errorf("report = %+v with %d requests to another host", r, foreign.Load())
	}
	for _, f := range r.Failed {
		if strings.HasSuffix(f.Path, "/one.xml") && f.Reason != "left out of it: 1 on other hosts, 1 that are no addresses of pages" {
			t.Errorf("reason = %q", f.Reason)
		}
	}
}

func TestAtMostFourPagesAreReadAtOnce(t *testing.T) {
	var now, most atomic.Int32
	four := make(chan struct{})
	open := sync.OnceFunc(func() { close(four) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == fetchers {
			open()
		}
		select {
		case <-four:
		case <-r.Context().Done():
		}
		io.WriteString(w, page(r.URL.Path, "Text."))
	})
	var paths []string
	for i := range 2 * fetchers {
		paths = append(paths, fmt.Sprintf("%s/%d", s.URL, i))
	}
	slices.Sort(paths)
	if r := mustLoad(t, reader(t, newShelf(), s), Request{Paths: paths}); r.Added != len(paths) || most.Load() != fetchers {
		t.Errorf("%d pages, %d at once, want %d, %d", r.Added, most.Load(), len(paths), fetchers)
	}
}
