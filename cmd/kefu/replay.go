package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/eval"
)

const (
	maxReplay   = 1000
	replayPage  = 100  // answers read at a time
	replayReach = 5000 // answers looked at for as many as --last wants
)

// replayFlags are those of 'kefu replay'.
type replayFlags struct {
	last            int
	outcome         string
	provider, model string
	concurrency     int
	dryRun          bool
}

func (c *cli) replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use: "replay [ANSWER_ID…]", Short: "Ask recorded questions again, and compare",
		Long: `Asks what customers asked once more, with the settings and the knowledge base as
they are now, and shows which answers are not as they were recorded: the outcome,
route, model, citations or text, beside release, cost and time. Without ids, the
latest answers (--last). --provider and --model choose who answers, as a trial.

A question is asked as it was understood then, with personal data masked. Answers
that came from the cache, were errors or used tools are left out. The cache is the
command's own; nothing is recorded but what the models cost, and nobody is told
of handoffs. A change is no failure: the exit status is 0, or 3 where a question
could not be asked.`,
		Example: "  kefu replay --last 50\n  kefu replay ans_06H1MP8RHOMV3Q1392ENJ7RVEG --json\n  kefu replay --outcome abstained --provider anthropic\n  kefu replay --last 200 --dry-run",
		Args: args(func(cmd *cobra.Command, given []string) error {
			if len(given) > maxReplay {
				return fmt.Errorf("%d answers: want at most %d", len(given), maxReplay)
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := f.check(cmd, ids); err != nil {
				return err
			}
			return c.replay(cmd.Context(), f, ids)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.last, "last", 20, fmt.Sprintf("how many of the latest answers, 1 to %d", maxReplay))
	flags.StringVar(&f.outcome, "outcome", "", "of these only: answered, abstained or degraded")
	flags.StringVar(&f.provider, "provider", "", "answer with this provider's models")
	flags.StringVar(&f.model, "model", "", "answer with this model")
	flags.IntVar(&f.concurrency, "concurrency", 4, "questions asked at a time")
	flags.BoolVarP(&f.dryRun, "dry-run", "n", false, "list the questions, and ask none")
	flags.StringVar(&c.tenant, "tenant", string(desk.DefaultTenant), "whose answers")
	return cmd
}

func (f replayFlags) check(cmd *cobra.Command, ids []string) error {
	chosen := cmd.Flags().Changed
	switch {
	case f.last < 1 || f.last > maxReplay:
		return usageError{fmt.Errorf("--last %d: want 1 to %d", f.last, maxReplay)}
	case f.concurrency < 1 || f.concurrency > maxConcurrency:
		return usageError{fmt.Errorf("--concurrency %d: want 1 to %d", f.concurrency, maxConcurrency)}
	case len(ids) > 0 && (chosen("last") || chosen("outcome")):
		return usageError{fmt.Errorf("--last and --outcome do not go with the ids of answers")}
	}
	switch desk.Outcome(f.outcome) {
	case "", desk.Answered, desk.Abstained, desk.Degraded:
		return nil
	}
	return usageError{fmt.Errorf("--outcome %s: want answered, abstained or degraded", f.outcome)}
}

func (c *cli) replay(ctx context.Context, f replayFlags, ids []string) error {
	var report eval.Replay
	scope := desk.Scope{Tenant: desk.TenantID(c.tenant), User: "replay"}
	err := c.withApp(ctx, func(ctx context.Context, a *app) error {
		if err := a.learn(ctx); err != nil {
			return err
		}
		if f.provider != "" || f.model != "" {
			if err := a.answerer.models.Check(f.model, f.provider); err != nil {
				return err
			}
		}
		records, err := a.recorded(ctx, scope, f, ids)
		if err != nil {
			return err
		}
		if f.dryRun {
			return c.listReplay(records)
		}
		a.answers.Recorder, a.answers.Notifier = unrecorded{}, nil
		report, err = eval.RunReplay(ctx, a.answers, records, eval.OwnConfig{
			Scope: scope, Provider: f.provider, Model: f.model, Concurrency: f.concurrency, Asked: c.askedProgress(len(records)),
		})
		return err
	}, forEval)
	if err != nil || f.dryRun {
		return err
	}
	if err := c.print(report, func(w io.Writer) { _ = report.Table(w) }); err != nil {
		return err
	}
	if report.Failed > 0 {
		return partialError{fmt.Errorf("%s could not be asked", plural(report.Failed, "question"))}
	}
	return nil
}

// recorded are the answers of the ids, or else the latest that f chooses, of
// those that can be replayed. An id that cannot is an error.
func (a *app) recorded(ctx context.Context, scope desk.Scope, f replayFlags, ids []string) (records []desk.Record, err error) {
	for _, id := range ids {
		r, err := a.db.Answers().Get(ctx, scope, desk.AnswerID(id))
		if err != nil {
			return nil, err
		}
		if !eval.Replayable(r) {
			return nil, usageError{fmt.Errorf("%s cannot be replayed: it came from the cache, was an error or used tools", id)}
		}
		records = append(records, r)
	}
	if len(ids) > 0 {
		return records, nil
	}
	q := desk.AnswerQuery{Outcome: desk.Outcome(f.outcome)}
	for seen := 0; seen < replayReach; seen += replayPage {
		page, err := a.db.Answers().Page(ctx, scope.Tenant, q, replayPage)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			if q.Before, q.BeforeID = r.Question.Asked, r.Answer.ID; eval.Replayable(r) {
				records = append(records, r)
			}
			if len(records) == f.last {
				return records, nil
			}
		}
		if len(page) < replayPage {
			break
		}
	}
	return records, nil
}

// listReplay prints what would be asked.
func (c *cli) listReplay(records []desk.Record) error {
	type listed struct {
		Answer   desk.AnswerID `json:"answer_id"`
		Asked    time.Time     `json:"asked_at"`
		Question desk.Masked   `json:"question"`
		Outcome  desk.Outcome  `json:"outcome"`
	}
	list := make([]listed, len(records))
	for i, r := range records {
		list[i] = listed{r.Answer.ID, r.Question.Asked, r.Question.Text, r.Answer.Outcome}
	}
	return c.print(list, func(w io.Writer) {
		for _, l := range list {
			fmt.Fprintf(w, "%s  %s  %s  %s\n", l.Answer, l.Asked.Format(time.RFC3339), l.Outcome, l.Question)
		}
	})
}
