package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kefu/internal/desk"
	"kefu/internal/eval/page"
	"kefu/internal/lang"
	"kefu/internal/llm"
	"kefu/internal/retrieval"
)

// depth is how many passages are looked at: the 10 of nDCG@10 and MRR@10.
const depth = 10

// batch is how many texts are embedded in one call.
const batch = 256

func measureRetrieval(ctx context.Context, cfg Config, dir string, r *Report) error {
	return cfg.eachSet(dir, func(name string, s set) (err error) {
		cfg.Progress(fmt.Sprintf("%s: %d queries over %d passages", name, len(s.queries), len(s.corpus)))
		r.Retrieval[name], err = cfg.retrieval(ctx, s)
		return err
	})
}

// eachSet calls do with every retrieval set that is complete.
func (c Config) eachSet(dir string, do func(name string, s set) error) error {
	entries, err := os.ReadDir(filepath.Join(dir, "retrieval"))
	if errors.Is(err, fs.ErrNotExist) {
		c.Progress("retrieval: no such folder, skipped")
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		s, err := loadSet(filepath.Join(dir, "retrieval", entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			c.Progress(fmt.Sprintf("%s: %v, skipped", entry.Name(), err))
			continue
		}
		if err != nil {
			return err
		}
		if err := do(entry.Name(), s); err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
	}
	return nil
}

// retrieval measures one set.
func (c Config) retrieval(ctx context.Context, s set) (Retrieval, error) {
	r := Retrieval{Queries: len(s.queries), Chunks: len(s.corpus)}
	items, err := c.items(ctx, s.corpus)
	if err != nil {
		return r, err
	}
	vectors, err := c.embed(ctx, texts(s.queries))
	if err != nil {
		return r, err
	}
	hybrid, err := newShelf(c.Retrieval, s, items)
	if err != nil {
		return r, err
	}
	plain, err := newShelf(textbook(), s, items)
	if err != nil {
		return r, err
	}
	var all, specific [3]tally // plain, lexical, hybrid
	took := make([]float64, 0, len(s.queries))
	for i, q := range s.queries {
		start := time.Now()
		found, err := hybrid.of(q).Search(ctx, retrieval.Query{Text: q.Text, Lang: lang.Of(q.Text), Vector: vectors[i], K: depth})
		took = append(took, float64(time.Since(start))/float64(time.Millisecond))
		if err != nil {
			return r, err
		}
		for n, list := range [...][]desk.Passage{plain.of(q).Lexical(q.Text, depth), hybrid.of(q).Lexical(q.Text, depth), found} {
			scores := judge(ids(list), s.gold[q.ID])
			all[n].add(scores)
			if q.Specific {
				specific[n].add(scores)
			}
		}
	}
	r.Plain, r.Lexical, r.Scores = all[0].mean(), all[1].mean(), all[2].mean()
	if n := specific[0].n; n > 0 {
		r.Specific = &Specialised{Queries: n, Plain: specific[0].mean(), Lexical: specific[1].mean(), Hybrid: specific[2].mean()}
	}
	r.P50, r.P99 = percentile(took, 0.50), percentile(took, 0.99)
	return r, nil
}

func texts(queries []query) []desk.Masked {
	list := make([]desk.Masked, len(queries))
	for i, q := range queries {
		list[i] = desk.Masked(q.Text)
	}
	return list
}

// textbook is BM25 as it stands in the books, to compare with.
func textbook() retrieval.Config {
	cfg := retrieval.DefaultConfig()
	cfg.Title, cfg.Function, cfg.Grammar, cfg.Repeat = 1, 1, 1, 1
	cfg.Character, cfg.Synonym, cfg.Misspelt, cfg.Weights = 0, 0, 0, nil
	return cfg
}

// items turns documents into items of one chunk each.
func (c Config) items(ctx context.Context, corpus []document) ([]retrieval.Item, error) {
	passages := make([]desk.Passage, len(corpus))
	for i, d := range corpus {
		passages[i] = desk.Passage{
			Chunk: desk.Chunk{ID: desk.ChunkID(d.ID), Document: desk.DocumentID(d.ID), Text: d.Text, Lang: lang.Of(d.Text)},
			Title: d.Title,
		}
	}
	return c.embedded(ctx, passages)
}

// embedded turns passages into items, embedded in batches.
func (c Config) embedded(ctx context.Context, passages []desk.Passage) ([]retrieval.Item, error) {
	texts := make([]desk.Masked, len(passages))
	for i, p := range passages {
		texts[i] = desk.Masked(cmp.Or(p.Heading, p.Title) + "\n" + p.Question + "\n" + p.Text)
	}
	vectors, err := c.embed(ctx, texts)
	if err != nil {
		return nil, err
	}
	items := make([]retrieval.Item, len(passages))
	for i, p := range passages {
		items[i] = retrieval.Item{Passage: p, Vector: vectors[i]}
	}
	return items, nil
}

func (c Config) embed(ctx context.Context, texts []desk.Masked) ([][]float32, error) {
	vectors := make([][]float32, 0, len(texts))
	for part := range slices.Chunk(texts, batch) {
		got, err := c.Embedder.Embed(ctx, llm.EmbedCall{Texts: part, Allowance: c.Allowance})
		if err != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
		if len(got.Vectors) != len(part) {
			return nil, fmt.Errorf("embed: %d vectors for %d texts", len(got.Vectors), len(part))
		}
		vectors = append(vectors, got.Vectors...)
	}
	return vectors, nil
}

// shelf holds an index for the whole corpus and one for each kb, as far as a
// query needs them.
type shelf map[string]*retrieval.Index

func newShelf(cfg retrieval.Config, s set, items []retrieval.Item) (shelf, error) {
	indexes := make(shelf)
	for _, q := range s.queries {
		if indexes[q.KB] != nil {
			continue
		}
		var part []retrieval.Item
		for i, d := range s.corpus {
			if q.KB == "" || q.KB == d.KB {
				part = append(part, items[i])
			}
		}
		ix, err := retrieval.New(cfg, part)
		if err != nil {
			return nil, err
		}
		indexes[q.KB] = ix
	}
	return indexes, nil
}

func (s shelf) of(q query) *retrieval.Index { return s[q.KB] }

func ids(passages []desk.Passage) []desk.ChunkID {
	list := make([]desk.ChunkID, len(passages))
	for i, p := range passages {
		list[i] = p.ID
	}
	return list
}

// judge scores one ranked list. Recall@3 counts at most three passages as
// findable, as many as fit.
func judge(ranked []desk.ChunkID, gold map[string]bool) Scores {
	var s Scores
	ideal := 0.0
	for i := range min(len(gold), depth) {
		ideal += gain(i + 1)
	}
	for i, id := range ranked[:min(len(ranked), depth)] {
		if !gold[string(id)] {
			continue
		}
		s.NDCG10 += gain(i+1) / ideal
		if i < 3 {
			s.Recall3 += 1 / float64(min(3, len(gold)))
		}
		if s.MRR10 == 0 {
			s.MRR10 = 1 / float64(i+1)
		}
	}
	return s
}

// gain of a relevant text at a place, from 1.
func gain(place int) float64 { return 1 / math.Log2(float64(place)+1) }

// tally sums scores for their mean.
type tally struct {
	sum Scores
	n   int
}

func (t *tally) add(s Scores) {
	t.sum.NDCG10 += s.NDCG10
	t.sum.Recall3 += s.Recall3
	t.sum.MRR10 += s.MRR10
	t.n++
}

func (t *tally) mean() Scores {
	n := float64(max(t.n, 1))
	return Scores{NDCG10: round(t.sum.NDCG10 / n), Recall3: round(t.sum.Recall3 / n), MRR10: round(t.sum.MRR10 / n)}
}

// round keeps four decimals: finer differences mean nothing on these sets.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// percentile sorts values and returns the one at p, 0 without any.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return round(values[min(int(p*float64(len(values))), len(values)-1)])
}

func retrievalTable(r Report, t io.Writer) {
	if len(r.Retrieval) > 0 {
		fmt.Fprintln(t, "retrieval\tqueries\tchunks\tnDCG@10 plain\tlexical\thybrid\tRecall@3 plain\thybrid\tMRR@10 plain\thybrid\tp50 ms\tp99 ms\t")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Retrieval)) {
		s := r.Retrieval[name]
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%.2f\t%.2f\t\n", name, s.Queries, s.Chunks, columns(s.Plain, s.Lexical, s.Scores), s.P50, s.P99)
		if p := s.Specific; p != nil {
			fmt.Fprintf(t, "%s (specific)\t%d\t%d\t%s\t\t\t\n", name, p.Queries, s.Chunks, columns(p.Plain, p.Lexical, p.Hybrid))
		}
	}
}

func columns(plain, lexical, hybrid Scores) string {
	return fmt.Sprintf("%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f",
		plain.NDCG10, lexical.NDCG10, hybrid.NDCG10, plain.Recall3, hybrid.Recall3, plain.MRR10, hybrid.MRR10)
}

// searchBars compares nDCG@10 of the three ways to search.
func (r Report) searchBars() page.Bars {
	b := page.Bars{Name: "nDCG@10", Series: []string{"plain", "lexical", "hybrid"}, Max: 1}
	for _, name := range slices.Sorted(maps.Keys(r.Retrieval)) {
		s := r.Retrieval[name]
		b.Rows = append(b.Rows, page.Row{Label: name, Values: []float64{s.Plain.NDCG10, s.Lexical.NDCG10, s.NDCG10}})
	}
	return b
}
