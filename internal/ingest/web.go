package ingest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"kefu/internal/desk"
)

// fetchers bounds the pages that a loader reads at the same time, whatever
// their hosts.
const fetchers = 4

// web reads pages. It is safe for concurrent use.
type web struct {
	client *http.Client // nil: none is read
	agent  string       // how it names itself
	free   slots
	robots robots
}

// response is what a server sent, at most as large as it may be.
type response struct {
	data      []byte
	mediaType string // "" where the server named none
	charset   string
	marks     marks
}

// get asks for u, unless it is as known says. The error is a *FileError without
// a path, errUnchanged, or that of ctx.
func (w *web) get(ctx context.Context, u *url.URL, most int64, known marks) (response, error) {
	answer, err := w.ask(ctx, u, known)
	if err != nil {
		return response{}, err
	}
	defer answer.Body.Close()
	switch at := answer.Request.URL; {
	case at.Host != u.Host: // what is there belongs to somebody else, a sign-in page perhaps
		return response{}, reject(CodePageRefused, 0, "it redirects to another host, %s; load it from there", at.Host)
	case answer.StatusCode == http.StatusNotModified && known != (marks{}):
		return response{}, errUnchanged
	case answer.StatusCode == http.StatusNotFound, answer.StatusCode == http.StatusGone:
		return response{}, reject(CodeNotFound, 0, "there is no such page (status %d)", answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return response{}, reject(CodePageFailed, 0, "the server answers with status %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return response{}, pageError(ctx, err)
	case int64(len(data)) > most:
		return response{}, tooLarge(most)
	}
	r := response{data: data, marks: marksIn(answer.Header)}
	if kind, params, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err == nil {
		r.mediaType, r.charset = kind, params["charset"]
	}
	return r, nil
}

// ask sends one request, within the bound on requests at a time.
func (w *web) ask(ctx context.Context, u *url.URL, known marks) (*http.Response, error) {
	if w.client == nil {
		return nil, reject(CodePageRefused, 0, "pages of the web are not read here")
	}
	select {
	case w.free <- struct{}{}:
		defer func() { <-w.free }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, reject(CodePageRefused, 0, "it is no address of a page")
	}
	request.Header.Set("User-Agent", w.agent)
	request.Header.Set("Accept", "text/html, */*;q=0.5")
	known.set(request.Header)
	answer, err := w.client.Do(request)
	if err != nil {
		return nil, pageError(ctx, err)
	}
	return answer, nil
}

// pageError translates what the client reports.
func pageError(ctx context.Context, err error) error {
	var known *desk.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &known):
		return reject(CodePageFailed, 0, "it cannot be read: %v", err)
	}
	code := CodePageFailed
	switch known.Kind {
	case desk.TooLarge:
		code = CodeTooLarge
	case desk.TimedOut:
		code = CodeTimedOut
	case desk.Forbidden:
		code = CodePageRefused
	}
	reason := known.Public
	if known.Err != nil {
		reason = strings.TrimSuffix(reason, ".") + ": " + known.Err.Error()
	}
	return reject(code, 0, "%s", reason)
}

// fetch reads a page, as far as robots.txt allows and it is not as known says,
// and names it, so that the name tells its format.
func (w *web) fetch(ctx context.Context, u *url.URL, most int64, known marks) (data []byte, name string, m marks, err error) {
	if err := w.allowed(ctx, u); err != nil {
		return nil, "", marks{}, err
	}
	r, err := w.get(ctx, u, most, known)
	if err != nil {
		return nil, "", marks{}, err
	}
	name, err = pageName(u, r.mediaType)
	if err != nil {
		return nil, "", marks{}, err
	}
	return r.text(), name, r.marks, nil
}

// text is the data in UTF-8, where the server says in which other encoding it
// is.
func (r response) text() []byte {
	if r.charset == "" || utf8.Valid(r.data) {
		return r.data
	}
	if e, err := htmlindex.Get(r.charset); err == nil {
		if text, ok := decodeAs(wider(e), r.data); ok {
			return text
		}
	}
	return r.data
}

// endings are the formats that a server can name. Where it says less, the
// address tells the format.
var endings = map[string]string{
	"text/html": ".html", "application/xhtml+xml": ".html", "text/markdown": ".md", "text/csv": ".csv",
	"application/jsonl": ".jsonl", "application/x-ndjson": ".jsonl", "application/pdf": ".pdf",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
	"": "", "text/plain": "", "application/octet-stream": "", "application/x-download": "",
}

// pageName is a file's name for what was found at u.
func pageName(u *url.URL, mediaType string) (string, error) {
	ending, supported := endings[mediaType]
	if !supported {
		return "", reject(CodeUnsupported, 0, "it is %.80s, which is not supported; supported are %s", mediaType, Formats)
	}
	stem := path.Base(u.Path)
	if stem == "." || stem == "/" {
		stem = u.Hostname() + ".html"
	}
	own := path.Ext(stem)
	if slices.Contains(known, strings.ToLower(own)) {
		stem = strings.TrimSuffix(stem, own)
		ending = or(ending, own)
	}
	return stem + or(ending, ".txt"), nil
}
