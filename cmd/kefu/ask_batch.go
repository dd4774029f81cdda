package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"kefu/internal/config"
	"kefu/internal/desk"
)

const (
	defaultConcurrency = 8
	maxConcurrency     = 256

	// limitedFor is how long one question waits for a rate limit before it is
	// given up.
	limitedFor = 15 * time.Minute
)

// batchFlags are the flags of 'kefu ask' for a file of questions.
type batchFlags struct {
	in, out     string
	concurrency int
}

func (f *batchFlags) declare(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.in, "file", "", "ask the questions of this file, one a line; '-' reads standard input")
	cmd.Flags().StringVar(&f.out, "out", "", "write the answers to this file, one JSON line each")
	cmd.Flags().IntVar(&f.concurrency, "concurrency", defaultConcurrency, "questions of the file asked at a time")
}

func (f *batchFlags) check(cmd *cobra.Command) error {
	switch {
	case f.in == "" && (f.out != "" || cmd.Flags().Changed("concurrency")):
		return usageError{errors.New("--out and --concurrency go with --file")}
	case f.in != "" && f.out == "":
		return usageError{errors.New("--file needs --out, the file for the answers")}
	case f.concurrency < 1 || f.concurrency > maxConcurrency:
		return usageError{fmt.Errorf("--concurrency %d: want 1 to %d", f.concurrency, maxConcurrency)}
	}
	return nil
}

// batchSummary is how a batch ended.
type batchSummary struct {
	Questions int     `json:"questions"`
	Answered  int     `json:"answered"` // those of earlier runs included
	Failed    int     `json:"failed"`
	Before    int     `json:"answered_before"`
	Cached    int     `json:"from_cache"`
	CostUSD   float64 `json:"cost_usd"` // of this run
	Seconds   float64 `json:"seconds"`
	Out       string  `json:"out"`
}

// forBatch has calls wait for their limits as long as the answers' deadline
// allows, since nobody waits for a single answer, and not pay twice for one
// prompt within an hour. How many go at a time is the batch's to say.
func forBatch(cfg *config.Config) {
	cfg.Admission.Concurrency = 0
	cfg.Models.LimitWait = max(cfg.Models.LimitWait, cfg.Answer.Deadline)
	cfg.Models.CompletionTTL = cmp.Or(cfg.Models.CompletionTTL, time.Hour)
}

// askAll asks every question of a file that its answers do not hold yet.
func (c *cli) askAll(ctx context.Context, server string, files batchFlags, base question) error {
	tasks, err := readTasks(files.in, c.stdin, base)
	if err != nil {
		return err
	}
	answers, err := openAnswers(files.out, files.in, tasks)
	if err != nil {
		return err
	}
	left := answers.unanswered()
	b := &batch{tasks: tasks, answers: answers, progress: c.batchProgress(len(left))}
	if len(left) > 0 {
		err = c.withAsker(ctx, server, files.concurrency, func(ctx context.Context, a asker) error {
			b.asker = a
			b.asker.batch = true
			b.progress.start()
			defer b.progress.stop()
			return b.run(ctx, left, files.concurrency)
		}, forBatch)
	}
	if closeErr := answers.Close(); err == nil { // also where it was interrupted: what is there stays, in order
		err = closeErr
	}
	s := b.summary(files.out, len(left))
	if printErr := c.print(s, func(io.Writer) {}); err == nil {
		err = printErr
	}
	c.say("%d of %s answered (%d before, %d from the cache), %d failed · $%.6f · %.1f s · %s",
		s.Answered, plural(s.Questions, "question"), s.Before, s.Cached, s.Failed, s.CostUSD, s.Seconds, s.Out)
	switch {
	case err != nil:
		return err
	case s.Failed > 0:
		return partialError{fmt.Errorf("%s failed; the same command again asks once more", plural(s.Failed, "question"))}
	}
	return nil
}

// batch asks questions side by side and keeps each answer at once.
type batch struct {
	asker    asker
	tasks    []task
	answers  *answersFile
	progress *batchProgress
	pause    pause
}

func (b *batch) run(ctx context.Context, left []int, concurrency int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for _, i := range left {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return b.answer(ctx, i) })
	}
	return g.Wait()
}

// answer asks one question and keeps its answer, or why there is none. The
// error is one that every other question would meet too.
func (b *batch) answer(ctx context.Context, i int) error {
	raw, got, err := b.ask(ctx, b.tasks[i].question)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case hopeless(err):
		return err
	}
	if err := b.answers.add(i, raw, err); err != nil {
		return err
	}
	b.progress.step(got, err)
	return nil
}

// ask waits as long as the Kefu asks for when there are too many questions.
func (b *batch) ask(ctx context.Context, q question) (json.RawMessage, reply, error) {
	began := time.Now()
	for {
		if err := b.pause.wait(ctx); err != nil {
			return nil, reply{}, err
		}
		raw, got, err := b.asker.query(ctx, q)
		var said *desk.Error
		if !errors.As(err, &said) || said.Kind != desk.RateLimited && said.Kind != desk.Overloaded || time.Since(began) > limitedFor {
			return raw, got, err
		}
		b.pause.extend(max(said.RetryAfter, time.Second))
	}
}

// hopeless errors are not about one question: there is no server, no right or
// no money.
func hopeless(err error) bool {
	var usage usageError
	var said *desk.Error
	switch {
	case errors.As(err, &usage):
		return true
	case !errors.As(err, &said) || errors.Is(err, context.DeadlineExceeded):
		return false
	}
	return said.Code == codeNoServer || said.Kind == desk.Unauthorised || said.Kind == desk.OverBudget
}

// pause holds all questions back while the Kefu has too many.
type pause struct {
	mu    sync.Mutex
	until time.Time
}

func (p *pause) extend(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(by); until.After(p.until) {
		p.until = until
	}
}

func (p *pause) wait(ctx context.Context) error {
	p.mu.Lock()
	left := time.Until(p.until)
	p.mu.Unlock()
	if left <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(left):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *batch) summary(out string, left int) batchSummary {
	p := b.progress
	s := batchSummary{
		Questions: len(b.tasks), Before: len(b.tasks) - left, Failed: p.failed, Cached: p.cached, CostUSD: p.cost, Out: out,
	}
	s.Answered = s.Before + p.done - p.failed
	if !p.began.IsZero() {
		s.Seconds = time.Since(p.began).Seconds()
	}
	return s
}
