package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/config"
	"kefu/internal/desk"
)

// checkupWithin bounds one checkup: a round trip or two.
const checkupWithin = 10 * time.Second

// finding is what the doctor says of one thing that Kefu depends on.
type finding struct {
	Of     string `json:"of"`
	Health health `json:"health"`
	Says   string `json:"says"`
	Advice string `json:"advice,omitempty"` // what to do; empty where all is well
}

// health is how well a thing is.
type health string

const (
	well   health = "ok"
	doubt  health = "warning" // answers are given, but worse, dearer or later than they could be
	broken health = "failure"
)

func (c *cli) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look at all that Kefu depends on, and say what to do", Args: args(cobra.NoArgs),
		Long: `Looks at the database, Redis, the knowledge base, whether its sources are synced
as promised, what searches its embeddings, every model with each of its keys (no
call is made that costs anything), the prices, the keys of callers and whether
customers can reach a person. Settings that cannot be right end it with exit
status 2, as every command. The exit status is 4 when something is broken,
and 0 with warnings alone.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.config()
			if err != nil {
				return err
			}
			found, err := examine(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			if err := c.print(found, func(w io.Writer) { writeFindings(w, found) }); err != nil {
				return err
			}
			return verdict(found)
		},
	}
}

// examine makes every checkup, each within its time.
func examine(ctx context.Context, cfg config.Config, log *slog.Logger) (found []finding, err error) {
	m, err := newModels(cfg)
	if err != nil {
		return nil, err
	}
	d := doctor{cfg: cfg, configured: m, log: log}
	opened, done := context.WithTimeout(ctx, checkupWithin)
	defer done()
	if d.base, d.closed = openBase(opened, cfg, log); d.closed == nil {
		defer func() { err = errors.Join(err, d.base.close()) }()
	}
	for _, look := range []func(context.Context) []finding{d.server, d.database, d.redis, d.knowledge, d.syncs, d.index, d.models, d.prices, d.callers, d.people} {
		within, done := context.WithTimeout(ctx, checkupWithin)
		found = append(found, look(within)...)
		done()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// verdict is an error where something is broken.
func verdict(found []finding) error {
	var ill []string
	for _, f := range found {
		if f.Health == broken {
			ill = append(ill, f.Of)
		}
	}
	if len(ill) == 0 {
		return nil
	}
	return &desk.Error{Kind: desk.Unavailable, Code: "unwell", Public: "broken: " + strings.Join(ill, ", ")}
}

func writeFindings(w io.Writer, found []finding) {
	marks := map[health]string{well: "ok", doubt: "warning", broken: "FAILURE"}
	for _, f := range found {
		fmt.Fprintf(w, "%-8s %s: %s\n", marks[f.Health], f.Of, f.Says)
		if f.Advice != "" {
			fmt.Fprintf(w, "%-8s %s\n", "", f.Advice)
		}
	}
}
