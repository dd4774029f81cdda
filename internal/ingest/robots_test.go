package ingest

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"kefu/internal/desk"
)

func TestRobotsDecideWhatIsRead(t *testing.T) {
	for _, tt := range []struct {
		name, robots string
		status       int
		want         map[string]ErrorCode
	}{
		{"without one all is read", "", 404, map[string]ErrorCode{}},
		{"for everybody", "User-agent: *\nDisallow: /private/\nAllow: /private/open\n", 200, map[string]ErrorCode{"/private/b": CodePageRefused}},
		{"for this program", "User-agent: *\nDisallow: /\n\nUser-agent: kefu\nDisallow: /a$\n", 200, map[string]ErrorCode{"/a": CodePageRefused}},
		{"for others", "User-agent: OtherBot\nDisallow: /\n", 200, map[string]ErrorCode{}},
		{"a web page in its place", "<!doctype html><p>: not found", 200, map[string]ErrorCode{}},
		{"unknown lines", "Crawl-delay: soon\nHost: x\nUser-agent: *\nNoindex: /\nDisallow: /a\n", 200, map[string]ErrorCode{"/a": CodePageRefused}},
		{"it leads elsewhere", "", 302, map[string]ErrorCode{}},
		{"a server that cannot say", "", 503, map[string]ErrorCode{"/a": CodePageRefused, "/private/b": CodePageRefused, "/private/open": CodePageRefused}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			s := serveAll(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/robots.txt" {
					asked.Add(1)
					w.Header().Set("Location", "https://169.254.169.254/")
					w.WriteHeader(tt.status)
					io.WriteString(w, tt.robots)
					return
				}
				w.Header().Set("Content-Type", "text/html")
				io.WriteString(w, page(r.URL.Path, "text of "+r.URL.Path))
			})
			report, err := reader(t, newShelf(), s).Load(t.Context(), desk.DefaultTenant, Request{Paths: []string{s.URL + "/a", s.URL + "/private/b", s.URL + "/private/open"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := failures(report); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("not read: %v, want %v", got, tt.want)
			}
			if asked.Load() != 1 {
				t.Errorf("robots.txt was asked for %d times, want once", asked.Load())
			}
		})
	}
}

func TestAPageThatHasNotChangedIsNotSentAgain(t *testing.T) {
	var sent, kept atomic.Int32
	tag, text := `"v1"`, "Within 30 days."
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Type", "text/html")
		if r.Header.Get("If-None-Match") == tag {
			kept.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent.Add(1)
		io.WriteString(w, page("Returns", text))
	})
	docs := newShelf()
	load := func(change ...func(*Loader)) Report {
		t.Helper()
		l := reader(t, docs, s)
		for _, f := range change {
			f(l)
		}
		r, err := l.Load(t.Context(), desk.DefaultTenant, Request{Paths: []string{s.URL + "/returns"}, Source: "web", Root: s.URL, Exact: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	counts := func(what string, wantSent, wantKept int32) {
		t.Helper()
		if sent.Load() != wantSent || kept.Load() != wantKept {
			t.Errorf("%s: %d sent and %d not, want %d and %d", what, sent.Load(), kept.Load(), wantSent, wantKept)
		}
	}
	if r := load(); r.Added != 1 {
		t.Fatalf("the first load: %+v", r)
	}
	if r := load(); r.Unchanged != 1 || r.Removed != 0 {
		t.Errorf("the second load: %+v, want the page unchanged", r)
	}
	counts("the second load", 1, 1)
	load(func(l *Loader) { l.cfg.UserAgent = "Kefu/next" })
	counts("another version of the program", 2, 1)
	tag, text = `"v2"`, "Within 45 days."
	if r := load(); r.Updated != 1 {
		t.Errorf("after an edit: %+v, want the page updated", r)
	}
	counts("after an edit", 3, 1)
}
