package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/eval"
	"kefu/internal/route"
)

func (c *cli) routerCommand() *cobra.Command {
	return group(
		&cobra.Command{Use: "router", Short: "Train the router, or ask it why"},
		c.routerTrainCommand(), c.routerExplainCommand(),
	)
}

func (c *cli) routerTrainCommand() *cobra.Command {
	var dir, out string
	cmd := &cobra.Command{
		Use: "train", Short: "Learn to route from labelled questions", Args: args(cobra.NoArgs),
		Long: `Learns from DIR/router.jsonl, lines of {"text", "label": simple or complex,
"lang", "source"}, beside this project's own support questions, and writes the
weights to FILE. The program carries those of internal/route/weights.bin; the
same questions give the same file. 'kefu eval' says how good the weights are.`,
		Example: "  kefu router train --dir ../shared/eval --out internal/route/weights.bin",
		RunE: func(*cobra.Command, []string) error {
			examples, err := eval.Routes(dir)
			if err != nil {
				return err
			}
			raw, err := route.Train(append(examples, route.Support()...)).MarshalBinary()
			if err != nil {
				return err
			}
			c.say("learned from %d questions, %d of them this project's own", len(examples)+len(route.Support()), len(route.Support()))
			return os.WriteFile(out, raw, 0o644)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder with router.jsonl")
	cmd.Flags().StringVar(&out, "out", "", "write the weights to this file")
	_ = cmd.MarkFlagRequired("dir")
	_ = cmd.MarkFlagRequired("out")
	return cmd
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
			r := route.New()
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
