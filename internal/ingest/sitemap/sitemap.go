// Package sitemap reads the list of its pages that a site publishes:
// https://www.sitemaps.org/protocol.html.
package sitemap

import (
	"bufio"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"golang.org/x/net/html/charset"
)

// Bounds of one sitemap. The first two are the protocol's own.
const (
	MaxBytes   = 50 << 20 // unpacked
	MaxEntries = 50_000
	maxAddress = 2048 // bytes; longer ones are left out
	maxDepth   = 16   // elements within one another
)

// ErrNotSitemap is for XML, or anything else, that lists no pages.
var ErrNotSitemap = errors.New("it is not a sitemap")

// Map is what a sitemap lists, in its order, each address once.
type Map struct {
	Pages []*url.URL // absolute, over HTTP, without a fragment
	Maps  []*url.URL // further sitemaps
	Wrong int        // addresses that are none, and left out
}

// Read reads a sitemap or an index of sitemaps, packed by gzip or not. The
// error is ErrNotSitemap or says what is wrong with it.
func Read(r io.Reader) (Map, error) { return read(r, MaxBytes, MaxEntries) }

func read(r io.Reader, maxBytes int64, maxEntries int) (Map, error) {
	buffered := bufio.NewReader(r)
	r = buffered
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return Map{}, err
		}
		r = unpacked
	}
	bounded := &io.LimitedReader{R: r, N: maxBytes + 1}
	d := xml.NewDecoder(bounded)
	d.CharsetReader = charset.NewReaderLabel
	s := scanner{most: maxEntries, seen: map[string]bool{}}
	for {
		token, err := d.RawToken() // RawToken keeps no list of open elements
		switch {
		case bounded.N <= 0:
			return Map{}, fmt.Errorf("larger than %d bytes", maxBytes)
		case errors.Is(err, io.EOF) && len(s.open) == 0 && s.rooted:
			return s.found, nil
		case errors.Is(err, io.EOF) && !s.rooted:
			return Map{}, ErrNotSitemap
		case errors.Is(err, io.EOF):
			return Map{}, io.ErrUnexpectedEOF
		case err != nil && !s.rooted:
			return Map{}, ErrNotSitemap
		case err != nil:
			return Map{}, err
		}
		if err := s.take(token); err != nil {
			return Map{}, err
		}
	}
}

// scanner follows the elements of a sitemap.
type scanner struct {
	most   int      // addresses
	open   []string // names of the open elements, the root first
	rooted bool
	text   strings.Builder // of the <loc> that is open
	seen   map[string]bool
	found  Map
}

func (s *scanner) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return s.start(t.Name.Local)
	case xml.CharData:
		if room := maxAddress + 1 - s.text.Len(); s.atAddress() && room > 0 {
			s.text.Write(t[:min(len(t), room)])
		}
	case xml.EndElement:
		if len(s.open) == 0 || s.open[len(s.open)-1] != t.Name.Local {
			return fmt.Errorf("the element <%.40s> is closed where it is not open", t.Name.Local)
		}
		err := s.end()
		s.open = s.open[:len(s.open)-1]
		return err
	}
	return nil
}

func (s *scanner) start(name string) error {
	switch {
	case len(s.open) == 0 && (s.rooted || name != "urlset" && name != "sitemapindex"):
		return ErrNotSitemap
	case len(s.open) == maxDepth:
		return fmt.Errorf("more than %d elements within one another", maxDepth)
	}
	s.rooted = true
	s.open = append(s.open, name)
	s.text.Reset()
	return nil
}

// atAddress tells whether the innermost element is the address of a page or of
// a sitemap: images and videos have theirs further inside.
func (s *scanner) atAddress() bool {
	if len(s.open) != 3 || s.open[2] != "loc" {
		return false
	}
	entry := s.open[0] + "/" + s.open[1]
	return entry == "urlset/url" || entry == "sitemapindex/sitemap"
}

// end takes in the address that is complete. A wrong one costs itself alone.
func (s *scanner) end() error {
	if !s.atAddress() {
		return nil
	}
	u, err := parse(s.text.String())
	if err != nil {
		s.found.Wrong++
		return nil
	}
	if s.seen[u.String()] {
		return nil
	}
	if len(s.seen) == s.most {
		return fmt.Errorf("more than %d addresses", s.most)
	}
	s.seen[u.String()] = true
	if s.open[0] == "urlset" {
		s.found.Pages = append(s.found.Pages, u)
	} else {
		s.found.Maps = append(s.found.Maps, u)
	}
	return nil
}

func parse(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxAddress {
		return nil, errors.New("too long")
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errors.New("not the address of a page")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}
