package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/llm"
)

// failureOf returns the translator of go-openai's errors for one exchange.
// What it returns holds no prompt, no key and nothing of the vendor's reply
// but its status and error code.
func (c Config) failureOf(ctx context.Context, x *exchange, model string) func(error) error {
	return func(err error) error {
		f := &llm.Failure{Provider: c.Name, Model: model, RetryAfter: x.retryAfter}
		f.Kind, f.Err = classify(ctx, x, err)
		if x.status != http.StatusOK {
			f.Status = x.status
		}
		return f
	}
}

func classify(ctx context.Context, x *exchange, err error) (llm.FailureKind, error) {
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	var (
		refused *vendor.APIError     // {"error": {…}} with a status that means failure, or inside a stream
		other   *vendor.RequestError // any other body with such a status
	)
	switch {
	case errors.As(err, &other): // first, since it may wrap half an APIError
		return kindOf(other.HTTPStatusCode, "", ""), nil
	case errors.As(err, &refused):
		code := codeOf(refused)
		return kindOf(refused.HTTPStatusCode, code, refused.Message), reason(code)
	case x.status >= 400: // its body could not be read
		return kindOf(x.status, "", ""), nil
	case errors.Is(err, errFiltered), errors.Is(err, errDeclined):
		return llm.Refused, err
	case errors.Is(err, errInvalid):
		return llm.InvalidReply, err
	case errors.Is(err, llm.ErrCut):
		return llm.Cut, err
	case locallyRefused(err):
		return llm.BadRequest, err
	case x.status == 0:
		return transport(err)
	case errors.Is(err, io.ErrUnexpectedEOF), isNetwork(err):
		return llm.Cut, llm.ErrCut // the connection was lost within the body
	default:
		return llm.InvalidReply, errNotJSON // instead of a decoder's error, which quotes the body
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

// locallyRefused reports the checks that go-openai makes before it sends.
func locallyRefused(err error) bool {
	for _, e := range []error{
		vendor.ErrChatCompletionInvalidModel,
		vendor.ErrReasoningModelMaxTokensDeprecated, vendor.ErrReasoningModelLimitationsLogprobs,
		vendor.ErrReasoningModelLimitationsOther, vendor.ErrReasoningEffortUnsupported,
		vendor.ErrReasoningToolsRequireResponses, vendor.ErrReasoningSamplingUnsupported,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// kindOf reads the status first, then the code where one status means several
// things. Some vendors give neither code nor type for a prompt that is too
// long, so that for this one kind the message must be read.
func kindOf(status int, code, message string) llm.FailureKind {
	switch code {
	case "insufficient_quota", "billing_hard_limit_reached", "insufficient_balance", "credit_balance_too_low":
		return llm.QuotaExhausted
	case "context_length_exceeded", "string_above_max_length", "request_too_large":
		return llm.ContextTooLong
	case "content_filter", "content_policy_violation", "content_policy":
		return llm.Refused
	case "model_not_found", "model_not_available", "deployment_not_found", "deploymentnotfound":
		return llm.ModelGone
	case "invalid_api_key", "authentication_error", "permission_error", "api_key_invalid":
		return llm.Unauthorised
	case "rate_limit_exceeded", "rate_limit_error":
		return llm.RateLimited
	case "server_error", "internal_error", "overloaded_error", "api_error", "engine_overloaded", "service_unavailable":
		return llm.Unavailable
	}
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
	case status >= 400 && saysTooLong(message):
		return llm.ContextTooLong
	case status >= 400:
		return llm.BadRequest
	default: // an error inside a stream, or below 200
		return llm.InvalidReply
	}
}

func saysTooLong(message string) bool {
	message = strings.ToLower(message)
	for _, s := range []string{"context length", "context window", "maximum context", "prompt is too long", "too many tokens"} {
		if strings.Contains(message, s) {
			return true
		}
	}
	return false
}

// codeOf is the error's code, or its type where the code says nothing, in
// lower case; "" when neither is an identifier.
func codeOf(e *vendor.APIError) string {
	code, _ := e.Code.(string)
	for _, s := range []string{code, e.Type} {
		if s = strings.ToLower(s); isIdentifier(s) && s != "invalid_request_error" {
			return s
		}
	}
	return ""
}

// isIdentifier admits only what cannot hold a key or a sentence.
func isIdentifier(s string) bool {
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

func reason(code string) error {
	if code == "" {
		return nil
	}
	return fmt.Errorf("code %s", code)
}
