package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func (c *cli) auditCommand() *cobra.Command {
	return group(&cobra.Command{Use: "audit", Short: "See who changed what, when"}, c.auditList())
}

type auditJSON struct {
	ID        string        `json:"id"`
	At        time.Time     `json:"at"`
	Actor     string        `json:"actor"`
	Action    string        `json:"action"`
	Tenant    desk.TenantID `json:"tenant"`
	Target    string        `json:"target"`
	Detail    string        `json:"detail"`
	RequestID string        `json:"request_id"`
}

func newAuditJSON(e desk.AuditEntry) auditJSON {
	return auditJSON{e.ID, e.At, e.Actor.Name, e.Action, e.Tenant, e.Target, e.Detail, e.Actor.Request}
}

func (c *cli) auditList() *cobra.Command {
	var q desk.AuditQuery
	var tenant string
	var since time.Duration
	var asCSV bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the changes, newest first", Args: args(cobra.NoArgs),
		Example: "  kefu audit list --since 24h\n  kefu audit list --csv --limit 0 > audit.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asCSV && c.json {
				return usageError{errors.New("--csv and --json: keep one")}
			}
			q.Tenant = desk.TenantID(tenant)
			if since > 0 {
				q.Since = time.Now().Add(-since)
			}
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				entries, err := db.Audit().List(ctx, q)
				if err != nil {
					return err
				}
				if asCSV {
					return auditCSV(c.stdout, entries)
				}
				return c.print(each(entries, newAuditJSON), func(w io.Writer) {
					table(w, "WHEN\tWHO\tWHAT\tTENANT\tON\tDETAIL", func(row func(...any)) {
						for _, e := range entries {
							row(moment(e.At, "-"), e.Actor.Name, e.Action, e.Tenant, e.Target, e.Detail)
						}
					})
				})
			})
		},
	}
	tenantFlag(cmd, &tenant, "", "only changes of this tenant")
	cmd.Flags().StringVar(&q.Action, "action", "", "only this action, such as key.create")
	cmd.Flags().DurationVar(&since, "since", 0, "only the last while, such as 24h; 0: all")
	cmd.Flags().IntVar(&q.Limit, "limit", 100, "at most as many; 0: all")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV")
	return cmd
}

// auditCSV writes the entries with a header, for spreadsheets. A value that
// one of them would take for a formula begins with an apostrophe.
func auditCSV(w io.Writer, entries []desk.AuditEntry) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"id", "at", "actor", "action", "tenant", "target", "detail", "request_id"}}
	for _, e := range entries {
		rows = append(rows, []string{
			e.ID, e.At.Format(time.RFC3339Nano), plainCell(e.Actor.Name), plainCell(e.Action), string(e.Tenant), plainCell(e.Target),
			plainCell(e.Detail), plainCell(e.Actor.Request),
		})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func plainCell(text string) string {
	if text != "" && (text[0] == '=' || text[0] == '+' || text[0] == '-' || text[0] == '@') {
		return "'" + text
	}
	return text
}
