// Command kefu is the customer-service server and the tool of its operators.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"kefu/internal/desk"
)

// Exit codes, as documented in the help text.
const (
	exitOK         = 0
	exitFailure    = 1
	exitUsage      = 2
	exitPartial    = 3
	exitDependency = 4
	exitRefused    = 5
	exitInterrupt  = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	// Who reads no further, as head does, must not end the process before it has
	// given back what it holds: a lease that publishers would wait for.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line: data goes to stdout, everything else to
// stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(stdin, stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil || errors.Is(err, syscall.EPIPE) { // nobody reads any more
		return exitOK
	}
	var cut cutError
	if ctx.Err() != nil && !errors.As(err, &cut) {
		fmt.Fprintln(stderr, "kefu: interrupted")
		return exitInterrupt
	}
	fmt.Fprintln(stderr, "kefu: "+explain(err))
	return exitCode(err)
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// partialError is work of which a part succeeded.
type partialError struct{ error }

func (e partialError) Unwrap() error { return e.error }

// cutError is a shutdown that did not let everything end.
type cutError struct{ error }

func (e cutError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var usage usageError
	var partial partialError
	var said *desk.Error
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &partial):
		return exitPartial
	case !errors.As(err, &said):
		return exitFailure
	}
	switch said.Kind {
	case desk.Invalid, desk.TooLarge, desk.Unsupported:
		return exitUsage
	case desk.Unavailable, desk.TimedOut, desk.Overloaded:
		return exitDependency
	case desk.OverBudget, desk.RateLimited, desk.Forbidden, desk.Unauthorised:
		return exitRefused
	}
	return exitFailure
}

// explain says to an operator what happened and, in their own console, why.
func explain(err error) string {
	var said *desk.Error
	if !errors.As(err, &said) || said.Locally() == "" {
		return err.Error()
	}
	text := said.Locally()
	if !strings.Contains(text, said.Field) {
		text = said.Field + ": " + text
	}
	if said.Err != nil { // on one line: some libraries use several
		text += " (" + strings.Join(strings.Fields(said.Err.Error()), " ") + ")"
	}
	return text
}
