package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kefu/internal/config"
	"kefu/internal/telemetry"
)

// cli is what every command shares: streams and the flags before the command.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	configPath     string
	json           bool
	quiet          bool
	tenant         string // of the kb commands; empty: of no particular one
}

const rootHelp = `Kefu answers customers' questions from a company's own knowledge base, with
citations that were checked.

  kefu serve                      start the server on http://127.0.0.1:8000
  kefu ask "How do I return it?"  ask once, without a server
  kefu kb load docs/              load documents; a running server serves them at once

Data goes to stdout, progress and errors to stderr. Settings come from
kefu.yaml and the environment; 'kefu config' lists them all.

Exit status: 0 ok, 1 failure, 2 usage or configuration, 3 partly done, 4 a
dependency does not answer, 5 refused, 130 interrupted.`

func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	c := &cli{stdin: stdin, stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use: "kefu", Short: "Customer service that answers from your own knowledge base", Long: rootHelp,
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	misused := func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see '%s --help'", err, cmd.CommandPath())}
	}
	root.SetFlagErrorFunc(misused)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := cmd.ValidateRequiredFlags(); err != nil {
			return misused(cmd, err)
		}
		return nil
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.configPath, "config", "", "configuration file (default kefu.yaml, where there is one)")
	flags.BoolVar(&c.json, "json", false, "print JSON")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "print no progress")
	group(
		root, c.serveCommand(), c.askCommand(), c.kbCommand(), c.evalCommand(), c.replayCommand(), c.routerCommand(), c.retrievalCommand(), c.abstainCommand(), c.guardCommand(), c.pricesCommand(),
		c.tenantsCommand(), c.keysCommand(), c.budgetsCommand(), c.auditCommand(), c.consoleCommand(),
		c.configCommand(), c.doctorCommand(), c.migrateCommand(), c.healthCommand(), c.versionCommand(), c.readerCommand(),
	)
	return root
}

// group adds commands to parent, which alone shows its help. Cobra would take
// an unknown command below any but the root for a request for help.
func group(parent *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	parent.AddCommand(commands...)
	parent.SuggestionsMinimumDistance = 2 // edits
	parent.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	parent.Args = func(cmd *cobra.Command, given []string) error {
		if len(given) == 0 {
			return nil
		}
		help := fmt.Sprintf("see '%s --help'", cmd.CommandPath())
		if near := cmd.SuggestionsFor(given[0]); len(near) > 0 {
			help = fmt.Sprintf("did you mean %q?", near[0])
		}
		return usageError{fmt.Errorf("unknown command %q; %s", given[0], help)}
	}
	return parent
}

// args makes a wrong number of arguments a usage error that shows the right one.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return usageError{fmt.Errorf("%w; usage: %s", err, cmd.UseLine())}
		}
		return nil
	}
}

func (c *cli) config() (config.Config, error) {
	return config.Load(c.configPath, os.Environ())
}

// logger writes what a command has to say to stderr: nothing below least.
func (c *cli) logger(cfg config.Config, least slog.Level) *slog.Logger {
	return c.loggerTo(c.stderr, cfg, least)
}

// loggerTo writes to w, in lines made for people where stderr is a terminal.
func (c *cli) loggerTo(w io.Writer, cfg config.Config, least slog.Level) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo // Validate has checked the name
	}
	format := cfg.Log.Format
	if c.interactive() {
		format = "text"
	}
	return telemetry.NewLogger(w, max(level, least), format)
}

// interactive reports whether progress may be drawn.
func (c *cli) interactive() bool {
	f, ok := c.stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (c *cli) say(format string, values ...any) {
	if !c.quiet {
		fmt.Fprintf(c.stderr, format+"\n", values...)
	}
}

// print writes data: v as JSON, or what text writes for people.
func (c *cli) print(v any, text func(io.Writer)) error {
	if !c.json {
		text(c.stdout)
		return nil
	}
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
