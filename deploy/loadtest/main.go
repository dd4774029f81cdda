// Command loadtest measures Kefu beside a bare Gin handler that does the same
// outside calls, in one run on one machine. Figures are ratios of medians over
// interleaved rounds: absolute times on a shared machine mean little.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	bin    string
	rounds int
	each   time.Duration
	only   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o options
	var bare bareFlags
	flag.StringVar(&o.bin, "bin", "bin", "directory of the kefu and llmsim binaries")
	flag.IntVar(&o.rounds, "rounds", 3, "interleaved rounds; the median counts")
	flag.DurationVar(&o.each, "each", 4*time.Second, "length of one measurement")
	flag.StringVar(&o.only, "only", "", "run one part: hit, miss, stream, scale, search, poison or reindex")
	flag.StringVar(&bare.addr, "bare", "", "serve the bare handler on this address instead (used by loadtest itself)")
	flag.StringVar(&bare.redis, "redis", "", "Redis of the bare handler")
	flag.StringVar(&bare.upstream, "upstream", "", "chat endpoint of the bare handler; empty: it only reads Redis")
	flag.Parse()
	if bare.addr != "" {
		return serveBare(ctx, bare)
	}
	parts := []struct {
		name string
		run  func(context.Context, options, *lab) error
	}{{"hit", measureHits}, {"miss", measureMisses}, {"stream", measureStreams}, {"scale", measureScale}, {"search", measureSearch}, {"poison", measurePoison}, {"reindex", measureReindex}}
	for _, p := range parts {
		if o.only != "" && o.only != p.name {
			continue
		}
		if err := inLab(ctx, func(l *lab) error { return p.run(ctx, o, l) }); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// inLab runs f with a directory and processes of its own, which end with it.
func inLab(ctx context.Context, f func(*lab) error) (err error) {
	dir, err := os.MkdirTemp("", "kefu-loadtest-")
	if err != nil {
		return err
	}
	l := &lab{dir: dir}
	defer func() { err = errors.Join(err, l.close()) }()
	return f(l)
}
