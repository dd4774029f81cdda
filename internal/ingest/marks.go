package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"kefu/internal/desk"
)

// errUnchanged says that a page is as it was when it was last read.
var errUnchanged = errors.New("the page has not changed")

// marks are by what a server recognises a state of a page.
type marks struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"` // Last-Modified
}

// maxMark is the length of the longest mark that is kept.
const maxMark = 1024

func marksIn(h http.Header) marks {
	m := marks{h.Get("ETag"), h.Get("Last-Modified")}
	if len(m.ETag)+len(m.Modified) > maxMark {
		return marks{}
	}
	return m
}

// set asks for the page only if it is in another state.
func (m marks) set(h http.Header) {
	if m.ETag != "" {
		h.Set("If-None-Match", m.ETag)
	}
	if m.Modified != "" {
		h.Set("If-Modified-Since", m.Modified)
	}
}

// validators are marks as a document keeps them.
type validators struct {
	marks
	Reader string `json:"reader"`
}

// validators keeps marks with the settings that the page was read under.
func (l *Loader) validators(m marks) string {
	if m == (marks{}) {
		return ""
	}
	raw, err := json.Marshal(validators{m, l.reader()})
	if err != nil {
		return "" // the page is read again
	}
	return string(raw)
}

// marksOf are those of a document that would be made of the same page again;
// under other settings there are none.
func (l *Loader) marksOf(served desk.Document) marks {
	var v validators
	if served.Validators == "" || json.Unmarshal([]byte(served.Validators), &v) != nil || v.Reader != l.reader() {
		return marks{}
	}
	return v.marks
}

// reader names the settings that make another document of the same page; the
// version of the program, in its user agent, stands for what it has learned.
func (l *Loader) reader() string {
	h := sha256.New()
	c := l.chunker
	writeFields(h, slices.Concat([]string{
		chunkerVersion, fmt.Sprint(c.target, c.most, c.overlap), l.cfg.UserAgent, fmt.Sprint(l.cfg.Guard != nil, l.cfg.Topics != nil),
	}, l.cfg.LocalOnly)...)
	return hex.EncodeToString(h.Sum(nil)[:8])
}
