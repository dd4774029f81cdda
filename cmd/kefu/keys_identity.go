package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/access"
	"kefu/internal/desk"
)

func (c *cli) keysSecret() *cobra.Command {
	return &cobra.Command{
		Use: "secret ID", Short: "Print what a website's server signs its users with", Args: args(cobra.ExactArgs(1)),
		Long: `With this secret the server of a website says which of its customers asks in
the chat: user_hash is the HMAC-SHA256 of "EXPIRES.USER" in hexadecimal, where
EXPIRES is a time in seconds since 1970. Each key with the role widget has its
own, made from widget.identity_secret; keep it on the server.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withSigner(cmd.Context(), ids[0], func(secret string) error {
				return c.print(map[string]string{"id": ids[0], "signing_secret": secret}, func(w io.Writer) { fmt.Fprintln(w, secret) })
			})
		},
	}
}

// signedUser is what a page gives to Kefu.identify.
type signedUser struct {
	User    string `json:"user_id"`
	Expires int64  `json:"expires"`
	Hash    string `json:"user_hash"`
}

func (c *cli) keysSignUser() *cobra.Command {
	var life time.Duration
	cmd := &cobra.Command{
		Use: "sign-user ID USER", Short: "Print what a page says of a user who is signed in, to try it out", Args: args(cobra.ExactArgs(2)),
		Example: "  kefu keys sign-user key_… 42 --json",
		RunE: func(cmd *cobra.Command, named []string) error {
			if life < time.Second {
				return usageError{fmt.Errorf("--expires: want a second or more from now, such as 1h")}
			}
			return c.withSigner(cmd.Context(), named[0], func(secret string) error {
				expires := time.Now().Add(life)
				u := signedUser{named[1], expires.Unix(), access.SignUser(secret, desk.UserID(named[1]), expires)}
				return c.print(u, func(w io.Writer) {
					fmt.Fprintf(w, "data-user-id=\"%s\" data-expires=\"%d\" data-user-hash=\"%s\"\n", html.EscapeString(u.User), u.Expires, u.Hash)
				})
			})
		},
	}
	cmd.Flags().DurationVar(&life, "expires", time.Hour, "how long it may be used")
	return cmd
}

// withSigner runs f with what the server of the website signs with whose key
// has the id.
func (c *cli) withSigner(ctx context.Context, id string, f func(secret string) error) error {
	return c.withBase(ctx, func(ctx context.Context, b *base) error {
		installation := b.cfg.Widget.IdentitySecret.Value()
		if installation == "" {
			return usageError{errors.New("widget.identity_secret is not set: give KEFU_WIDGET_IDENTITY_SECRET to this command and to the servers, such as 'openssl rand -hex 32' prints")}
		}
		key, err := b.db.Keys().Get(ctx, desk.KeyID(id))
		if err != nil {
			return err
		}
		if key.Role != desk.RoleWidget {
			return usageError{fmt.Errorf("the key %s has the role %s, whose holder is taken at their word; only keys with the role widget have a signing secret", id, key.Role)}
		}
		return f(access.NewIdentities(installation).Secret(key))
	})
}
