package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"kefu/internal/config"
	"kefu/internal/ingest"
)

// reading is what decides how documents are read. It goes to the process that
// reads them on its command line, so that both read alike even when a setting
// is edited meanwhile.
type reading struct {
	cacheDir, guard, topics string
	localOnly               []string
}

func readingOf(cfg config.Config) reading {
	return reading{cfg.DataDir, cfg.Guard.Mode, cfg.Knowledge.LocalOnlyTopics, cfg.Knowledge.LocalOnly}
}

func (r reading) config() (ingest.Config, error) {
	topics, err := newTopics(r.topics)
	return ingest.Config{CacheDir: r.cacheDir, Guard: questionGuard(r.guard), LocalOnly: r.localOnly, Topics: topics}, err
}

const readerName = "read-documents"

// readerMark stands in the environment of a process that reads documents. It
// starts no other, whatever program it turns out to be.
const readerMark = "KEFU_READS_DOCUMENTS"

// command is the command line of a process that reads documents. It has one
// processor, no more memory than it needs, and no secret of the environment.
func (r reading) command() (*exec.Cmd, error) {
	if os.Getenv(readerMark) != "" {
		return nil, errors.New("a process that reads documents starts no other")
	}
	program, err := thisProgram()
	if err != nil {
		return nil, err
	}
	args := []string{readerName, "--cache-dir=" + r.cacheDir, "--guard=" + r.guard, "--topics=" + r.topics}
	for _, glob := range r.localOnly {
		args = append(args, "--local-only="+glob)
	}
	cmd := exec.Command(program, args...)
	cmd.Args[0] = "kefu"
	cmd.Env = []string{"GOMAXPROCS=1", "GOMEMLIMIT=256MiB", readerMark + "=1"}
	return cmd, nil
}

// thisProgram is the program that runs, on Linux also after another has been
// installed in its place.
func thisProgram() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// readerCommand is for reading.command alone.
func (c *cli) readerCommand() *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use: readerName, Short: "Read documents for another kefu", Hidden: true, Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := r.config()
			if err != nil {
				return err
			}
			return ingest.New(nil, nil, nil, cfg).Serve(cmd.Context(), c.stdin, c.stdout)
		},
	}
	cmd.Flags().StringVar(&r.cacheDir, "cache-dir", "", "where the compiled PDF engine is kept")
	cmd.Flags().StringVar(&r.guard, "guard", "", "mode of the guard")
	cmd.Flags().StringVar(&r.topics, "topics", "", "topics that are local-only")
	cmd.Flags().StringArrayVar(&r.localOnly, "local-only", nil, "globs of what is local-only")
	return cmd
}
