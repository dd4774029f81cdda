package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/llm"
	"kefu/internal/mask"
	"kefu/internal/retrieval"
)

func (c *cli) kbSearch() *cobra.Command {
	var k int
	cmd := &cobra.Command{
		Use: "search QUESTION", Short: "Show which passages a question finds, and how they score",
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			if k < 1 || k > 100 {
				return usageError{fmt.Errorf("--top %d: want 1 to 100", k)}
			}
			return c.withApp(cmd.Context(), func(ctx context.Context, a *app) error {
				if err := a.learn(ctx); err != nil {
					return err
				}
				found, err := a.search(ctx, desk.TenantID(c.tenant), strings.Join(words, " "), k)
				if err != nil {
					return err
				}
				return c.print(each(found, newPassageJSON), func(w io.Writer) { showPassages(w, found) })
			})
		},
	}
	cmd.Flags().IntVarP(&k, "top", "k", 5, "how many passages")
	return cmd
}

// search finds passages as a complex question does.
func (a *app) search(ctx context.Context, tenant desk.TenantID, text string, k int) ([]desk.Passage, error) {
	masked, _ := mask.New().Mask(text)
	q := retrieval.Query{Text: string(masked), Lang: lang.Of(text), K: k}
	allowance := llm.NewAllowance(llm.Grant{Tenant: tenant, Attempts: 2}, a.db.Ledger())
	e, err := a.embedder.Embed(ctx, llm.EmbedCall{Texts: []desk.Masked{masked}, Allowance: allowance})
	if err != nil {
		a.log.Warn("searching by words alone", "error", err)
	} else {
		q.Vector = e.Vectors[0]
	}
	return a.knowledge.View(tenant).Search(ctx, q)
}

func showPassages(w io.Writer, found []desk.Passage) {
	if len(found) == 0 {
		fmt.Fprintln(w, "nothing found")
	}
	for i, p := range found {
		fmt.Fprintf(w, "%d. %.3f  (vector %.3f, words %.2f)  %s · %s\n", i+1, p.Score, p.Vector, p.Lexical, p.ID, p.Heading)
		if p.Question != "" {
			fmt.Fprintf(w, "   Q: %s\n", p.Question)
		}
		fmt.Fprintf(w, "   %s\n", shorten(strings.Join(strings.Fields(p.Text), " "), 240))
	}
}

func shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
