package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"kefu/internal/llm"
)

// Judge reads a vendor's own error out of err. It returns an empty kind when
// there is none; the cause must hold no prompt, key or part of the reply.
type Judge func(err error) (kind llm.FailureKind, cause error)

// Fault returns the translator of the errors of this exchange into Failures.
// What it returns holds no prompt, no key and nothing of the vendor's reply
// but its status and what judge says.
func (x *Exchange) Fault(ctx context.Context, provider, model string, judge Judge) func(error) error {
	return func(err error) error {
		f := &llm.Failure{Provider: provider, Model: model}
		f.Kind, f.Err = x.classify(ctx, judge, err)
		f.RetryAfter = x.RetryAfter // after judge, which may have read it in the body
		if x.Status != http.StatusOK {
			f.Status = x.Status
		}
		return f
	}
}

func (x *Exchange) classify(ctx context.Context, judge Judge, err error) (llm.FailureKind, error) {
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	if kind, cause := judge(err); kind != "" {
		return kind, cause
	}
	switch {
	case x.Status >= 400: // its body could not be read
		return KindOfStatus(x.Status), nil
	case errors.Is(err, ErrFiltered), errors.Is(err, ErrDeclined):
		return llm.Refused, err
	case errors.Is(err, ErrInvalid):
		return llm.InvalidReply, err
	case errors.Is(err, llm.ErrCut):
		return llm.Cut, err
	case x.Status == 0:
		return x.transport(err)
	case errors.Is(err, io.ErrUnexpectedEOF), isNetwork(err):
		return llm.Cut, llm.ErrCut // the connection was lost within the body
	default:
		return llm.InvalidReply, ErrNotJSON // instead of a decoder's error, which quotes the body
	}
}

// stopped translates the end of the context: the caller left, or a limit of
// ours passed.
func stopped(ctx context.Context) (llm.FailureKind, error) {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) {
		return llm.Cancelled, cause
	}
	return llm.TimedOut, cause
}

// KindOfStatus is what an HTTP status alone says.
func KindOfStatus(status int) llm.FailureKind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return llm.Unauthorised
	case status == http.StatusPaymentRequired:
		return llm.QuotaExhausted
	case status == http.StatusNotFound, status == http.StatusGone:
		return llm.ModelGone
	case status == http.StatusRequestEntityTooLarge:
		return llm.ContextTooLong
	case status == http.StatusTooManyRequests:
		return llm.RateLimited
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly, status >= 500:
		return llm.Unavailable
	case status >= 400:
		return llm.BadRequest
	default: // an error inside a 200
		return llm.InvalidReply
	}
}

// SaysTooLong reports a message about a prompt beyond the model's window, for
// which some vendors give neither code nor type.
func SaysTooLong(message string) bool {
	return says(
		message, "context length", "context limit", "context window", "maximum context", "prompt is too long", "too many tokens", "input token count",
		"maximum model length", "range of input length",
	)
}

// SaysNoTools reports a message that the model, or the server that runs it, takes
// no tools, for which no vendor has a code. Ollama calls it a fault of its own.
func SaysNoTools(message string) bool {
	return says(
		message, "not support tool", "not support function call", "tools is not supported", "tool call is not supported", "tool calling is not supported",
		"functions are not supported", "function calling is not enabled", "tool choice requires",
	)
}

// says tells whether the message holds one of the words, in any case of letters.
func says(message string, words ...string) bool {
	message = strings.ToLower(message)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(message, w) })
}

// IsIdentifier admits, in lower case, only what cannot hold a key or a
// sentence, so that it may stand in an error.
func IsIdentifier(s string) bool {
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

// transport translates an error that came before any header. Unreachable means
// that the request was certainly not read: nothing is owed for it. There was no
// connection, or the other side's TLS refused it. A connection that broke later
// may have cost a completion.
func (x *Exchange) transport(err error) (llm.FailureKind, error) {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address, which may hold a secret
	}
	var op *net.OpError
	broken := errors.As(err, &op)
	switch {
	case !x.connected, broken && op.Op == tlsAlert:
		return llm.Unreachable, err
	case os.IsTimeout(err):
		return llm.TimedOut, err
	case broken:
		return llm.Cut, err
	default: // not err: of a malformed reply it quotes the bytes
		return llm.Cut, errLost
	}
}

// tlsAlert is the operation in which crypto/tls reports that the other side
// refused the connection; the alert's own type is not exported.
const tlsAlert = "remote error"

var errLost = errors.New("connection lost before the reply")

// isNetwork reports errors of the connection rather than of its content.
func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, net.ErrClosed)
}
