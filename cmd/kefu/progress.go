package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"kefu/internal/ingest"
)

// progress shows a load: a bar on a terminal, a line now and then elsewhere.
// The returned functions are called for each step and at the end.
func (c *cli) progress(what string) (step func(ingest.Progress), done func()) {
	switch {
	case c.quiet:
		return func(ingest.Progress) {}, func() {}
	case !c.interactive():
		return c.progressLines(what), func() {}
	}
	var bar *progressbar.ProgressBar
	step = func(p ingest.Progress) {
		if bar == nil {
			bar = progressbar.NewOptions(p.Total, progressbar.OptionSetWriter(c.stderr), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("pages"), progressbar.OptionSetPredictTime(true),
				progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(80*time.Millisecond))
		}
		bar.Describe(fmt.Sprintf("%s, %.0f chunks/s", what, p.ChunkRate()))
		_ = bar.Set(p.Done)
	}
	return step, func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}
}

// progressEvery is how often a long load says how far it is.
const progressEvery = 5 * time.Second

func (c *cli) progressLines(what string) func(ingest.Progress) {
	last := time.Now()
	return func(p ingest.Progress) {
		if time.Since(last) < progressEvery {
			return
		}
		last = time.Now()
		c.say("%s: %d of %d, %.0f pages/s, %.0f chunks/s, %s left", what, p.Done, p.Total, p.Rate(), p.ChunkRate(),
			p.Remaining().Round(time.Second))
	}
}

// plural keeps counts readable.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
