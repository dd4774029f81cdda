package main

import (
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"kefu/internal/abstain"
	"kefu/internal/eval"
	"kefu/internal/llm/offline"
	"kefu/internal/retrieval"
)

func (c *cli) abstainCommand() *cobra.Command {
	return group(&cobra.Command{Use: "abstain", Short: "Learn when there is no answer"}, c.abstainTrainCommand())
}

// answeredShare is how much of the answerable questions of each set must be
// answered at the default setting: two in a hundred more than promised, so
// that other questions of the same sets are too.
const answeredShare = 0.92

// withheld is how much a question counts whose passages were taken away, which
// looks most like an answerable one, in sets that have enough of them in a language: in the
// others, of product manuals, the words do not tell the two apart.
const (
	withheld = 4
	enough   = 80
)

func (c *cli) abstainTrainCommand() *cobra.Command {
	var dir, out string
	cmd := &cobra.Command{
		Use: "train", Short: "Learn from questions with and without an answer", Args: args(cobra.NoArgs),
		Long: `Searches the retrieval sets of DIR for their own queries and for those of
DIR/unanswerable.jsonl, learns from what is found when to abstain, and writes
the weights to FILE. The program carries those of internal/abstain/weights.json.`,
		Example: "  kefu abstain train --dir ../shared/eval --out internal/abstain/weights.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			examples, err := eval.Evidence(cmd.Context(), dir, eval.Config{
				Embedder: offline.NewEmbedder(), Retrieval: retrieval.DefaultConfig(),
				Progress: func(line string) { c.say("%s", line) },
			})
			if err != nil {
				return err
			}
			taken := map[string]int{}
			for _, e := range examples {
				if e.Group == "deleted_doc" {
					taken[e.Set+string(e.Evidence.Lang)]++
				}
			}
			for i := range examples {
				e := &examples[i]
				if e.Group == "deleted_doc" && taken[e.Set+string(e.Evidence.Lang)] >= enough {
					e.Weight = withheld
				}
				e.Group = e.Set + " " + e.Group
			}
			raw, err := json.MarshalIndent(abstain.Fit(examples, answeredShare), "", "  ")
			if err != nil {
				return err
			}
			return os.WriteFile(out, append(raw, '\n'), 0o644)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of labelled questions")
	cmd.Flags().StringVar(&out, "out", "", "write the weights to this file")
	_ = cmd.MarkFlagRequired("dir")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}
