package main

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/store"
)

// withDB runs f with the database alone.
func (c *cli) withDB(ctx context.Context, f func(context.Context, *store.DB) error) error {
	return c.withBase(ctx, func(ctx context.Context, b *base) error { return f(ctx, b.db) })
}

// thisPerson is who the audit log says made a change at the command line.
func thisPerson() desk.Actor {
	u, err := user.Current()
	if err != nil {
		return desk.Actor{Name: "cli"}
	}
	return desk.Actor{Name: "cli:" + u.Username}
}

// tenantFlag adds --tenant to a command.
func tenantFlag(cmd *cobra.Command, into *string, byDefault, help string) {
	cmd.Flags().StringVar(into, "tenant", byDefault, help)
}

func (c *cli) tenantsCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "tenants", Short: "Make and list tenants: companies that share this Kefu and nothing else",
		Long: `A tenant has documents, answers, keys, budgets and limits of its own and never
sees another's. Everything belongs to the tenant "default" until you make others.`,
	}, c.tenantsCreate(), c.tenantsList())
}

type tenantJSON struct {
	ID      desk.TenantID `json:"id"`
	Name    string        `json:"name"`
	Created time.Time     `json:"created_at"`
}

func newTenantJSON(t desk.Tenant) tenantJSON { return tenantJSON{t.ID, t.Name, t.Created} }

func (c *cli) tenantsCreate() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "create ID", Short: "Make a tenant", Args: args(cobra.ExactArgs(1)),
		Example: "  kefu tenants create acme --name \"Acme Ltd\"",
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				made, err := db.Tenants().Create(ctx, thisPerson(), desk.Tenant{ID: desk.TenantID(ids[0]), Name: name})
				if err != nil {
					return err
				}
				return c.print(newTenantJSON(made), func(w io.Writer) { fmt.Fprintf(w, "tenant %s made\n", made.ID) })
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name for people (default the id)")
	return cmd
}

func (c *cli) tenantsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tenants", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				all, err := db.Tenants().List(ctx)
				if err != nil {
					return err
				}
				return c.print(each(all, newTenantJSON), func(w io.Writer) {
					table(w, "ID\tCREATED\tNAME", func(row func(...any)) {
						for _, t := range all {
							row(t.ID, moment(t.Created, "-"), t.Name)
						}
					})
				})
			})
		},
	}
}
