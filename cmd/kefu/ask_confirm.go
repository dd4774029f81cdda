package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"
)

// confirmation is an action that waits for the customer's word.
type confirmation struct {
	Question string    `json:"question"`
	Token    string    `json:"token"`
	Expires  time.Time `json:"expires"`
}

// confirm asks about the actions that an answer proposes, and has those done
// that are agreed to. Where nobody sits at a terminal it says how to agree.
func (c *cli) confirm(ctx context.Context, a asker, q question, actions []confirmation) error {
	for _, action := range actions {
		if !c.conversing() {
			c.say("%s\nTo agree until %s, repeat the command with --confirm %s", action.Question, action.Expires.Local().Format("15:04"), action.Token)
			continue
		}
		fmt.Fprintf(c.stderr, "%s [y/N] ", action.Question)
		yes, err := agreed(c.stdin)
		if err != nil {
			return err
		}
		if !yes {
			c.say("Nothing was done.")
			continue
		}
		q.Confirmation = action.Token
		if err := c.ask(ctx, a, q); err != nil {
			return err
		}
	}
	return nil
}

// conversing reports whether somebody can read a question and answer it.
func (c *cli) conversing() bool {
	f, ok := c.stdin.(*os.File)
	return ok && c.interactive() && term.IsTerminal(int(f.Fd()))
}

// agreed reads one line; whatever is no clear yes is a no, and so is the end of
// the input.
func agreed(r io.Reader) (bool, error) {
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	return slices.Contains([]string{"y", "yes", "是", "好", "确认"}, strings.ToLower(strings.TrimSpace(line))), nil
}
