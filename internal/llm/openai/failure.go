package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// failureOf returns the translator of go-openai's errors for one exchange.
func (c Config) failureOf(ctx context.Context, x *exchange, model string) func(error) error {
	return x.Fault(ctx, c.Name, model, judge)
}

// judge reads go-openai's errors.
func judge(err error) (llm.FailureKind, error) {
	var (
		refused *vendor.APIError     // {"error": {…}} with a status that means failure, or inside a stream
		other   *vendor.RequestError // any other body with such a status
	)
	switch {
	case errors.As(err, &other): // first, since it may wrap half an APIError
		return kindOf(other.HTTPStatusCode, "", string(other.Body)), nil
	case errors.As(err, &refused):
		code := codeOf(refused)
		return kindOf(statusOf(refused), code, refused.Message), reason(code)
	case locallyRefused(err):
		return llm.ModelGone, err // another may do what this one cannot
	default:
		return "", nil
	}
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

// kindOf reads the code first, which is more exact than the status where one
// status means several things. Some vendors give neither code nor type for a
// prompt that is too long, OpenRouter none for one that a filter stopped, and all
// a wrong one, or none, for a model that takes no tools, so that for these kinds
// the message must be read: the whole body where it is not OpenAI's object, as
// those of older vLLMs, of Ollama and of Gemini behind this protocol are not.
func kindOf(status int, code, message string) llm.FailureKind {
	if wire.SaysNoTools(message) {
		return llm.ModelGone // for this call: another may do what this one cannot
	}
	switch code {
	case "insufficient_quota", "billing_hard_limit_reached", "insufficient_balance", "credit_balance_too_low", "arrearage":
		return llm.QuotaExhausted
	case "context_length_exceeded", "string_above_max_length", "request_too_large", "exceed_context_size_error":
		return llm.ContextTooLong
	case "content_filter", "content_policy_violation", "content_policy", "data_inspection_failed":
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
	kind := wire.KindOfStatus(status)
	switch {
	case kind == llm.BadRequest && wire.SaysTooLong(message):
		return llm.ContextTooLong
	case status == http.StatusForbidden && strings.Contains(message, "input was flagged"): // the key is as good as ever
		return llm.Refused
	}
	return kind
}

// statusOf is the status that the error came with or, inside of a stream, has for
// its code.
func statusOf(e *vendor.APIError) int {
	if code, ok := e.Code.(int); ok && e.HTTPStatusCode == 0 {
		return code
	}
	return e.HTTPStatusCode
}

// codeOf is the error's code, or its type where the code says nothing, in
// lower case; "" when neither is an identifier.
func codeOf(e *vendor.APIError) string {
	code, _ := e.Code.(string)
	for _, s := range []string{code, e.Type} {
		if s = strings.ToLower(s); wire.IsIdentifier(s) && s != "invalid_request_error" {
			return s
		}
	}
	return ""
}

func reason(code string) error {
	if code == "" {
		return nil
	}
	return fmt.Errorf("code %s", code)
}
