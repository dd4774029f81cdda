package knowledge

import (
	"context"
	"maps"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

const (
	// manyNew is the number of chunks published since an answer above which one
	// search is cheaper than ranking each of them.
	manyNew = 1000
	// searched is how many passages that search returns.
	searched = 64
)

// View is a tenant's knowledge base at one revision. It never changes and is
// safe for concurrent use; the zero View is empty.
type View struct {
	revision  desk.Revision
	index     *retrieval.Index // nil when empty
	vectors   retrieval.Vectors
	documents int
	localOnly marked
	flagged   marked
}

// with returns the view after changes. items are the chunks of the changed
// documents, without the removed ones.
func (v *View) with(ctx context.Context, cfg retrieval.Config, changes []Change, items []retrieval.Item) (*View, error) {
	next := &View{vectors: v.vectors, revision: v.revision, documents: v.documents}
	drop := make([]desk.DocumentID, 0, len(changes))
	for _, c := range changes {
		next.revision = max(next.revision, c.Revision)
		if _, known := v.document(c.Document); known {
			drop = append(drop, c.Document)
		}
	}
	var err error
	if v.index == nil {
		next.index, err = retrieval.New(cfg, items)
	} else {
		next.index, err = v.index.With(ctx, items, drop)
	}
	if err != nil {
		return nil, err
	}
	next.localOnly = v.localOnly.with(changes, items, func(c desk.Chunk) bool { return c.LocalOnly })
	next.flagged = v.flagged.with(changes, items, func(c desk.Chunk) bool { return c.Flag != "" })
	next.documents -= len(drop)
	for _, c := range changes {
		if _, known := next.document(c.Document); known {
			next.documents++
		}
	}
	return next, nil
}

// marked are the documents with a certain property. It is never changed.
type marked map[desk.DocumentID]bool

// with returns the marked documents after changes; is tells whether a chunk has
// the property.
func (m marked) with(changes []Change, items []retrieval.Item, is func(desk.Chunk) bool) marked {
	next := make(marked, len(m))
	maps.Copy(next, m)
	for _, c := range changes {
		delete(next, c.Document)
	}
	for _, it := range items {
		if is(it.Chunk) {
			next[it.Document] = true
		}
	}
	return next
}

// document returns the content hash of a document that is in the view.
func (v *View) document(id desk.DocumentID) (hash string, ok bool) {
	if v.index == nil {
		return "", false
	}
	return v.index.Document(id)
}

// Revision is that of the tenant's last change.
func (v *View) Revision() desk.Revision { return v.revision }

// Documents counts the documents that have at least one chunk.
func (v *View) Documents() int { return v.documents }

// LocalOnly tells whether any document is for private models alone.
func (v *View) LocalOnly() bool { return len(v.localOnly) > 0 }

// Flagged counts the documents that the guard suspects.
func (v *View) Flagged() int { return len(v.flagged) }

// Chunks counts the chunks.
func (v *View) Chunks() int {
	if v.index == nil {
		return 0
	}
	return v.index.Len()
}

// Search finds passages by vectors and by words, best first. Beside
// retrieval.ErrVectors it returns those found by words alone. Vectors kept outside
// of the view may belong to other revisions, but the passages returned are always
// of this one.
func (v *View) Search(ctx context.Context, q retrieval.Query) ([]desk.Passage, error) {
	if v.index == nil {
		return nil, nil
	}
	q.Vectors = v.vectors
	return v.index.Search(ctx, q)
}

// Compare sets how similar the passages that Lexical found are to the question's
// vector, for Evidence, if the vectors are kept outside of the view. An error that
// is not ctx's is retrieval.ErrVectors.
func (v *View) Compare(ctx context.Context, q retrieval.Query, found []desk.Passage) error {
	if v.index == nil {
		return nil
	}
	q.Vectors = v.vectors
	return v.index.Compare(ctx, q, found)
}

// Lexical finds at most k passages by words alone, best first.
func (v *View) Lexical(question string, k int) []desk.Passage {
	if v.index == nil {
		return nil
	}
	return v.index.Lexical(question, k)
}

// Evidence tells what in the passages that Search or Lexical found speaks for an
// answer to the question.
func (v *View) Evidence(q retrieval.Query, found []desk.Passage) retrieval.Evidence {
	if v.index == nil {
		return retrieval.Evidence{}
	}
	return v.index.Evidence(q, found)
}

// Matched returns the terms by which a chunk was found by words.
func (v *View) Matched(question string, chunk desk.ChunkID) []string {
	if v.index == nil {
		return nil
	}
	return v.index.Matched(question, chunk)
}

// Holds tells whether an answer to question that rests on b is still valid. It is
// while every cited document is unchanged and no chunk published since ranks as
// high, by BM25 in this view, as the lowest of its sources. An answer without
// sources is valid at its own revision only. A source that shares no word with the
// question, as in another language, ranks 0: then any new chunk makes the answer
// invalid.
func (v *View) Holds(b desk.Basis, question desk.Masked) bool {
	if b.Revision == v.revision {
		return true
	}
	if len(b.Sources) == 0 || !v.unchanged(b.Sources) {
		return false
	}
	published := v.index.Since(b.Revision)
	if len(published) == 0 {
		return true
	}
	sources := make([]desk.ChunkID, len(b.Sources))
	for i, s := range b.Sources {
		sources[i] = s.Chunk
	}
	weakest := slices.Min(v.index.Rank(string(question), sources))
	if len(published) > manyNew {
		return !v.foundNew(b.Revision, question, sources, weakest)
	}
	// A source that was published again unchanged is nothing new.
	published = slices.DeleteFunc(published, func(id desk.ChunkID) bool {
		return slices.Contains(sources, id)
	})
	return len(published) == 0 || slices.Max(v.index.Rank(string(question), published)) < weakest
}

// unchanged tells whether the documents of all sources have the same content hash.
func (v *View) unchanged(sources []desk.BasisSource) bool {
	for _, s := range sources {
		if hash, ok := v.document(s.Document); !ok || hash != s.Hash {
			return false
		}
	}
	return true
}

// foundNew tells whether a chunk published after rev ranks at least as high as
// weakest. If the search ends before it reaches chunks that rank lower, it assumes
// so.
func (v *View) foundNew(rev desk.Revision, question desk.Masked, sources []desk.ChunkID, weakest float64) bool {
	if weakest == 0 {
		return true
	}
	k := max(searched, 2*len(sources))
	found := v.index.Lexical(string(question), k)
	for _, p := range found {
		if p.Lexical < weakest {
			return false
		}
		if p.Revision > rev && !slices.Contains(sources, p.ID) {
			return true
		}
	}
	return len(found) == k
}
