package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/eval"
	"kefu/internal/route"
)

func (c *cli) routerCommand() *cobra.Command {
	return group(
		&cobra.Command{Use: "router", Short: "Train the router, or ask it why"},
		c.routerTrainCommand(), c.routerLabelsCommand(), c.routerExplainCommand(),
	)
}

func (c *cli) routerTrainCommand() *cobra.Command {
	var dir, labels, out string
	cmd := &cobra.Command{
		Use: "train", Short: "Learn to route from labelled questions", Args: args(cobra.NoArgs),
		Long: `With --labels, goes on learning where the program's own weights stopped, from
lines of {"text", "label": simple or complex, "lang"} as 'kefu router labels' prints them
and you may correct them, and says how many of them are decided rightly, each by
weights that have not seen it. The setting router.weights puts FILE to use.

With --dir, learns anew from DIR/router.jsonl, beside this project's own support
questions. The program carries those of internal/route/weights.bin; the same
questions give the same file. 'kefu eval' says how good the weights are.`,
		Example: "  kefu router train --labels labels.jsonl --out router.bin\n  kefu router train --dir ../shared/eval --out internal/route/weights.bin",
		RunE: func(*cobra.Command, []string) error {
			var trained *route.Router
			if dir != "" {
				examples, err := eval.Routes(filepath.Join(dir, "router.jsonl"))
				if err != nil {
					return err
				}
				trained = route.Train(append(examples, route.Support()...))
				c.say("learned from %d questions, %d of them this project's own", len(examples)+len(route.Support()), len(route.Support()))
			} else {
				examples, err := eval.Routes(labels)
				if err != nil {
					return err
				}
				trained = route.New().Corrected(examples)
				before, after := eval.Corrections(route.New(), examples)
				c.say("learned from %s: %d were decided so before, %d are by weights that have not seen them", plural(len(examples), "label"), before, after)
			}
			raw, err := trained.MarshalBinary()
			if err != nil {
				return err
			}
			return os.WriteFile(out, raw, 0o644)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder with router.jsonl, to learn anew from")
	cmd.Flags().StringVar(&labels, "labels", "", "JSONL file of labelled questions, to be corrected by")
	cmd.Flags().StringVar(&out, "out", "", "write the weights to this file")
	cmd.MarkFlagsOneRequired("dir", "labels")
	cmd.MarkFlagsMutuallyExclusive("dir", "labels")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// newRouter returns the router with the weights that are configured.
func newRouter(cfg config.Config) (*route.Router, error) {
	if cfg.Router.Weights == "" {
		return route.New(), nil
	}
	raw, err := os.ReadFile(cfg.Router.Weights)
	if err == nil {
		var r *route.Router
		if r, err = route.Load(raw); err == nil {
			return r, nil
		}
	}
	return nil, &desk.Error{
		Kind: desk.Invalid, Code: "bad_setting", Field: "router.weights",
		Public: fmt.Sprintf("router.weights: %s is no file of router weights that can be read; 'kefu router train' writes them.", cfg.Router.Weights), Err: err,
	}
}

// routeExplained is a decision and what it came from.
type routeExplained struct {
	desk.Route
	Features []route.Feature `json:"features"`
}

func (c *cli) routerExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain QUESTION", Short: "Show how a question is routed and what spoke for it", Args: args(cobra.ExactArgs(1)),
		Example: `  kefu router explain "Is Plus cheaper than Basic for two people?"`,
		RunE: func(_ *cobra.Command, given []string) error {
			cfg, err := c.config()
			if err != nil {
				return err
			}
			r, err := newRouter(cfg)
			if err != nil {
				return err
			}
			why := routeExplained{r.Decide(given[0]), r.Explain(given[0], 8)}
			return c.print(why, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %s (%.2f)\n", why.Kind, why.Reason, why.Confidence)
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
				for _, f := range why.Features {
					fmt.Fprintf(t, "%+.2f\t  %s\n", f.Weight, f.Text)
				}
				t.Flush()
			})
		},
	}
}
