package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"testing"
)

// changes are the ways to change a knowledge base over HTTP.
var changes = []string{"upload", "form", "replacement", "removal", "rollback"}

// write changes what x knows, or tries to change what another knows: that stays
// as it was, and answers like what is missing.
func (x *isolated) write(t *testing.T, h http.Handler, other *isolated, n int) *httptest.ResponseRecorder {
	t.Helper()
	before, at := other.knowledge(h), "?tenant="+string(other.id)
	kind := changes[rand.N(len(changes))]
	lamp := rand.N(6)
	text := x.lamp(lamp) + fmt.Sprintf("\nIt was looked over for the %dth time.\n", n)
	upload, err := json.Marshal(map[string]string{"name": lampFile(lamp), "source": "notes", "text": text})
	if err != nil {
		t.Fatal(err)
	}
	content := string(upload)
	var w *httptest.ResponseRecorder
	switch kind {
	case "upload":
		w = x.do(h, "operator", "POST", "/v1/documents"+at, content)
	case "form":
		contentType, form := x.form(t, lamp, text)
		w = x.send(h, "operator", "POST", "/v1/documents"+at, contentType, form)
	case "replacement":
		w = x.change(t, h, other, "PUT", content)
	case "removal":
		w = x.change(t, h, other, "DELETE", "")
	case "rollback":
		path := "/v1/releases/%d/rollback" + at
		theirs := x.do(h, "operator", "POST", fmt.Sprintf(path, pick(other.releases(h))), "")
		like(t, "release", theirs, x.do(h, "operator", "POST", fmt.Sprintf(path, 1<<40), ""))
		w = x.do(h, "operator", "POST", fmt.Sprintf(path, pick(x.releases(h))), "")
	}
	if w.Code < http.StatusBadRequest {
		x.changed[kind]++
	}
	if after := other.knowledge(h); after != before {
		t.Fatalf("a %s of %s changed what %s knows from %s to %s", kind, x.id, other.id, before, after)
	}
	return w
}

// change puts or deletes one of x's documents, after it has tried another's.
func (x *isolated) change(t *testing.T, h http.Handler, other *isolated, method, content string) *httptest.ResponseRecorder {
	t.Helper()
	path := "/v1/documents/%s?tenant=" + string(other.id)
	if theirs := pick(other.documents(h)); theirs != "" {
		like(t, "document", x.do(h, "operator", method, fmt.Sprintf(path, theirs), content),
			x.do(h, "operator", method, fmt.Sprintf(path, "missing"), content))
		like(t, "document", x.do(h, "operator", "GET", fmt.Sprintf(path, theirs), ""), x.do(h, "operator", "GET", fmt.Sprintf(path, "missing"), ""))
	}
	return x.do(h, "operator", method, fmt.Sprintf(path, pick(x.documents(h))), content)
}

// form is a form of two files, one of which every tenant has.
func (x *isolated) form(t *testing.T, lamp int, text string) (contentType, body string) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, content := range map[string]string{lampFile(lamp): text, "about.txt": "All of this holds for " + x.mark + ".\n"} {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), form.String()
}

// knowledge is everything that x's operator sees of its documents and releases.
func (x *isolated) knowledge(h http.Handler) string {
	return x.do(h, "operator", "GET", "/v1/documents?limit=200", "").Body.String() + x.do(h, "operator", "GET", "/v1/releases?limit=200", "").Body.String()
}

func (x *isolated) documents(h http.Handler) []string {
	return listed(x.do(h, "operator", "GET", "/v1/documents?limit=200", ""), func(d struct{ ID string }) string { return d.ID })
}

func (x *isolated) releases(h http.Handler) []int64 {
	return listed(x.do(h, "operator", "GET", "/v1/releases?limit=200", ""), func(r struct{ Revision int64 }) int64 { return r.Revision })
}

// listed reads one thing of each member of a list.
func listed[T, U any](w *httptest.ResponseRecorder, of func(T) U) (all []U) {
	var list struct{ Data []T }
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		panic(fmt.Sprintf("%d %s: %v", w.Code, w.Body, err))
	}
	for _, one := range list.Data {
		all = append(all, of(one))
	}
	return all
}

// pick takes any of them, the zero value of none.
func pick[T any](all []T) (one T) {
	if len(all) == 0 {
		return one
	}
	return all[rand.N(len(all))]
}
