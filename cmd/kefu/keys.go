package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func (c *cli) keysCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "keys", Short: "Make, list, rotate and revoke the keys that callers show",
		Long: `A key belongs to a tenant and has a role: widget (ask from a website, in whose
pages everybody can read it), ask, operator (also the tenant's knowledge base)
or admin (everything, of every tenant). It is shown once; only its hash is kept.
The first key with the role ask or widget ends asking without a key.
Changes reach running servers within seconds.`,
	}, c.keysCreate(), c.keysList(), c.keysRotate(), c.keysRevoke(), c.keysSecret(), c.keysSignUser())
}

type keyJSON struct {
	ID      desk.KeyID    `json:"id"`
	Tenant  desk.TenantID `json:"tenant"`
	Name    string        `json:"name"`
	Role    desk.Role     `json:"role"`
	Prefix  string        `json:"prefix"`
	Created time.Time     `json:"created_at"`
	Expires *time.Time    `json:"expires_at"`
	Revoked *time.Time    `json:"revoked_at"`
	Key     string        `json:"key,omitempty"` // the secret, when it was made
}

func newKeyJSON(k desk.Key) keyJSON {
	j := keyJSON{ID: k.ID, Tenant: k.Tenant, Name: k.Name, Role: k.Role, Prefix: k.Prefix, Created: k.Created}
	if !k.Expires.IsZero() {
		j.Expires = &k.Expires
	}
	if !k.Revoked.IsZero() {
		j.Revoked = &k.Revoked
	}
	return j
}

// made prints a new key: the secret alone on stdout, so that a script can take
// it.
func (c *cli) made(k desk.Key, secret string) error {
	c.say("%s key %s of %s, expires %s. It is shown this once:", k.Role, k.ID, k.Tenant, moment(k.Expires, "never"))
	j := newKeyJSON(k)
	j.Key = secret
	return c.print(j, func(w io.Writer) { fmt.Fprintln(w, secret) })
}

func (c *cli) keysCreate() *cobra.Command {
	var tenant, name, role string
	var life time.Duration
	cmd := &cobra.Command{
		Use: "create", Short: "Make a key and print it", Args: args(cobra.NoArgs),
		Example: "  kefu keys create --tenant acme --role ask --name website\n  KEY=$(kefu keys create -q --expires 720h)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			key := desk.Key{Tenant: desk.TenantID(tenant), Name: name, Role: desk.Role(role)}
			if life < 0 {
				return usageError{fmt.Errorf("--expires: want a time from now, such as 720h")}
			}
			if life > 0 {
				key.Expires = time.Now().Add(life)
			}
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				made, secret, err := db.Keys().Create(ctx, thisPerson(), key)
				if err != nil {
					return err
				}
				return c.made(made, secret)
			})
		},
	}
	tenantFlag(cmd, &tenant, string(desk.DefaultTenant), "whose key it is")
	cmd.Flags().StringVar(&name, "name", "", "what it is for, for people")
	cmd.Flags().StringVar(&role, "role", string(desk.RoleAsk), "widget, ask, operator or admin")
	cmd.Flags().DurationVar(&life, "expires", 0, "how long it may be used, such as 720h; 0: for ever")
	return cmd
}

func (c *cli) keysList() *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use: "list", Short: "List the keys, without their secrets", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				keys, err := db.Keys().List(ctx, desk.TenantID(tenant))
				if err != nil {
					return err
				}
				return c.print(each(keys, newKeyJSON), func(w io.Writer) {
					table(w, "ID\tTENANT\tROLE\tKEY\tEXPIRES\tSTATE\tNAME", func(row func(...any)) {
						for _, k := range keys {
							row(k.ID, k.Tenant, k.Role, k.Prefix+"…", moment(k.Expires, "never"), stateOf(k), k.Name)
						}
					})
				})
			})
		},
	}
	tenantFlag(cmd, &tenant, "", "only those of this tenant")
	return cmd
}

func stateOf(k desk.Key) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Live(time.Now()):
		return "expired"
	}
	return "live"
}

func (c *cli) keysRotate() *cobra.Command {
	var overlap time.Duration
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Make a key like another, which ends after a while", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if overlap < 0 {
				return usageError{fmt.Errorf("--overlap: want 0 or more, such as 24h")}
			}
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				made, secret, err := db.Keys().Rotate(ctx, thisPerson(), desk.KeyID(ids[0]), overlap)
				if err != nil {
					return err
				}
				return c.made(made, secret)
			})
		},
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the old key may still be used")
	return cmd
}

func (c *cli) keysRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID…", Short: "End keys: no server takes them any more, 5 seconds from now", Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				for _, id := range ids {
					if err := db.Keys().Revoke(ctx, thisPerson(), desk.KeyID(id)); err != nil {
						return err
					}
				}
				return c.print(map[string]any{"revoked": ids}, func(w io.Writer) { fmt.Fprintf(w, "revoked %s\n", strings.Join(ids, ", ")) })
			})
		},
	}
}
