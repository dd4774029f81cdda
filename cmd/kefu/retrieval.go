package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"kefu/internal/eval"
	"kefu/internal/llm/offline"
	"kefu/internal/retrieval"
)

func (c *cli) retrievalCommand() *cobra.Command {
	return group(&cobra.Command{Use: "retrieval", Short: "Learn how passages are ranked"}, c.retrievalTrainCommand())
}

func (c *cli) retrievalTrainCommand() *cobra.Command {
	var dir, out string
	cmd := &cobra.Command{
		Use: "train", Short: "Learn to rank passages from labelled queries", Args: args(cobra.NoArgs),
		Long: `Searches the retrieval sets of DIR for their queries and learns, for each
language, how much the similarity of vectors counts beside words in common, and
beside both the coverage of the question, the best sentence, pairs of words and
other passages of the same page. Learning starts from weights that were picked by
hand and makes no step by which a set would lose.

Prints nDCG@10 of both, of weights that have not seen the query (five folds) and of
weights that have seen nothing of the set, and writes what it learned to FILE. The
program carries internal/retrieval/weights.json; the same sets give the same file.`,
		Example: "  kefu retrieval train --dir ../shared/eval --out internal/retrieval/weights.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			learned, err := eval.LearnRanking(cmd.Context(), dir, eval.Config{
				Embedder: offline.NewEmbedder(), Retrieval: retrieval.DefaultConfig(),
				Progress: func(line string) { c.say("%s", line) },
			})
			if err != nil {
				return err
			}
			if out != "" {
				raw, err := json.MarshalIndent(learned.Weights, "", "  ")
				if err != nil {
					return err
				}
				if err := os.WriteFile(out, append(raw, '\n'), 0o644); err != nil {
					return err
				}
			}
			return c.print(learned, func(w io.Writer) {
				for l, of := range learned.Weights {
					fmt.Fprintf(w, "%s: %+v\n", l, of)
				}
				_ = learned.Table(w)
			})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of labelled questions")
	cmd.Flags().StringVar(&out, "out", "", "write the weights to this file")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}
