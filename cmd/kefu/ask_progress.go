package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// batchProgress counts what became of the questions of a batch and shows it: a
// bar on a terminal, a line now and then elsewhere.
type batchProgress struct {
	cli   *cli
	total int
	bar   *progressbar.ProgressBar // nil: lines

	mu                   sync.Mutex
	began, said          time.Time
	done, failed, cached int
	cost                 float64 // USD
}

func (c *cli) batchProgress(total int) *batchProgress { return &batchProgress{cli: c, total: total} }

// start begins the measurement of time.
func (p *batchProgress) start() {
	p.began = time.Now()
	p.said = p.began
	if p.cli.interactive() && !p.cli.quiet {
		p.bar = progressbar.NewOptions(p.total, progressbar.OptionSetWriter(p.cli.stderr), progressbar.OptionSetDescription("asking"),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(80*time.Millisecond))
	}
}

func (p *batchProgress) stop() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// step counts one question that was answered, or failed.
func (p *batchProgress) step(got reply, failure error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.cost += got.Usage.CostUSD
	switch {
	case failure != nil:
		p.failed++
	case got.CacheTier != nil:
		p.cached++
	}
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("asking · $%.6f", p.cost))
		_ = p.bar.Add(1)
		return
	}
	if time.Since(p.said) < progressEvery && p.done < p.total {
		return
	}
	p.said = time.Now()
	took := time.Since(p.began)
	left := took / time.Duration(p.done) * time.Duration(p.total-p.done)
	p.cli.say("asked %d of %d, %.1f a second, $%.6f, %s left", p.done, p.total, float64(p.done)/took.Seconds(), p.cost, left.Round(time.Second))
}
