package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func (c *cli) budgetsCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "budgets", Short: "Cap what tenants, keys and users may spend",
		Long: `A budget caps dollars or tokens in each day or month (UTC). The worst case of
an answer is reserved before the first call and the rest given back afterwards,
so that a cap is never exceeded. At the cap questions are refused, answered by
the cheap model as long as that fits, or by the offline one. A warning is logged
at 80 %. Answers from the cache are free.`,
	}, c.budgetsSet(), c.budgetsList(), c.budgetsRemove())
}

type budgetJSON struct {
	ID      desk.BudgetID      `json:"id"`
	Tenant  desk.TenantID      `json:"tenant"`
	Subject desk.BudgetSubject `json:"subject"`
	Name    string             `json:"name"`
	Period  desk.BudgetPeriod  `json:"period"`
	Unit    desk.BudgetUnit    `json:"unit"`
	Cap     float64            `json:"cap"` // dollars or tokens
	AtCap   desk.AtCap         `json:"at_cap"`
}

type budgetStateJSON struct {
	budgetJSON
	Spent  float64   `json:"spent"`
	Held   float64   `json:"held"`
	Resets time.Time `json:"resets_at"`
}

func newBudgetJSON(b desk.Budget) budgetJSON {
	return budgetJSON{b.ID, b.Tenant, b.Subject, b.Name, b.Period, b.Unit, inUnit(b.Unit, b.Cap), b.AtCap}
}

func inUnit(unit desk.BudgetUnit, amount int64) float64 {
	if unit == desk.InUSD {
		return desk.MicroUSD(amount).USD()
	}
	return float64(amount)
}

// amount writes what a budget counts for people.
func amount(unit desk.BudgetUnit, n int64) string {
	if unit == desk.InUSD {
		return fmt.Sprintf("$%.6g", desk.MicroUSD(n).USD())
	}
	return fmt.Sprintf("%d tokens", n)
}

// whose names the subject of a budget.
func whose(b desk.Budget) string {
	switch {
	case b.Subject == desk.SubjectTenant:
		return "all of " + string(b.Tenant)
	case b.Name == "":
		return "each " + string(b.Subject)
	}
	return string(b.Subject) + " " + b.Name
}

func (c *cli) budgetsSet() *cobra.Command {
	var tenant, key, user, each, period, action string
	var usd float64
	var tokens int64
	cmd := &cobra.Command{
		Use: "set", Short: "Set a budget, or change the one there is", Args: args(cobra.NoArgs),
		Example: "  kefu budgets set --usd 20                          the default tenant, 20 dollars a day\n" +
			"  kefu budgets set --tenant acme --usd 300 --per month --at-cap cheaper\n  kefu budgets set --each user --tokens 50000",
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := desk.Budget{
				Tenant: desk.TenantID(tenant), Subject: desk.SubjectTenant, Period: desk.BudgetPeriod(period),
				Unit: desk.InUSD, Cap: int64(math.Floor(usd*1e6 + 1e-6)), AtCap: desk.AtCap(action), // the addition undoes binary noise
			}
			switch {
			case key != "" && user == "" && each == "":
				b.Subject, b.Name = desk.SubjectKey, key
			case user != "" && key == "" && each == "":
				b.Subject, b.Name = desk.SubjectUser, user
			case each != "" && key == "" && user == "":
				b.Subject = desk.BudgetSubject(each)
			case key+user+each != "":
				return usageError{errors.New("--key, --user and --each: keep one")}
			}
			if (usd == 0) == (tokens == 0) {
				return usageError{errors.New("give the cap as --usd or as --tokens")}
			}
			if tokens != 0 {
				b.Unit, b.Cap = desk.InTokens, tokens
			}
			return c.withBase(cmd.Context(), func(ctx context.Context, base *base) error {
				set, err := base.db.Budgets().Set(ctx, thisPerson(), b)
				if err != nil {
					return err
				}
				if set.AtCap == desk.OfflineAtCap && !base.models.endOffline() {
					fmt.Fprintln(c.stderr, "a chain of models lacks offline: at this cap its questions are refused; add offline to chains.simple and chains.complex")
				}
				return c.print(newBudgetJSON(set), func(w io.Writer) {
					fmt.Fprintf(w, "budget %s: %s a %s for %s, then %s\n", set.ID, amount(set.Unit, set.Cap), set.Period, whose(set), set.AtCap)
				})
			})
		},
	}
	tenantFlag(cmd, &tenant, string(desk.DefaultTenant), "whose budget it is")
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "only this key, by its id")
	f.StringVar(&user, "user", "", "only this user")
	f.StringVar(&each, "each", "", "key or user: each by itself")
	f.StringVar(&period, "per", string(desk.PerDay), "day or month")
	f.Float64Var(&usd, "usd", 0, "dollars")
	f.Int64Var(&tokens, "tokens", 0, "tokens, of prompts and completions together")
	f.StringVar(&action, "at-cap", string(desk.RefuseAtCap), "refuse, cheaper or offline")
	return cmd
}

func (c *cli) budgetsList() *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use: "list", Short: "List the budgets and what is used of them", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				states, err := db.Budgets().List(ctx, desk.TenantID(tenant), time.Now())
				if err != nil {
					return err
				}
				return c.print(each(states, func(s desk.BudgetState) budgetStateJSON {
					return budgetStateJSON{newBudgetJSON(s.Budget), inUnit(s.Unit, s.Spent), inUnit(s.Unit, s.Held), s.Resets}
				}), func(w io.Writer) {
					table(w, "ID\tTENANT\tFOR\tCAP\tSPENT\tHELD\tRESETS\tTHEN", func(row func(...any)) {
						for _, s := range states {
							row(s.ID, s.Tenant, whose(s.Budget), fmt.Sprintf("%s a %s", amount(s.Unit, s.Cap), s.Period),
								amount(s.Unit, s.Spent), amount(s.Unit, s.Held), moment(s.Resets, "-"), s.AtCap)
						}
					})
				})
			})
		},
	}
	tenantFlag(cmd, &tenant, "", "only those of this tenant")
	return cmd
}

func (c *cli) budgetsRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm ID…", Short: "Remove budgets", Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				for _, id := range ids {
					if err := db.Budgets().Remove(ctx, thisPerson(), desk.BudgetID(id)); err != nil {
						return err
					}
				}
				return c.print(map[string]any{"removed": ids}, func(w io.Writer) { fmt.Fprintf(w, "%s removed\n", plural(len(ids), "budget")) })
			})
		},
	}
}
