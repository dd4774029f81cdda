package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/route"
)

const (
	maxLabelled  = 100_000
	labelledPage = 200 // answers read at a time
)

// labelJSON is a line of router.jsonl.
type labelJSON struct {
	Text   string         `json:"text"`
	Label  desk.RouteKind `json:"label"`
	Lang   desk.Lang      `json:"lang"`
	Source string         `json:"source"`
}

func (c *cli) routerLabelsCommand() *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use: "labels", Short: "Print what operations say of how questions were routed", Args: args(cobra.NoArgs),
		Long: `Prints a line of JSON for each question that was answered and tells something of
its route: complex where the simple answer found no support and the complex one
did, or where a customer called it incomplete; simple where a simple answer was
liked. A question with both labels is complex. 'kefu router train' learns from it.

The questions are as they were recorded, with personal data masked. Keep the file:
answers are forgotten after retention.answers.`,
		Example: "  kefu router labels > labels.jsonl\n  kefu router train --labels labels.jsonl --out router.bin\n  KEFU_ROUTER_WEIGHTS=router.bin kefu serve",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if last < 1 || last > maxLabelled {
				return usageError{fmt.Errorf("--last %d: want 1 to %d", last, maxLabelled)}
			}
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				labels, seen, err := b.labels(ctx, desk.TenantID(c.tenant), last)
				if err != nil {
					return err
				}
				out := json.NewEncoder(c.stdout)
				out.SetEscapeHTML(false)
				for _, e := range labels {
					if err := out.Encode(labelJSON{e.Text, e.Kind, lang.Of(e.Text), e.Source}); err != nil {
						return err
					}
				}
				c.say("%s from the latest %s", plural(len(labels), "label"), plural(seen, "answer"))
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&last, "last", 10_000, fmt.Sprintf("how many of the latest answers are looked at, 1 to %d", maxLabelled))
	cmd.Flags().StringVar(&c.tenant, "tenant", string(desk.DefaultTenant), "whose answers")
	return cmd
}

// labels are what the latest answers teach, each question once, and how many
// answers were looked at.
func (b *base) labels(ctx context.Context, tenant desk.TenantID, last int) (labels []route.Example, seen int, err error) {
	places := map[string]int{} // of questions, however they are spelt
	var q desk.AnswerQuery
	for seen < last {
		n := min(labelledPage, last-seen)
		page, err := b.db.Answers().Page(ctx, tenant, q, n)
		if err != nil {
			return nil, 0, err
		}
		for _, r := range page {
			q.Before, q.BeforeID = r.Question.Asked, r.Answer.ID
			said, err := b.db.Answers().Feedback(ctx, tenant, r.Answer.ID)
			if err != nil {
				return nil, 0, err
			}
			e, ok := route.LabelOf(r, said)
			if !ok {
				continue
			}
			at, known := places[lang.Normalise(e.Text)]
			switch {
			case !known:
				places[lang.Normalise(e.Text)] = len(labels)
				labels = append(labels, e)
			case e.Kind == desk.Complex:
				labels[at] = e
			}
		}
		if seen += len(page); len(page) < n {
			break
		}
	}
	return labels, seen, nil
}
