package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/access"
	"kefu/internal/desk"
	"kefu/internal/limit"
	"kefu/internal/store"
)

// signInsPerMinute is how often one address may try to sign in. Secrets of 260
// bits need no such bound, but a key of the configuration may be weaker.
const signInsPerMinute = 10

func (a *app) sessions() *access.Sessions {
	return access.NewSessions(a.directory, a.db.Sessions(), access.SessionConfig{Idle: a.cfg.Console.Idle, Life: a.cfg.Console.Session})
}

// turnstile bounds how often one address may try to sign in.
func (a *app) turnstile() *limit.Limiter {
	l := limit.New(limit.Config{Address: limit.Rates{Requests: signInsPerMinute}, Timeout: a.cfg.Redis.Timeout, Replicas: a.replicas()}, a.redis, a.log)
	a.workers.start("sign-in limit", l.Run)
	return l
}

// firstLink makes the administrator's link where nobody has ever signed in and
// there is no key to do it with. It is told once and kept nowhere; whoever may
// read the database could make one anyway.
func (a *app) firstLink(ctx context.Context, c *cli) (token string, err error) {
	if a.directory.Keyed() || c.quiet { // quiet: nobody would see it
		return "", nil
	}
	if visited, err := a.db.Sessions().Visited(ctx); err != nil || visited {
		return "", err
	}
	return a.db.Sessions().MakeLink(ctx, desk.Actor{Name: "first start"}, desk.Link{
		Tenant: desk.DefaultTenant, Role: desk.RoleAdmin, Expires: time.Now().Add(a.cfg.Console.Link),
	})
}

// signInURL is the console's address. A token stands behind the #, which
// browsers send to no server: it is in no log, and no preview of links uses it
// up.
func signInURL(base, token string) string {
	console := strings.TrimSuffix(base, "/") + "/console"
	if token == "" {
		return console
	}
	return console + "#link=" + token
}

func (c *cli) consoleCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "console", Short: "Sign in to the operators' console, see who is, and sign them out",
		Long: `The console is the page /console of a running server: questions without an
answer, documents, search, answers and their traces, usage, keys. Sign in with
a link made here, or with a key of the role operator or admin.`,
	}, c.consoleLink(), c.consoleSessions(), c.consoleEnd())
}

type linkJSON struct {
	URL     string        `json:"url"`
	Tenant  desk.TenantID `json:"tenant"`
	Role    desk.Role     `json:"role"`
	Expires time.Time     `json:"expires_at"`
}

func (c *cli) consoleLink() *cobra.Command {
	var tenant, role, address string
	cmd := &cobra.Command{
		Use: "link", Short: "Print a link that signs one person in, once", Args: args(cobra.NoArgs),
		Example: "  kefu console link\n  kefu console link --tenant acme --url https://help.example.com",
		RunE: func(cmd *cobra.Command, _ []string) error {
			link := desk.Link{Tenant: desk.TenantID(tenant), Role: desk.Role(role)}
			if role == "" {
				link.Role = desk.RoleOperator
				if link.Tenant == desk.DefaultTenant {
					link.Role = desk.RoleAdmin
				}
			}
			if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
				return usageError{fmt.Errorf("--url %q: want the server's address, such as https://help.example.com", address)}
			}
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				link.Expires = time.Now().Add(b.cfg.Console.Link)
				token, err := b.db.Sessions().MakeLink(ctx, thisPerson(), link)
				if err != nil {
					return err
				}
				open := signInURL(cmp.Or(address, "http://"+reachable(b.cfg.Addr)), token)
				c.say("It signs in one %s of %s, once, until %s:", link.Role, link.Tenant, moment(link.Expires, ""))
				return c.print(linkJSON{open, link.Tenant, link.Role, link.Expires}, func(w io.Writer) { fmt.Fprintln(w, open) })
			})
		},
	}
	tenantFlag(cmd, &tenant, string(desk.DefaultTenant), "whose console it opens")
	cmd.Flags().StringVar(&role, "role", "", "operator or admin (default admin for the default tenant, operator for others)")
	cmd.Flags().StringVar(&address, "url", "", "address of the server as browsers reach it (default that of the configuration)")
	return cmd
}

type sessionJSON struct {
	ID      desk.SessionID `json:"id"`
	Tenant  desk.TenantID  `json:"tenant"`
	Role    desk.Role      `json:"role"`
	Key     desk.KeyID     `json:"key_id"`
	Opened  time.Time      `json:"opened_at"`
	Seen    time.Time      `json:"seen_at"`
	Expires time.Time      `json:"expires_at"`
}

func (c *cli) consoleSessions() *cobra.Command {
	return &cobra.Command{
		Use: "sessions", Short: "List who is signed in", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				list, err := db.Sessions().List(ctx)
				if err != nil {
					return err
				}
				return c.print(each(list, func(s desk.Session) sessionJSON {
					return sessionJSON{s.ID, s.Key.Tenant, s.Key.Role, s.Key.ID, s.Opened, s.Seen, s.Expires}
				}), func(w io.Writer) {
					table(w, "ID\tTENANT\tROLE\tKEY\tOPENED\tLAST USED\tENDS", func(row func(...any)) {
						for _, s := range list {
							row(s.ID, s.Key.Tenant, s.Key.Role, s.Key.ID, moment(s.Opened, "-"), moment(s.Seen, "-"), moment(s.Expires, "-"))
						}
					})
				})
			})
		},
	}
}

func (c *cli) consoleEnd() *cobra.Command {
	return &cobra.Command{
		Use: "end ID…", Short: "Sign somebody out, at once on every server", Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				for _, id := range ids {
					if err := db.Sessions().End(ctx, thisPerson(), desk.SessionID(id)); err != nil {
						return err
					}
				}
				return c.print(map[string]any{"ended": ids}, func(w io.Writer) { fmt.Fprintf(w, "ended %s\n", strings.Join(ids, ", ")) })
			})
		},
	}
}
