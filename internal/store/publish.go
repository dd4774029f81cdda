package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"kefu/internal/desk"
)

// Publish replaces and removes documents of one tenant and makes all of it
// visible at once, as the revision that it returns: documents, chunks,
// vectors, log and notification are one transaction. Removing what is not
// there is no change; a publish that changes nothing returns the revision that
// stands. Replicas see the change a little later: see WaitAcknowledged.
func (d *Documents) Publish(ctx context.Context, tenant desk.TenantID, put []desk.Prepared, remove []desk.DocumentID) (desk.Revision, error) {
	for _, p := range put {
		if err := check(p); err != nil {
			return 0, fmt.Errorf("publish %s: %w", p.Document.ID, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	var rev desk.Revision
	err := d.db.transact(ctx, func(tx *sql.Tx) (err error) {
		if rev, err = advance(ctx, tx); err != nil {
			return err
		}
		removed, err := deleteDocuments(ctx, tx, tenant, remove)
		if err != nil {
			return err
		}
		if len(put)+len(removed) == 0 {
			return errNothing
		}
		if err := d.insertDocuments(ctx, tx, tenant, rev, put); err != nil {
			return err
		}
		return d.log(ctx, tx, tenant, rev, ids(put), removed)
	})
	if errors.Is(err, errNothing) {
		return d.Revision(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	return rev, nil
}

// errNothing rolls back a publish that changes nothing.
var errNothing = errors.New("nothing to publish")

func check(p desk.Prepared) error {
	if p.Model == "" {
		return nil
	}
	if len(p.Vectors) != len(p.Chunks) {
		return fmt.Errorf("%d vectors for %d chunks", len(p.Vectors), len(p.Chunks))
	}
	return checkVectors(p.Vectors)
}

// checkVectors refuses what would spoil every later search.
func checkVectors(vectors [][]float32) error {
	for i, v := range vectors {
		if len(v) == 0 || len(v) != len(vectors[0]) {
			return fmt.Errorf("vector %d has %d dimensions, the first has %d", i, len(v), len(vectors[0]))
		}
		for _, x := range v {
			if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Errorf("vector %d is not finite", i)
			}
		}
	}
	return nil
}

func ids(put []desk.Prepared) []desk.DocumentID {
	all := make([]desk.DocumentID, len(put))
	for i, p := range put {
		all[i] = p.Document.ID
	}
	return all
}

// advance takes the next revision. Until the transaction ends no other
// publish gets past this point.
func advance(ctx context.Context, tx *sql.Tx) (rev desk.Revision, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE kb_revision SET rev = rev + 1 WHERE id = 1 RETURNING rev`).Scan(&rev)
	return rev, err
}

// deleteDocuments deletes documents with their chunks and vectors and returns
// those that were there.
func deleteDocuments(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, ids []desk.DocumentID) ([]desk.DocumentID, error) {
	var deleted []desk.DocumentID
	for some := range slices.Chunk(ids, groups[0]) {
		args := []any{tenant}
		for _, id := range some {
			args = append(args, id)
		}
		rows, err := tx.QueryContext(ctx,
			`DELETE FROM documents WHERE tenant = $1 AND id IN (`+placeholders(2, len(some))+`) RETURNING id`, args...)
		found, err := collect(rows, err, func(r *sql.Rows) (id desk.DocumentID, err error) {
			err = r.Scan(&id)
			return id, err
		})
		if err != nil {
			return nil, fmt.Errorf("delete documents: %w", err)
		}
		deleted = append(deleted, found...)
	}
	return deleted, nil
}

func (d *Documents) insertDocuments(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, rev desk.Revision, put []desk.Prepared) error {
	if _, err := deleteDocuments(ctx, tx, tenant, ids(put)); err != nil {
		return err
	}
	now := time.Now()
	documents := insert{mark: d.db.engine.mark, table: "documents", columns: []string{
		"tenant", "id", "source", "path", "title", "url", "lang", "kind", "hash", "bytes", "chunks", "revision", "updated_at",
	}}
	err := documents.exec(ctx, tx, len(put), func(args []any, i int) []any {
		doc := put[i].Document
		return append(args, tenant, doc.ID, doc.Source, doc.Path, doc.Title, doc.URL, doc.Lang, doc.Kind, doc.Hash, doc.Bytes,
			len(put[i].Chunks), rev, millis(now))
	})
	if err != nil {
		return err
	}
	chunks := insert{mark: d.db.engine.mark, table: "chunks", columns: []string{
		"tenant", "id", "document_id", "ordinal", "heading", "question", "url", "text", "lang", "tokens",
	}}
	for _, p := range put {
		err := chunks.exec(ctx, tx, len(p.Chunks), func(args []any, i int) []any {
			c := p.Chunks[i]
			return append(args, tenant, c.ID, p.Document.ID, c.Ordinal, c.Heading, c.Question, c.URL, c.Text, c.Lang, c.Tokens)
		})
		if err != nil {
			return err
		}
		if p.Model == "" {
			continue
		}
		chunk := func(i int) desk.ChunkID { return p.Chunks[i].ID }
		if err := d.insertVectors(ctx, tx, tenant, p.Model, p.Vectors, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (d *Documents) insertVectors(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, model string, vectors [][]float32, chunk func(i int) desk.ChunkID) error {
	in := insert{
		mark: d.db.engine.mark, table: "chunk_vectors", columns: []string{"tenant", "chunk_id", "model", "dim", "vector"},
		conflict: `ON CONFLICT (tenant, chunk_id, model) DO UPDATE SET dim = excluded.dim, vector = excluded.vector`,
	}
	return in.exec(ctx, tx, len(vectors), func(args []any, i int) []any {
		return append(args, tenant, chunk(i), model, len(vectors[i]), encodeVector(vectors[i]))
	})
}

// log records what changed at rev and tells who waits.
func (d *Documents) log(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, rev desk.Revision, put, removed []desk.DocumentID) error {
	at := millis(time.Now())
	in := insert{
		mark: d.db.engine.mark, table: "kb_log", columns: []string{"tenant", "document_id", "rev", "removed", "at"},
		conflict: `ON CONFLICT (tenant, document_id) DO UPDATE SET rev = excluded.rev, removed = excluded.removed, at = excluded.at`,
	}
	err := in.exec(ctx, tx, len(put)+len(removed), func(args []any, i int) []any {
		if i < len(removed) {
			return append(args, tenant, removed[i], rev, true, at)
		}
		return append(args, tenant, put[i-len(removed)], rev, false, at)
	})
	if err != nil {
		return err
	}
	return d.db.engine.announce(ctx, tx, rev)
}

// PutVectors stores the vectors of existing chunks in the space of an
// embedding model; chunks that are gone meanwhile are passed over. Documents
// keep their revision, since what they say is unchanged, but replicas load
// them again. Vectors of other models stay, so that switching back costs
// nothing.
func (d *Documents) PutVectors(ctx context.Context, tenant desk.TenantID, model string, ids []desk.ChunkID, vectors [][]float32) error {
	if len(ids) != len(vectors) {
		return fmt.Errorf("put vectors: %d vectors for %d chunks", len(vectors), len(ids))
	}
	if err := checkVectors(vectors); err != nil {
		return fmt.Errorf("put vectors: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := d.db.transact(ctx, func(tx *sql.Tx) error {
		rev, err := advance(ctx, tx)
		if err != nil {
			return err
		}
		owner, err := owners(ctx, tx, tenant, ids)
		if err != nil {
			return err
		}
		var there []int // indexes into ids
		var documents []desk.DocumentID
		for i, id := range ids {
			if doc, ok := owner[id]; ok {
				there = append(there, i)
				documents = append(documents, doc)
			}
		}
		kept := make([][]float32, len(there))
		for n, i := range there {
			kept[n] = vectors[i]
		}
		if err := d.insertVectors(ctx, tx, tenant, model, kept, func(n int) desk.ChunkID { return ids[there[n]] }); err != nil {
			return err
		}
		slices.Sort(documents)
		return d.log(ctx, tx, tenant, rev, slices.Compact(documents), nil)
	})
	if err != nil {
		return fmt.Errorf("put vectors: %w", err)
	}
	return nil
}

// owners returns the documents of those chunks that exist.
func owners(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, ids []desk.ChunkID) (map[desk.ChunkID]desk.DocumentID, error) {
	owner := make(map[desk.ChunkID]desk.DocumentID, len(ids))
	for some := range slices.Chunk(ids, groups[0]) {
		args := []any{tenant}
		for _, id := range some {
			args = append(args, id)
		}
		rows, err := tx.QueryContext(ctx,
			`SELECT id, document_id FROM chunks WHERE tenant = $1 AND id IN (`+placeholders(2, len(some))+`)`, args...)
		_, err = collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var chunk desk.ChunkID
			var doc desk.DocumentID
			err = r.Scan(&chunk, &doc)
			owner[chunk] = doc
			return none, err
		})
		if err != nil {
			return nil, fmt.Errorf("find documents of chunks: %w", err)
		}
	}
	return owner, nil
}

func encodeVector(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func decodeVector(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}
