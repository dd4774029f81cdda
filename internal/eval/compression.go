package eval

import (
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/llm"
	"kefu/internal/retrieval"
)

// Compression is what prompts win and lose when sources are shortened to what
// matters, on one set. Shares are in [0,1].
type Compression struct {
	// Saved is the share of the text of the passages found that is left out.
	Saved float64 `json:"saved"`
	// Quotes is the share of the sentences that the quoting model takes from all
	// of a passage which is known to answer, and that its excerpt still holds.
	Quotes float64 `json:"quotes"`
	// Answers is the share of the expected answers that stand in such a passage
	// and still do in its excerpt; nil: the queries name none.
	Answers *float64 `json:"answers,omitempty"`

	Passages int `json:"-"` // shortened, of those found
}

// prompted is how many passages a prompt has by default.
const prompted = 5

func measureCompression(ctx context.Context, cfg Config, dir string, r *Report) error {
	if cfg.Quoter == nil {
		return nil
	}
	return cfg.eachSet(dir, func(name string, s set) error {
		c, err := cfg.compression(ctx, s)
		if err != nil {
			return err
		}
		if r.Compression == nil {
			r.Compression = map[string]Compression{}
		}
		r.Compression[name] = c
		return nil
	})
}

// ratio counts some of all.
type ratio struct{ some, all int }

func (r ratio) share() float64 { return round(float64(r.some) / float64(max(r.all, 1))) }

// count adds one, which is among some if it holds.
func (r *ratio) count(holds bool) {
	r.all++
	if holds {
		r.some++
	}
}

func (c Config) compression(ctx context.Context, s set) (Compression, error) {
	items := bareItems(s.corpus) // words find them: what is shortened is no question of order
	indexes, err := newShelf(c.Retrieval, s, items)
	if err != nil {
		return Compression{}, err
	}
	byID := map[string]desk.Passage{}
	for _, it := range items {
		byID[string(it.ID)] = it.Passage
	}
	var left, quotes, answers ratio
	var result Compression
	for _, q := range s.queries {
		for _, p := range indexes.of(q).Lexical(q.Text, prompted) {
			excerpt := retrieval.Excerpt(q.Text, p)
			left.all += len(p.Text)
			if excerpt != "" {
				result.Passages++
				left.some += len(p.Text) - len(excerpt)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(s.gold[q.ID])) {
			p := byID[id]
			shown := squeezed(excerptOf(q.Text, p))
			quoted, err := c.quotes(ctx, q, p)
			if err != nil {
				return result, err
			}
			for _, quote := range quoted {
				quotes.count(strings.Contains(shown, quote))
			}
			for _, a := range q.Answers {
				if a = squeezed(a); a != "" && strings.Contains(squeezed(p.Text), a) {
					answers.count(strings.Contains(shown, a))
				}
			}
		}
	}
	result.Saved, result.Quotes = left.share(), quotes.share()
	if answers.all > 0 {
		share := answers.share()
		result.Answers = &share
	}
	return result, nil
}

// bareItems are the documents without vectors.
func bareItems(corpus []document) []retrieval.Item {
	items := make([]retrieval.Item, len(corpus))
	for i, d := range corpus {
		items[i].Passage = desk.Passage{
			Chunk: desk.Chunk{ID: desk.ChunkID(d.ID), Document: desk.DocumentID(d.ID), Text: d.Text, Lang: lang.Of(d.Text), Tokens: len(lang.Terms(d.Text))},
			Title: d.Title,
		}
	}
	return items
}

// excerptOf is what a model reads of a passage.
func excerptOf(question string, p desk.Passage) string {
	if excerpt := retrieval.Excerpt(question, p); excerpt != "" {
		return excerpt
	}
	return p.Text
}

// citation marks a source in an answer.
var citation = regexp.MustCompile(`\s*\[\d+\]`)

// quotes are the sentences that the quoting model answers with from a passage,
// of those that stand in it as they are.
func (c Config) quotes(ctx context.Context, q query, p desk.Passage) ([]string, error) {
	reply, err := c.Quoter.Start(ctx, llm.Call{Prompt: llm.Prompt{
		Question: desk.Masked(q.Text), Lang: lang.Of(q.Text), Sources: []desk.Passage{p}, Route: desk.Route{Kind: desk.Complex},
	}})
	if err != nil {
		return nil, fmt.Errorf("quote: %w", err)
	}
	text, err := reply.Text()
	if err != nil {
		return nil, fmt.Errorf("quote: %w", err)
	}
	all := squeezed(p.Text)
	var quotes []string
	for _, part := range citation.Split(text, -1) {
		if quote := squeezed(part); quote != "" && strings.Contains(all, quote) {
			quotes = append(quotes, quote)
		}
	}
	return quotes, nil
}

// squeezed is a text without its white space: answers break lines elsewhere.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

func compressionTable(r Report, t io.Writer) {
	if len(r.Compression) > 0 {
		fmt.Fprintln(t, "compression\tpassages shortened\ttext saved\tquotes kept\tanswers kept\t")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Compression)) {
		c := r.Compression[name]
		answers := ""
		if c.Answers != nil {
			answers = fmt.Sprintf("%.3f", *c.Answers)
		}
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t%s\t\n", name, c.Passages, c.Saved, c.Quotes, answers)
	}
}
