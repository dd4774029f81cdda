package main

import (
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"kefu/internal/abstain"
	"kefu/internal/eval"
	"kefu/internal/ingest"
	"kefu/internal/llm/offline"
	"kefu/internal/retrieval"
)

func (c *cli) abstainCommand() *cobra.Command {
	return group(&cobra.Command{Use: "abstain", Short: "Learn when there is no answer"}, c.abstainTrainCommand())
}

func (c *cli) abstainTrainCommand() *cobra.Command {
	var dir, sample, out string
	cmd := &cobra.Command{
		Use: "train", Short: "Learn from questions with and without an answer", Args: args(cobra.NoArgs),
		Long: `Searches the retrieval sets of DIR for their own queries and for those of
DIR/unanswerable.jsonl, and the sample knowledge base for this project's own.
Queries of sets whose pages are each about a thing of their own are asked once
more without the page that answers them. Learns from what is found when to
abstain, and writes what it learned to FILE.
The program carries internal/abstain/learned.json.`,
		Example: "  kefu abstain train --dir ../shared/eval --sample kb --out internal/abstain/learned.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cache, err := os.MkdirTemp("", "kefu-abstain-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(cache)
			reader := ingest.New(nil, nil, nil, ingest.Config{CacheDir: cache})
			defer reader.Close()
			examples, err := eval.Evidence(cmd.Context(), dir, eval.Config{
				Embedder: offline.NewEmbedder(), Retrieval: retrieval.DefaultConfig(), Reader: reader, Sample: sample,
				Progress: func(line string) { c.say("%s", line) },
			})
			if err != nil {
				return err
			}
			raw, err := json.Marshal(abstain.Fit(examples, eval.AnsweredShare))
			if err != nil {
				return err
			}
			return os.WriteFile(out, append(raw, '\n'), 0o644)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of labelled questions")
	cmd.Flags().StringVar(&sample, "sample", "", "folder of the sample knowledge base")
	cmd.Flags().StringVar(&out, "out", "", "write what was learned to this file")
	_ = cmd.MarkFlagRequired("dir")
	_ = cmd.MarkFlagRequired("sample")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}
