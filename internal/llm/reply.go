package llm

import (
	"errors"
	"io"
	"strings"

	"kefu/internal/desk"
)

// ErrCut is the cause of a Failure whose stream ended without a finish reason.
var ErrCut = errors.New("stream ended without a finish reason")

// Delta is a piece of a completion as it streams in.
type Delta struct {
	Text string
	// Calls are complete: adapters put the pieces of a stream together.
	Calls []ToolCall
}

// Stream is what an adapter gives to NewReply: the deltas after the first.
type Stream interface {
	// Next returns io.EOF only after the vendor gave a finish reason. Every other
	// error is a *Failure: of kind Cut, caused by ErrCut, for a stream that merely
	// ends.
	Next() (Delta, error)
	// Usage is complete once Next has returned io.EOF.
	Usage() desk.Usage
	// Close releases the connection. It may be called twice.
	Close() error
}

// Reply is a completion under way. It is not safe for concurrent use.
type Reply struct {
	// Provider and Model name who answers.
	Provider, Model string
	// Degraded marks the reply of the last resort, after every other model failed,
	// and that of a model which cannot use what the call offers, such as tools.
	Degraded bool

	first *Delta
	rest  Stream
}

// NewReply returns the completion that begins with first and goes on with rest.
func NewReply(first Delta, rest Stream) *Reply {
	return &Reply{first: &first, rest: rest}
}

// WholeReply returns a completion that arrived in one piece.
func WholeReply(text string, usage desk.Usage, calls ...ToolCall) *Reply {
	return NewReply(Delta{Text: text, Calls: calls}, ended{usage})
}

// Next returns the next delta, and io.EOF only after a finish reason.
func (r *Reply) Next() (Delta, error) {
	if d := r.first; d != nil {
		r.first = nil
		return *d, nil
	}
	return r.rest.Next()
}

// Usage is what the provider reported; complete once Next returned io.EOF.
func (r *Reply) Usage() desk.Usage { return r.rest.Usage() }

// Close releases the connection; it may be called twice.
func (r *Reply) Close() error { return r.rest.Close() }

// Wrap replaces the rest of the reply by what f makes of it, for decorators that
// watch or bound a stream. The first delta does not pass through f.
func (r *Reply) Wrap(f func(Stream) Stream) { r.rest = f(r.rest) }

// Text reads the text of the reply to its end and closes it.
func (r *Reply) Text() (string, error) {
	whole, err := r.Whole()
	return whole.Text, err
}

// Whole reads the reply to its end, as one delta, and closes it. Beside an error
// it returns what had arrived before.
func (r *Reply) Whole() (Delta, error) {
	defer r.Close()
	var (
		text  strings.Builder
		calls []ToolCall
	)
	for {
		d, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return Delta{Text: text.String(), Calls: calls}, err
		}
		text.WriteString(d.Text)
		calls = append(calls, d.Calls...)
	}
}

type ended struct{ usage desk.Usage }

func (ended) Next() (Delta, error) { return Delta{}, io.EOF }
func (e ended) Usage() desk.Usage  { return e.usage }
func (ended) Close() error         { return nil }
