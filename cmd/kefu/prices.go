package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/llm/price"
)

const pricesHelp = `What models cost: a dated table within the program, in dollars per million
tokens. KEFU_PRICES_FILE names a file that corrects it: a model that the file
names costs what stands there, the others what they did. 'prices list --json'
prints the whole table as such a file, of which this would be enough:

  {"checked": "2026-11-23", "prices": [
    {"model": "my-model", "input": 0.4, "cached": 0.1, "output": 1.2, "window": 128000}
  ]}

"cached" is what prompt tokens cost that the provider has kept, by default as
much as "input". A row may also have "tiers" for long prompts and the days "from"
and "until".`

func (c *cli) pricesCommand() *cobra.Command {
	return group(&cobra.Command{Use: "prices", Short: "Show what models cost, and how old the table is", Long: pricesHelp},
		&cobra.Command{
			Use: "list", Short: "List the prices in dollars per million tokens; --json prints them as a file to correct", Args: args(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error {
				table, err := c.prices()
				if err != nil {
					return err
				}
				return c.print(table, func(w io.Writer) { listPrices(w, table) })
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

// listPrices prints a line for each rate: a model has several where its price
// depends on the day or on the length of the prompt.
func listPrices(w io.Writer, prices *price.Table) {
	table(w, "MODEL\tINPUT\tCACHED\tOUTPUT\tWINDOW\tHOLDS\tCHECKED\tSOURCE", func(row func(...any)) {
		line := func(p price.Price, r price.Rate, holds string) {
			window, checked := "-", "-"
			if p.Window > 0 {
				window = strconv.Itoa(p.Window)
			}
			if !p.Checked.IsZero() {
				checked = p.Checked.Format(time.DateOnly)
			}
			dollars := func(m desk.MicroUSD) string { return fmt.Sprintf("%.3f", m.USD()) }
			row(p.Model, dollars(r.Input), dollars(r.Cached), dollars(r.Output), window, holds, checked, p.Source)
		}
		for _, p := range prices.Rows() {
			days := period(p)
			line(p, p.Rate, cmp.Or(days, "-"))
			for _, tier := range p.Tiers {
				line(p, tier.Rate, strings.TrimSpace(fmt.Sprintf("prompts above %d %s", tier.Above, days)))
			}
		}
	})
}

// period is the days on which a price holds, "" when they are not bounded.
func period(p price.Price) string {
	var days []string
	if !p.From.IsZero() {
		days = append(days, "from "+p.From.Format(time.DateOnly))
	}
	if !p.Until.IsZero() {
		days = append(days, "until "+p.Until.Format(time.DateOnly))
	}
	return strings.Join(days, " ")
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
