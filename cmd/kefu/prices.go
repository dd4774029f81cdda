package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/llm/price"
)

func (c *cli) pricesCommand() *cobra.Command {
	return group(&cobra.Command{Use: "prices", Short: "Show what models cost, and how old the table is"},
		&cobra.Command{
			Use: "list", Short: "List the prices in dollars per million tokens", Args: args(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error {
				table, err := c.prices()
				if err != nil {
					return err
				}
				return c.print(table.Rows(), func(w io.Writer) { listPrices(w, table) })
			},
		},
		&cobra.Command{
			Use: "check", Short: "Fail when the table is old or a configured model has no price", Args: args(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return c.checkPrices(time.Now()) },
		},
	)
}

func (c *cli) prices() (*price.Table, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	return loadPrices(cfg.PricesFile)
}

func loadPrices(file string) (*price.Table, error) {
	if file == "" {
		return price.Default()
	}
	return price.Load(file)
}

func listPrices(w io.Writer, table *price.Table) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MODEL\tINPUT\tCACHED\tOUTPUT\tWINDOW\tCHECKED\tSOURCE")
	for _, p := range table.Rows() {
		fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%.3f\t%d\t%s\t%s\n", p.Model, p.Rate.Input.USD(), p.Rate.Cached.USD(), p.Rate.Output.USD(),
			p.Window, p.Checked.Format(time.DateOnly), p.Source)
	}
	t.Flush()
}

// checkPrices fails when the costs that are reported would be doubtful.
func (c *cli) checkPrices(now time.Time) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	m, err := newModels(cfg)
	if err != nil {
		return err
	}
	if doubts := m.doubts(now); len(doubts) > 0 {
		for _, d := range doubts[1:] {
			c.say("kefu: %s", d.Public)
		}
		return doubts[0]
	}
	return c.print(map[string]string{"status": "ok"}, func(w io.Writer) { fmt.Fprintln(w, "every configured model has a price, and the table is recent") })
}
