package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
)

func (c *cli) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database up to date and exit", Args: args(cobra.NoArgs),
		Long: `Every command does this by itself; run it alone where one job migrates before
many servers start. It also encrypts with the first of database.encryption_keys
what customers said before there was one, or what another key encrypts.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.config()
			if err != nil {
				return err
			}
			db, _, err := openStore(cmd.Context(), cfg, nil)
			if err != nil {
				return err
			}
			defer db.Close()
			encrypted, err := db.Reseal(cmd.Context())
			if err != nil {
				return err
			}
			return c.print(map[string]any{"database": db.Name(), "encrypted": encrypted}, func(w io.Writer) {
				fmt.Fprintf(w, "%s is up to date\n", db.Name())
				if encrypted > 0 {
					fmt.Fprintf(w, "%s encrypted\n", plural(encrypted, "row"))
				}
			})
		},
	}
}

func (c *cli) healthCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use: "health", Short: "Ask the running server whether it is alive", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url == "" {
				cfg, err := c.config()
				if err != nil {
					return err
				}
				url = "http://" + reachable(cfg.Addr) + "/health"
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 3*time.Second)
			defer cancel()
			if err := alive(ctx, url); err != nil {
				return err
			}
			return c.print(map[string]string{"status": "healthy"}, func(w io.Writer) { fmt.Fprintln(w, "healthy") })
		},
	}
	cmd.Flags().StringVar(&url, "url", "", "address to ask (default /health of the configured address)")
	return cmd
}

// alive asks a server at its health address.
func alive(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return usageError{err}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return noServer(url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &desk.Error{Kind: desk.Unavailable, Code: "server_unhealthy", Public: url + " answers " + resp.Status}
	}
	return nil
}
