package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kefu/internal/abstain"
	"kefu/internal/eval"
	"kefu/internal/guard"
	"kefu/internal/ingest"
	"kefu/internal/llm/offline"
	"kefu/internal/mask"
	"kefu/internal/retrieval"
	"kefu/internal/route"
)

func (c *cli) evalCommand() *cobra.Command {
	var dir, broken, out, floors string
	cmd := &cobra.Command{
		Use: "eval", Short: "Measure retrieval, routing, masking, the guard and extraction on labelled data", Args: args(cobra.NoArgs),
		Long: `Measures the search, router, masker, guard and file reader of the product, with the
offline embedder, on a folder of labelled texts:

  retrieval/<set>/corpus.jsonl, queries.jsonl, qrels.tsv
  router.jsonl
  safety/pii.jsonl, safety/secrets.jsonl, safety/injection.jsonl
  documents/index.json and the files it names

Prints a table and writes the figures as JSON. With --floors, a JSON file of the
same shape, a figure below its floor is an error: a gate for CI. {"max": 0.01} in
the place of a figure is a ceiling.`,
		Example: "  kefu eval --dir ../shared/eval --out eval.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cache, err := os.MkdirTemp("", "kefu-eval-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(cache)
			reader := ingest.New(nil, nil, nil, ingest.Config{CacheDir: cache})
			defer reader.Close()
			report, err := eval.Run(cmd.Context(), dir, eval.Config{
				Embedder: offline.NewEmbedder(), Retrieval: retrieval.DefaultConfig(), Abstain: abstain.Default,
				Router: route.New(), Train: func(examples []route.Example) eval.Router { return route.Train(examples) },
				Masker: mask.New(), Guard: guard.New(), Reader: reader, Broken: broken,
				Progress: func(line string) { c.say("%s", line) },
			})
			if err != nil {
				return err
			}
			if err := writeReport(out, report); err != nil {
				return err
			}
			var failed error
			if floors != "" {
				failed = belowFloors(floors, report)
			}
			return errors.Join(c.print(report, func(w io.Writer) { _ = report.Table(w) }), failed)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of labelled questions")
	cmd.Flags().StringVar(&broken, "broken", "", "folder of broken and hostile files, with an index.json")
	cmd.Flags().StringVar(&out, "out", "", "write the figures to this file, as JSON")
	cmd.Flags().StringVar(&floors, "floors", "", "JSON file of figures that must be reached")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

func writeReport(path string, r eval.Report) error {
	if path == "" {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// belowFloors compares the report with a file that holds, in the same shape,
// the figures that must be reached.
func belowFloors(path string, r eval.Report) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return usageError{err}
	}
	var want map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		return usageError{fmt.Errorf("%s: %w", path, err)}
	}
	raw, err = json.Marshal(r)
	if err != nil {
		return err
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		return err
	}
	var missed []string
	compare("", want, got, &missed)
	if len(missed) > 0 {
		return fmt.Errorf("below the floors of %s:\n  %s", path, strings.Join(missed, "\n  "))
	}
	return nil
}

func compare(path string, want, got any, missed *[]string) {
	switch w := want.(type) {
	case map[string]any:
		if ceiling, ok := w["max"].(float64); ok && len(w) == 1 {
			exceeds(path, ceiling, got, missed)
			return
		}
		g, _ := got.(map[string]any)
		for key, value := range w {
			compare(strings.TrimPrefix(path+"."+key, "."), value, g[key], missed)
		}
	case float64:
		g, measured := got.(float64)
		switch {
		case !measured:
			*missed = append(*missed, path+" was not measured")
		case g < w:
			*missed = append(*missed, fmt.Sprintf("%s = %.4f, want at least %.4f", path, g, w))
		}
	}
}

func exceeds(path string, ceiling float64, got any, missed *[]string) {
	g, measured := got.(float64)
	switch {
	case !measured:
		*missed = append(*missed, path+" was not measured")
	case g > ceiling:
		*missed = append(*missed, fmt.Sprintf("%s = %.4f, want at most %.4f", path, g, ceiling))
	}
}
