package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"kefu/internal/desk"
)

// stagePart is how many chunks one transaction stages: other writers wait for
// some milliseconds, however large a document is.
const stagePart = 256

// Stage stores documents with their chunks and vectors for a later Publish to
// show; nobody sees them before. What has been staged already is passed over,
// so that work that was cut short may be done again; until Stage has returned
// without an error none of the documents may be published. A vector
// that is nil, or of a document without Model, is one that Embedded has found
// or that comes later, by PutVectors. What is never published is collected
// after a day.
func (d *Documents) Stage(ctx context.Context, tenant desk.TenantID, put []desk.Prepared) error {
	for _, p := range put {
		if err := check(p); err != nil {
			return fmt.Errorf("stage %s: %w", p.Document.ID, err)
		}
	}
	for _, p := range put {
		if err := d.db.vectors.prepare(ctx, p.Model, p.Vectors); err != nil {
			return fmt.Errorf("stage: %w", err)
		}
	}
	for i, part := range parts(put) {
		var versions []desk.Prepared
		if i == 0 {
			versions = put
		}
		if err := d.insertPart(ctx, tenant, versions, part); err != nil {
			return fmt.Errorf("stage: %w", err)
		}
	}
	return nil
}

// insertPart stores versions, and the chunks of a part. The time that it has is
// its own: however many parts there are, each is as small.
func (d *Documents) insertPart(ctx context.Context, tenant desk.TenantID, versions, part []desk.Prepared) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return d.db.transact(ctx, func(tx *sql.Tx) error {
		if err := d.insertVersions(ctx, tx, tenant, versions); err != nil {
			return err
		}
		for _, p := range part {
			if err := d.insertChunks(ctx, tx, tenant, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// parts divides documents into groups of stagePart chunks, one at least. A
// document may continue in the next.
func parts(put []desk.Prepared) [][]desk.Prepared {
	all, room := make([][]desk.Prepared, 1), stagePart
	for _, p := range put {
		for len(p.Chunks) > 0 {
			if room == 0 {
				all, room = append(all, nil), stagePart
			}
			n := min(room, len(p.Chunks))
			piece := p
			piece.Chunks, p.Chunks = p.Chunks[:n], p.Chunks[n:]
			if len(p.Vectors) > 0 {
				piece.Vectors, p.Vectors = p.Vectors[:n], p.Vectors[n:]
			}
			all[len(all)-1] = append(all[len(all)-1], piece)
			room -= n
		}
	}
	return all
}

func check(p desk.Prepared) error {
	if p.Model == "" {
		return nil
	}
	if len(p.Vectors) != len(p.Chunks) {
		return fmt.Errorf("%d vectors for %d chunks", len(p.Vectors), len(p.Chunks))
	}
	return checkVectors(slices.DeleteFunc(slices.Clone(p.Vectors), func(v []float32) bool { return v == nil }))
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

// insertVersions also says of those that were there that they are wanted now,
// which keeps them from being collected before they are published.
func (d *Documents) insertVersions(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, put []desk.Prepared) error {
	now := millis(time.Now())
	in := insert{
		mark: d.db.engine.mark, table: "versions", columns: []string{
			"tenant", "document_id", "hash", "source", "path", "title", "url", "lang", "kind", "bytes", "chunks", "staged_at", "local_only", "flag", "validators", "translation_key",
		},
		conflict: `ON CONFLICT (tenant, document_id, hash) DO UPDATE SET staged_at = excluded.staged_at, validators = excluded.validators`,
	}
	return in.exec(ctx, tx, len(put), func(args []any, i int) []any {
		doc := put[i].Document
		return append(args, tenant, doc.ID, doc.Hash, doc.Source, doc.Path, doc.Title, doc.URL, doc.Lang, doc.Kind, doc.Bytes,
			len(put[i].Chunks), now, doc.LocalOnly, doc.Flag, doc.Validators, doc.TranslationKey)
	})
}

func (d *Documents) insertChunks(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, p desk.Prepared) error {
	in := insert{
		mark: d.db.engine.mark, table: "chunks", columns: []string{
			"tenant", "document_id", "hash", "ordinal", "id", "heading", "question", "url", "text", "lang", "tokens", "vector_key", "flag",
		},
		conflict: `ON CONFLICT (tenant, document_id, hash, ordinal) DO NOTHING`,
	}
	err := in.exec(ctx, tx, len(p.Chunks), func(args []any, i int) []any {
		c := p.Chunks[i]
		return append(args, tenant, p.Document.ID, p.Document.Hash, c.Ordinal, c.ID, c.Heading, c.Question, c.URL, c.Text, c.Lang, c.Tokens,
			vectorKey(c), c.Flag)
	})
	if err != nil || p.Model == "" {
		return err
	}
	byKey := make(map[string][]float32, len(p.Chunks))
	for i, v := range p.Vectors {
		if v != nil {
			byKey[vectorKey(p.Chunks[i])] = v
		}
	}
	return d.insertVectors(ctx, tx, tenant, p.Model, byKey)
}

// insertVectors writes in the order of the keys, so that two writers of the
// same ones do not lock each other out.
func (d *Documents) insertVectors(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, model string, byKey map[string][]float32) error {
	keys := slices.Sorted(maps.Keys(byKey))
	in := insert{
		mark: d.db.engine.mark, table: "vectors", columns: []string{"tenant", "key", "model", "dim", "vector"},
		conflict: `ON CONFLICT (tenant, key, model) DO UPDATE SET dim = excluded.dim, vector = excluded.vector`,
	}
	err := in.exec(ctx, tx, len(keys), func(args []any, i int) []any {
		v := byKey[keys[i]]
		return append(args, tenant, keys[i], model, len(v), encodeVector(v))
	})
	if err != nil {
		return err
	}
	return d.db.vectors.insert(ctx, tx, len(keys), func(i int) indexed {
		return indexed{tenant, keys[i], model, byKey[keys[i]]}
	})
}

// vectorKey is the same for chunks that say the same: of all that an embedder
// is given, the heading, the question and the text.
func vectorKey(c desk.Chunk) string {
	h := sha256.New()
	for _, part := range []string{c.Heading, c.Question, c.Text} {
		fmt.Fprintf(h, "%d:", len(part))
		io.WriteString(h, part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// keysOf are the keys under which vectors of the chunk may be kept: chunks from
// before there were versions have their id.
func keysOf(c desk.Chunk) [2]string { return [2]string{vectorKey(c), string(c.ID)} }

// Embedded tells for each chunk whether there is a vector of the model for
// what it says, wherever else that stands.
func (d *Documents) Embedded(ctx context.Context, tenant desk.TenantID, model string, chunks []desk.Chunk) ([]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	there := make(map[string]bool)
	for some := range slices.Chunk(chunks, groups[0]) {
		args := []any{tenant, model}
		for _, c := range some {
			args = append(args, vectorKey(c))
		}
		rows, err := d.db.read.QueryContext(ctx,
			`SELECT key FROM vectors WHERE tenant = $1 AND model = $2 AND key IN (`+placeholders(3, len(some))+`)`, args...)
		_, err = collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var key string
			err = r.Scan(&key)
			there[key] = true
			return none, err
		})
		if err != nil {
			return nil, fmt.Errorf("find vectors: %w", d.db.engine.explain(err))
		}
	}
	embedded := make([]bool, len(chunks))
	for i, c := range chunks {
		embedded[i] = there[vectorKey(c)]
	}
	return embedded, nil
}

// PutVectors stores the vectors of published chunks in the space of an
// embedding model; chunks that are gone meanwhile are passed over. Documents
// keep their revision, since what they say is unchanged, but replicas load
// them again. Vectors of other models stay, so that switching back costs
// nothing.
func (d *Documents) PutVectors(ctx context.Context, tenant desk.TenantID, model string, chunks []desk.Chunk, vectors [][]float32) error {
	if len(chunks) != len(vectors) {
		return fmt.Errorf("put vectors: %d vectors for %d chunks", len(vectors), len(chunks))
	}
	if err := checkVectors(vectors); err != nil {
		return fmt.Errorf("put vectors: %w", err)
	}
	if err := d.db.vectors.prepare(ctx, model, vectors); err != nil {
		return fmt.Errorf("put vectors: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := d.db.transact(ctx, func(tx *sql.Tx) error {
		rev, err := advance(ctx, tx)
		if err != nil {
			return err
		}
		owners, err := owners(ctx, tx, tenant, chunks)
		if err != nil {
			return err
		}
		byKey := make(map[string][]float32, len(chunks))
		var documents []desk.DocumentID
		for i, c := range chunks {
			for _, key := range keysOf(c) {
				if saying := owners[key]; len(saying) > 0 {
					byKey[key] = vectors[i]
					documents = append(documents, saying...)
				}
			}
		}
		if err := d.insertVectors(ctx, tx, tenant, model, byKey); err != nil {
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

// owners returns, by vector key, the published documents that say what the
// chunks say.
func owners(ctx context.Context, tx *sql.Tx, tenant desk.TenantID, chunks []desk.Chunk) (map[string][]desk.DocumentID, error) {
	owners := make(map[string][]desk.DocumentID, len(chunks))
	for some := range slices.Chunk(chunks, groups[0]) {
		args := []any{tenant}
		for _, c := range some {
			for _, key := range keysOf(c) {
				args = append(args, key)
			}
		}
		rows, err := tx.QueryContext(ctx, `SELECT c.vector_key, d.id FROM documents d `+withChunks+`
			WHERE d.until IS NULL AND d.tenant = $1 AND c.vector_key IN (`+placeholders(2, len(args)-1)+`)`, args...)
		_, err = collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var key string
			var doc desk.DocumentID
			err = r.Scan(&key, &doc)
			owners[key] = append(owners[key], doc)
			return none, err
		})
		if err != nil {
			return nil, fmt.Errorf("find documents of chunks: %w", err)
		}
	}
	return owners, nil
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
