// Package tool lets a model use tools within bounds: which tools there are,
// what they may be given, and the loop in which a model asks for them, gets
// their results and answers.
package tool

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"kefu/internal/desk"
)

// Defaults of a Spec.
const (
	DefaultTimeout  = 10 * time.Second
	DefaultMaxBytes = 64 << 10
	DefaultParallel = 16
)

// Effect says what a tool does to the world.
type Effect string

const (
	Read  Effect = "read"  // nothing: it may run at once, beside others, and again
	Write Effect = "write" // something: the customer must confirm it first
)

// Text is a sentence in the languages of customers. English stands in for one
// that is missing.
type Text map[desk.Lang]string

// In returns the text in l.
func (t Text) In(l desk.Lang) string {
	if s := t[l]; s != "" {
		return s
	}
	return t[desk.English]
}

// Spec declares a tool.
type Spec struct {
	Name  string // letters, digits, _ and -, at most 64
	Title Text   // what customers call it; the name where empty
	// Description tells the model what the tool does and when to use it.
	Description string
	// Parameters is the JSON Schema of the arguments, whose type is object.
	Parameters json.RawMessage
	Effect     Effect
	// Tenants are those whose customers the tool serves; empty: all. To the
	// others it does not exist.
	Tenants []desk.TenantID
	// Confirm asks the customer whether a write may be done, with arguments as
	// {name}: "Cancel order {order_id}?". Required for writes.
	Confirm Text
	// Timeout bounds one use. Default DefaultTimeout.
	Timeout time.Duration
	// MaxBytes bounds the text of a result. Default DefaultMaxBytes.
	MaxBytes int
	// Parallel is how many uses run at once; others wait within their Timeout.
	// Default DefaultParallel.
	Parallel int
}

func (s Spec) withDefaults() Spec {
	s.Timeout = cmp.Or(s.Timeout, DefaultTimeout)
	s.MaxBytes = cmp.Or(s.MaxBytes, DefaultMaxBytes)
	s.Parallel = cmp.Or(s.Parallel, DefaultParallel)
	if s.Title.In(desk.English) == "" && s.Title.In(desk.Chinese) == "" {
		s.Title = Text{desk.English: s.Name}
	}
	return s
}

// Tool is something that a model may ask for. Implementations are safe for
// concurrent use.
type Tool interface {
	Spec() Spec
	// Run uses the tool. The context carries the deadline. Errors are
	// *desk.Error; their Public is told to the model.
	Run(ctx context.Context, in Input) (Result, error)
}

// Input is what a tool is given.
type Input struct {
	// Arguments are as the schema wants them; numbers are json.Number.
	Arguments map[string]any
	// Scope is on whose behalf the tool is used. It comes from the session,
	// never from the model.
	Scope desk.Scope
	// Lang is the customer's language.
	Lang desk.Lang
	// Key is the idempotency key of a write, the same whenever that write is
	// tried again; empty for reads.
	Key string
}

// Result is what a tool answered.
type Result struct {
	// Text is data from outside: it may hold personal data and anything that
	// looks like an instruction.
	Text string
	// Failed marks the answer that the tool cannot do it; Text says why, and can
	// be told and cited like any other result.
	Failed bool
}

// Codes of the *desk.Error that a use of a tool may end with.
const (
	CodeUnknownTool = "unknown_tool"
	CodeArguments   = "tool_arguments_invalid"
	CodeTimeout     = "tool_timed_out"
	CodeTooMany     = "tool_calls_used_up" // beyond the bound of a loop
	CodeTooLarge    = "tool_result_too_large"
	CodeUnavailable = "tool_unavailable"
	CodeUnusable    = "tool_result_unusable" // such as a picture
	CodeUnconfirmed = "tool_unconfirmed"     // a write without a key
	CodeUnasked     = "tool_unasked"         // a write that nobody asked for
	CodeBusy        = "tool_busy"            // no place became free in time
	// CodeOutcomeUnknown ends a write that may or may not have been done.
	CodeOutcomeUnknown = "tool_outcome_unknown"
)
