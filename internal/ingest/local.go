package ingest

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kefu/internal/desk"
)

// localOnly tells whether a file lies where documents are local-only. Where it
// lies on disk counts too, so that it does not depend on the folder that is
// loaded.
func (l *Loader) localOnly(o original) bool {
	return slices.ContainsFunc(l.cfg.LocalOnly, func(glob string) bool {
		return lies(o.Path, glob) || lies(filepath.ToSlash(o.Full), glob)
	})
}

// confidential tells whether a document is about a topic that is local-only.
func (l *Loader) confidential(x extract) bool {
	if l.cfg.Topics == nil {
		return false
	}
	_, ok := l.cfg.Topics.Of(append(x.texts(), x.meta.title)...)
	return ok
}

// lies tells whether as many names in a row as the glob has match it.
func lies(where, glob string) bool {
	glob = strings.ToLower(strings.Trim(glob, "/"))
	names := strings.Split(strings.ToLower(where), "/")
	n := strings.Count(glob, "/") + 1
	for i := range len(names) - n + 1 {
		if ok, err := path.Match(glob, strings.Join(names[i:i+n], "/")); ok && err == nil {
			return true
		}
	}
	return false
}

// withheld chunks are never shown to the embedder.
func (l *Loader) withheld(c desk.Chunk) bool { return c.LocalOnly && !l.cfg.Private }
