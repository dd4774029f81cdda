package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kefu/internal/web"
)

// site is a page with the files it loads, as the browser asks for them.
type site struct {
	handler     http.Handler
	dir         string // of its own files
	frames      string // who may show it in a frame
	root, below string
	budget      int // bytes of all of them, gzipped
}

var sites = map[string]site{
	"chat":    {web.Chat(web.Face{}), "static", "'none'", "/", "/chat/", 25 << 10},
	"console": {web.Console(), "console", "'none'", "/console", "/console/", 42 << 10},
	"widget":  {web.Widget(web.Face{}, []string{"https://shop.example", "https://*.shop.example"}), "widget", "'self' https://shop.example https://*.shop.example", "/widget", "/widget/", 5 << 10},
}

func (s site) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{s.root}
	for _, e := range entries {
		if e.Name() != "index.html" {
			paths = append(paths, s.below+e.Name())
		}
	}
	return paths
}

func (s site) get(t *testing.T, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func TestEachPageFitsInItsBudget(t *testing.T) {
	for name, s := range sites {
		total := 0
		for _, file := range s.files(t) {
			var packed bytes.Buffer
			zip, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
			if _, err := io.Copy(zip, s.get(t, file).Body); err != nil {
				t.Fatal(err)
			}
			if err := zip.Close(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%-24s %6d bytes", file, packed.Len())
			total += packed.Len()
		}
		t.Logf("%-24s %6d bytes", "all of "+name, total)
		if total > s.budget {
			t.Errorf("the page %s has %d bytes gzipped, want at most %d", name, total, s.budget)
		}
	}
}

func TestEveryFileIsServedUnderAPolicyThatAllowsNothingInline(t *testing.T) {
	types := map[string]string{
		"": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
		".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}
	for _, s := range sites {
		for _, file := range s.files(t) {
			w := s.get(t, file)
			if w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Errorf("GET %s = %d with %d bytes", file, w.Code, w.Body.Len())
			}
			for name, want := range map[string]string{
				"Content-Type": types[path.Ext(file)], "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s of %s = %q, want %q", name, file, got, want)
				}
			}
			policy := w.Header().Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors " + s.frames, "trusted-types 'none'"} {
				if !strings.Contains(policy, want) {
					t.Errorf("the policy of %s lacks %s: %s", file, want, policy)
				}
			}
			if framed := w.Header().Get("X-Frame-Options") == ""; framed == (s.frames == "'none'") {
				t.Errorf("%s may be shown in a frame: %t", file, framed)
			}
			if strings.Contains(policy, "unsafe") {
				t.Errorf("the policy of %s is not strict: %s", file, policy)
			}
		}
	}
}

func TestAnUnchangedFileIsNotSentAgain(t *testing.T) {
	chat := sites["chat"]
	tag := chat.get(t, "/").Header().Get("ETag")
	if w := chat.get(t, "/", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("status = %d with %d bytes, want 304 without any", w.Code, w.Body.Len())
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for name, targets := range map[string][]string{
		"chat":    {"/chat/", "/chat/index.htm", "/chat/../web.go", "/chat/static/chat.js", "/chat.js", "/index.html", "/chat/console.js"},
		"console": {"/console/", "/console/../web.go", "/console/console/console.js", "/console.js", "/", "/console/chat.js"},
	} {
		for _, target := range targets {
			if w := sites[name].get(t, target); w.Code != http.StatusNotFound {
				t.Errorf("GET %s = %d, want 404", target, w.Code)
			}
		}
	}
}

func TestBothLanguagesSayEverything(t *testing.T) {
	for _, name := range []string{"chat", "console"} { // the widget shows the chat
		text, err := os.ReadFile(path.Join(sites[name].dir, "texts.js"))
		if err != nil {
			t.Fatal(err)
		}
		english, chinese, ok := strings.Cut(string(text), "\n  zh: {")
		if !ok {
			t.Fatal("no Chinese texts")
		}
		keys := func(part string) []string {
			var names []string
			for _, m := range regexp.MustCompile(`(?m)^    (\w+): '`).FindAllStringSubmatch(part, -1) {
				names = append(names, m[1])
			}
			slices.Sort(names)
			return names
		}
		en, zh := keys(english), keys(chinese)
		if len(en) == 0 || !slices.Equal(en, zh) {
			t.Errorf("texts of %s differ:\nen %v\nzh %v", name, en, zh)
		}
		if len(slices.Compact(en)) != len(keys(english)) {
			t.Errorf("a key of %s is there twice: %v", name, keys(english))
		}
	}
}
