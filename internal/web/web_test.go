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

// files are those of the page, as the browser asks for them.
func files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"/"}
	for _, e := range entries {
		if e.Name() != "index.html" {
			paths = append(paths, "/chat/"+e.Name())
		}
	}
	return paths
}

func get(t *testing.T, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	web.Chat().ServeHTTP(w, r)
	return w
}

func TestTheWholePageFitsIn25KilobytesGzipped(t *testing.T) {
	const budget = 25 << 10
	total := 0
	for _, file := range files(t) {
		var packed bytes.Buffer
		zip, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if _, err := io.Copy(zip, get(t, file).Body); err != nil {
			t.Fatal(err)
		}
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%-20s %6d bytes", file, packed.Len())
		total += packed.Len()
	}
	t.Logf("%-20s %6d bytes", "all", total)
	if total > budget {
		t.Errorf("the page has %d bytes gzipped, want at most %d", total, budget)
	}
}

func TestEveryFileIsServedUnderAPolicyThatAllowsNothingInline(t *testing.T) {
	types := map[string]string{
		"": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
		".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}
	for _, file := range files(t) {
		w := get(t, file)
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
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("the policy of %s lacks %s: %s", file, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("the policy of %s is not strict: %s", file, policy)
		}
	}
}

func TestAnUnchangedFileIsNotSentAgain(t *testing.T) {
	tag := get(t, "/").Header().Get("ETag")
	if w := get(t, "/", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("status = %d with %d bytes, want 304 without any", w.Code, w.Body.Len())
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for _, target := range []string{"/chat/", "/chat/index.htm", "/chat/../web.go", "/chat/static/chat.js", "/chat.js", "/index.html"} {
		if w := get(t, target); w.Code != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", target, w.Code)
		}
	}
}

func TestBothLanguagesSayEverything(t *testing.T) {
	text, err := os.ReadFile("static/texts.js")
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
		t.Errorf("texts differ:\nen %v\nzh %v", en, zh)
	}
}
