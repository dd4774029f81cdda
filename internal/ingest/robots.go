package ingest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/temoto/robotstxt"
)

// maxRobots bounds a robots.txt, as RFC 9309 does.
const maxRobots = 500 << 10

// robots is what hosts allow, asked once of each.
type robots struct {
	mu    sync.Mutex
	rules map[string]*rules // by scheme and host
}

// rules are those of one host.
type rules struct {
	once sync.Once
	data *robotstxt.RobotsData // nil with an error
	err  error
}

func (r *robots) of(host string) *rules {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rules[host] == nil {
		r.rules[host] = &rules{}
	}
	return r.rules[host]
}

func (r *robots) forget(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rules, host)
}

// allowed tells whether robots.txt lets the page be read. A host that cannot say
// so keeps its pages.
func (w *web) allowed(ctx context.Context, u *url.URL) error {
	if w.client == nil {
		return nil // fetch refuses
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"}
	r := w.robots.of(at.String())
	r.once.Do(func() { r.data, r.err = w.readRobots(ctx, &at) })
	switch {
	case ctx.Err() != nil:
		w.robots.forget(at.String()) // it may not have been asked to the end
		return ctx.Err()
	case r.err != nil:
		return r.err
	case !r.data.TestAgent(u.RequestURI(), w.product()):
		return reject(CodePageRefused, 0, "%s keeps it from programs such as this one", at.String())
	}
	return nil
}

func (w *web) readRobots(ctx context.Context, at *url.URL) (*robotstxt.RobotsData, error) {
	answer, err := w.ask(ctx, at, marks{})
	var why *FileError
	if errors.As(err, &why) && why.Code == CodePageRefused {
		// It leads to where this program may not go, as sites do with all that they
		// do not have; where the host itself is refused, so are its pages.
		return robotstxt.FromStatusAndBytes(http.StatusNotFound, nil)
	}
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxRobots))
	if err != nil {
		return nil, pageError(ctx, err)
	}
	status := answer.StatusCode
	if answer.Request.URL.Host != at.Host {
		status = http.StatusNotFound // another host's rules are not this one's
	}
	data, err := robotstxt.FromStatusAndBytes(status, directives(body))
	if err != nil {
		return nil, reject(CodePageFailed, 0, "%s cannot be read: %v", at.String(), err)
	}
	return data, nil
}

// directives are the lines of a robots.txt that count. Others, such as those of
// a web page in its place, would make the parser fail.
func directives(body []byte) []byte {
	var kept strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(string(body), "\r", "\n")) {
		name, _, found := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))) {
		case "user-agent", "allow", "disallow":
			if found {
				kept.WriteString(strings.TrimPrefix(line, "\ufeff"))
			}
		}
	}
	return []byte(kept.String())
}

// product is the name that robots.txt knows this program by.
func (w *web) product() string {
	name, _, _ := strings.Cut(w.agent, "/")
	return name
}
