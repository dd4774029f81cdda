// Package web holds the pages that a browser shows. They are plain files in
// the binary: no build step, nothing from another host.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static console widget shared.html
var files embed.FS

// policy lets a page load its own files and talk to its own server. Trusted
// types make the browser refuse any text that is to become markup. What
// follows are those that may show the page in a frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors "

// asset is one file as it is served.
type asset struct {
	mediaType, tag string
	content        []byte
}

// Face is what a company makes of the chat.
type Face struct {
	Title string // above the chat; empty: Kefu's name
	// Suggestions are questions to begin with, by language, en or zh; those of a
	// shop where there are none.
	Suggestions map[string][]string
}

// Chat serves the chat page at / and the files it loads below /chat/. It asks
// POST /query of the same server.
func Chat(face Face) http.Handler {
	return pages("static", view{Face: face}, "'none'", func(path string) string { return name(path, "/", "/chat/") })
}

// Console serves the operators' console at /console and its own files below
// /console/; those that both pages load are Chat's. It holds nothing that
// needs a key: what it shows comes from /v1 of the same server.
func Console() http.Handler {
	return pages("console", view{}, "'none'", func(path string) string { return name(path, "/console", "/console/") })
}

// Widget serves what puts the chat on other websites: the script /widget.js,
// and the page that it shows in a frame, /widget with its files below /widget/
// and those of Chat. Only Kefu itself and pages of the origins, such as
// https://shop.example.com or https://*.example.com, may show it.
func Widget(face Face, origins []string) http.Handler {
	v := view{Face: face}
	for _, o := range origins {
		v.Websites = append(v.Websites, canonical(o))
	}
	return pages("widget", v, strings.Join(append([]string{"'self'"}, origins...), " "), func(path string) string {
		if path == "/widget.js" {
			return "widget.js"
		}
		return name(path, "/widget", "/widget/")
	})
}

// view is what a page is filled in with.
type view struct {
	Face
	Websites []string // those that may show it, as canonical writes them
}

// canonical writes an origin as a browser writes that of a page.
func canonical(origin string) string {
	origin = strings.ToLower(origin)
	if strings.HasPrefix(origin, "https:") {
		return strings.TrimSuffix(origin, ":443")
	}
	return strings.TrimSuffix(origin, ":80")
}

// name is that of the file at a path: index.html at root, others below.
func name(path, root, below string) string {
	if path == root {
		return "index.html"
	}
	file, _ := strings.CutPrefix(path, below)
	return file
}

// pages serves the files of a folder, by their names, to be shown in frames of
// the sources that a content security policy calls so.
func pages(dir string, v view, frames string, name func(path string) string) http.Handler {
	assets := read(dir, v)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, found := assets[name(r.URL.Path)]
		if !found {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.mediaType)
		h.Set("Content-Security-Policy", policy+frames)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if frames == "'none'" {
			h.Set("X-Frame-Options", "DENY")
		} else {
			h.Set("Cross-Origin-Resource-Policy", "cross-origin") // websites may isolate themselves
			h.Set("Cross-Origin-Embedder-Policy", "require-corp")
		}
		h.Set("Cache-Control", "no-cache") // asks each time, and is mostly answered with 304
		h.Set("ETag", a.tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
	})
}

// read loads the files of a folder by name, and fills the page in. The
// types are given here because those of the machine may differ.
func read(dir string, v view) map[string]asset {
	types := map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	}
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		panic("web: " + err.Error()) // the folder is part of the binary
	}
	assets := make(map[string]asset, len(entries))
	for _, e := range entries {
		content, err := files.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			panic("web: " + err.Error())
		}
		if e.Name() == "index.html" {
			content = v.show(string(content))
		}
		sum := sha256.Sum256(content)
		assets[e.Name()] = asset{
			mediaType: types[path.Ext(e.Name())], tag: `"` + hex.EncodeToString(sum[:8]) + `"`, content: content,
		}
	}
	return assets
}

// show fills the page in, with what the pages have in common; the texts end up
// as text, whatever they hold.
func (v view) show(page string) []byte {
	var shown bytes.Buffer
	shared := template.Must(template.ParseFS(files, "shared.html"))
	if err := template.Must(shared.New("page").Parse(page)).Execute(&shown, v); err != nil {
		panic("web: " + err.Error()) // the page is part of the binary, and takes any text
	}
	return shown.Bytes()
}

// Suggested are the questions to begin with as JSON, empty where there are none.
func (v view) Suggested() (string, error) {
	if len(v.Suggestions) == 0 {
		return "", nil
	}
	text, err := json.Marshal(v.Suggestions)
	return string(text), err
}
