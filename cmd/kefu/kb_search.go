package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
)

func (c *cli) kbSearch() *cobra.Command {
	var k int
	var explained bool
	cmd := &cobra.Command{
		Use: "search QUESTION", Short: "Show which passages a question finds, and how they score",
		Example: "  kefu kb search \"How long is the warranty?\"\n  kefu kb search --explain 退款多久到账",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			if k < 1 || k > 100 {
				return usageError{fmt.Errorf("--top %d: want 1 to 100", k)}
			}
			return c.withApp(cmd.Context(), func(ctx context.Context, a *app) error {
				if err := a.learn(ctx); err != nil {
					return err
				}
				in, err := a.answers.Inspect(ctx, desk.Scope{Tenant: desk.TenantID(c.tenant)}, strings.Join(words, " "), k)
				if err != nil {
					return err
				}
				if in.ByWords {
					a.log.Warn("the embedder or the vector index does not answer: searched by words alone")
				}
				if explained && c.json {
					return c.print(newInspectionJSON(in), nil)
				}
				return c.print(each(in.Hits, newPassageJSON), func(w io.Writer) { showHits(w, in, explained) })
			})
		},
	}
	cmd.Flags().IntVarP(&k, "top", "k", 5, "how many passages")
	cmd.Flags().BoolVarP(&explained, "explain", "x", false, "also the matched terms, the route, and why a passage is cut")
	return cmd
}

func showHits(w io.Writer, in desk.Inspection, explained bool) {
	if explained {
		fmt.Fprintf(w, "%s, %s (%s), revision %d\n", in.Lang, in.Route.Kind, in.Route.Reason, in.Revision)
		if in.Answerable > 0 {
			fmt.Fprintf(w, "speaks for an answer: %.2f\n", in.Answerable)
		}
	}
	if len(in.Hits) == 0 {
		fmt.Fprintln(w, "nothing found")
	}
	for i, h := range in.Hits {
		fmt.Fprintf(w, "%d. %.3f  (vector %.3f, words %.2f)  %s · %s\n", i+1, h.Score, h.Vector, h.Lexical, h.ID, oneLine(cmp.Or(h.Heading, h.Title)))
		if explained {
			fate := "enters the prompt"
			if h.Cut != desk.Kept {
				fate = "cut: " + strings.ReplaceAll(string(h.Cut), "_", " ")
			}
			if h.Of != "" {
				fate = "cut: repeats " + string(h.Of)
			}
			fmt.Fprintf(w, "   %s; %d tokens, covers %.0f %% of the question: %s\n", fate, h.Tokens, 100*h.Coverage, strings.Join(h.Terms, ", "))
			fmt.Fprintf(w, "   vector and words together %.3f, reranked by this, the best sentence (%.2f), pairs of words (%.2f) and the rest of its page (%.2f)\n",
				h.Fused, h.Sentence, h.Pairs, h.Page)
			if h.Borrowed {
				fmt.Fprintln(w, "   its score is that of the page in the other language that it translates")
			}
		}
		if h.Chunk.Question != "" {
			fmt.Fprintf(w, "   Q: %s\n", h.Chunk.Question)
		}
		fmt.Fprintf(w, "   %s\n", shorten(strings.Join(strings.Fields(h.Text), " "), 240))
	}
}

func shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
