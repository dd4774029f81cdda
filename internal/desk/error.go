package desk

import (
	"cmp"
	"fmt"
	"time"
)

// Kind classifies an error for callers; httpapi alone maps it to a status, the
// command line to an exit code.
type Kind uint8

const (
	Internal     Kind = iota // our fault
	Invalid                  // the caller's input
	NotFound                 // no such thing, or not the caller's
	TooLarge                 // input beyond a limit
	Unsupported              // a method, media type or file format we do not take
	Unauthorised             // no valid key
	Forbidden                // a valid key without the right
	Conflict                 // in flight, or changed meanwhile
	RateLimited              // too many requests
	OverBudget               // a spending cap
	Unavailable              // something we depend on does not answer
	TimedOut                 // the deadline passed
	Cancelled                // the caller left
	Overloaded               // more to do than there are hands
)

// Error speaks to two readers: to callers, and to whoever runs the program.
type Error struct {
	Kind   Kind
	Code   string // stable, snake_case: "question_too_long"
	Field  string // the input's field, where one is at fault
	Public string // for the customer or operator; never derived from Err
	Local  string // in place of Public, where the program runs: names its hosts, files and settings
	Err    error  // for the log; may be nil
	// RetryAfter is when another try may succeed; 0: not known.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Code, e.Err)
	}
	return e.Code
}

func (e *Error) Unwrap() error { return e.Err }

// Locally is what to say where the program runs; empty where there are no words.
func (e *Error) Locally() string { return cmp.Or(e.Local, e.Public) }
