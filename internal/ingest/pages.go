package ingest

import (
	"bytes"
	"context"
	"net/url"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/ingest/sitemap"
)

const (
	// DefaultMaxPages is how many pages of sitemaps a load reads.
	DefaultMaxPages = 500
	// maxMaps bounds the sitemaps that are read of one index.
	maxMaps = 100
)

// IsAddress tells whether a path of a request is a page, or a sitemap, of the
// web.
func IsAddress(path string) bool {
	scheme, _, found := strings.Cut(path, "://")
	return found && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// list lists the files and pages of a request, and apart those that cannot be.
func (l *Loader) list(ctx context.Context, tenant desk.TenantID, req Request) ([]file, []candidate, error) {
	v := visitor{Loader: l, tenant: tenant, source: req.Source, left: or(req.MaxPages, DefaultMaxPages), seen: map[string]bool{}}
	local := req
	local.Paths = nil
	for _, p := range req.Paths {
		if !IsAddress(p) {
			local.Paths = append(local.Paths, p)
			continue
		}
		v.visit(ctx, p)
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
	}
	files, failed, err := scan(local)
	if err != nil {
		return nil, nil, err
	}
	return append(files, v.pages...), append(failed, v.failed...), nil
}

// visitor finds the pages that addresses stand for.
type visitor struct {
	*Loader
	tenant desk.TenantID
	source string
	left   int // pages of sitemaps that may still be read
	seen   map[string]bool
	pages  []file
	failed []candidate
}

// visit takes in a page, or what a sitemap lists: an address that ends in .xml,
// since pages do not.
func (v *visitor) visit(ctx context.Context, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		if u != nil {
			address = u.Redacted()
		}
		v.fail(file{shown: address, path: address}, reject(CodePageRefused, 0, "it is no address of a page, or holds a password"))
		return
	}
	u.Fragment, u.RawFragment = "", ""
	if name := strings.ToLower(u.Path); !strings.HasSuffix(name, ".xml") && !strings.HasSuffix(name, ".xml.gz") {
		v.add(u)
		return
	}
	maps := v.read(ctx, u, u.Host).Maps
	for i, m := range maps {
		switch {
		case ctx.Err() != nil:
			return
		case i == maxMaps, v.left == 0:
			v.incomplete(u, "of its %d sitemaps the first %d are read: at most %d, and as many pages as --max-pages allows", len(maps), i, maxMaps)
			return
		}
		if deeper := v.read(ctx, m, u.Host).Maps; len(deeper) > 0 {
			v.incomplete(m, "it lists sitemaps as a sitemap of another, which are not read")
		}
	}
}

// read takes in the pages that the sitemap at u lists, as far as they are on
// host.
func (v *visitor) read(ctx context.Context, u *url.URL, host string) sitemap.Map {
	r, err := v.web.get(ctx, u, v.cfg.MaxFileBytes, marks{})
	if err != nil {
		v.fail(file{shown: u.String(), path: u.String(), lists: true}, err)
		return sitemap.Map{}
	}
	m, err := sitemap.Read(bytes.NewReader(r.data))
	if err != nil {
		v.incomplete(u, "the sitemap cannot be read: %v", err)
		return sitemap.Map{}
	}
	own := func(all []*url.URL) (kept []*url.URL) {
		for _, a := range all {
			if a.Host == host {
				kept = append(kept, a)
			}
		}
		return kept
	}
	pages, maps := own(m.Pages), own(m.Maps)
	if foreign := len(m.Pages) + len(m.Maps) - len(pages) - len(maps); foreign+m.Wrong > 0 {
		v.fail(file{shown: u.String(), path: u.String()},
			reject(CodeSitemap, 0, "left out of it: %d on other hosts, %d that are no addresses of pages", foreign, m.Wrong))
	}
	for i, page := range pages {
		if v.left == 0 && !v.seen[page.String()] {
			v.incomplete(u, "%d of its %d pages are not read, because more pages were not allowed; --max-pages allows them", len(pages)-i, len(pages))
			break
		}
		if v.add(page) {
			v.left--
		}
	}
	return sitemap.Map{Maps: maps}
}

// add takes in a page, once.
func (v *visitor) add(u *url.URL) bool {
	address := u.String()
	if v.seen[address] {
		return false
	}
	v.seen[address] = true
	v.pages = append(v.pages, file{
		shown: address, full: address, path: address, address: u, id: documentID(v.tenant, v.source, address),
	})
	return true
}

func (v *visitor) fail(f file, err error) {
	v.failed = append(v.failed, candidate{file: f, err: err})
}

// incomplete says why not all of a sitemap's pages are known.
func (v *visitor) incomplete(u *url.URL, format string, args ...any) {
	v.fail(file{shown: u.String(), path: u.String(), lists: true}, reject(CodeSitemap, 0, format, args...))
}
