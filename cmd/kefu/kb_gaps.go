package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/gaps"
	"kefu/internal/httpapi"
	"kefu/internal/store"
)

// complaints are what the gaps of the knowledge base are found from.
type complaints struct{ answers *store.Answers }

func (c complaints) Gaps(ctx context.Context, tenant desk.TenantID, since time.Time) ([]desk.Gap, error) {
	all, err := c.answers.Complaints(ctx, tenant, since)
	return gaps.Group(all), err
}

// openGaps also know which of them somebody has filled by now.
type openGaps struct {
	complaints
	curated func(desk.TenantID, desk.Masked) bool
}

func (g openGaps) Gaps(ctx context.Context, tenant desk.TenantID, since time.Time) ([]desk.Gap, error) {
	found, err := g.complaints.Gaps(ctx, tenant, since)
	for i := range found[:min(len(found), httpapi.ListedGaps)] {
		found[i].Curated = g.curated(tenant, found[i].Question)
	}
	return found, err
}

type gapJSON struct {
	Question  desk.Masked   `json:"question"`
	Lang      desk.Lang     `json:"lang"`
	Count     int           `json:"count"`
	Disliked  int           `json:"disliked"`
	LastAsked time.Time     `json:"last_asked"`
	AnswerID  desk.AnswerID `json:"answer_id"`
}

func (c *cli) kbGaps() *cobra.Command {
	var days, top int
	cmd := &cobra.Command{
		Use: "gaps", Short: "List the questions that were not answered well, most asked first", Args: args(cobra.NoArgs),
		Long: `Lists what customers asked in the last days and got no supported answer to, or one
that they rated down. Questions that ask the same are one line; what the cache
gave again counts within a minute.`,
		Example: "  kefu kb gaps\n  kefu kb gaps --days 7 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 || top < 1 {
				return usageError{fmt.Errorf("--days %d, --top %d: want at least 1", days, top)}
			}
			return c.withDB(cmd.Context(), func(ctx context.Context, db *store.DB) error {
				found, err := complaints{db.Answers()}.Gaps(ctx, desk.TenantID(c.tenant), time.Now().AddDate(0, 0, -days))
				if err != nil {
					return err
				}
				found = found[:min(len(found), top)]
				return c.print(each(found, func(g desk.Gap) gapJSON {
					return gapJSON{g.Question, g.Lang, g.Count, g.Disliked, g.LastAsked, g.LastAnswer}
				}), func(w io.Writer) {
					table(w, "ASKED\tDISLIKED\tLAST\tLANG\tANSWER\tQUESTION", func(row func(...any)) {
						for _, g := range found {
							row(g.Count, g.Disliked, moment(g.LastAsked, "-"), g.Lang, g.LastAnswer, shorten(strings.Join(strings.Fields(string(g.Question)), " "), 80))
						}
					})
				})
			})
		},
	}
	cmd.Flags().IntVar(&days, "days", 30, "of the last days")
	cmd.Flags().IntVarP(&top, "top", "k", 50, "at most as many")
	return cmd
}
