package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	vendor "github.com/anthropics/anthropic-sdk-go"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// judge reads the SDK's error, which holds the request with its key and the
// reply: nothing of it is kept but the type.
func judge(err error) (llm.FailureKind, error) {
	var said *vendor.Error
	if !errors.As(err, &said) {
		return "", nil
	}
	var body struct {
		Error struct{ Type, Message string }
	}
	_ = json.Unmarshal([]byte(said.RawJSON()), &body) // HTML from a proxy has neither
	kind := kindOf(said.StatusCode, body.Error.Type, body.Error.Message)
	if !wire.IsIdentifier(body.Error.Type) {
		return kind, nil
	}
	return kind, fmt.Errorf("type %s", body.Error.Type)
}

// kindOf reads the type first: within a stream the status is 200. A prompt
// that is too long, an empty account and a model without tools share one type
// with every malformed call, so that for these the message must be read.
func kindOf(status int, errorType, message string) llm.FailureKind {
	switch errorType {
	case "authentication_error", "permission_error":
		return llm.Unauthorised
	case "billing_error":
		return llm.QuotaExhausted
	case "not_found_error":
		return llm.ModelGone
	case "request_too_large":
		return llm.ContextTooLong
	case "rate_limit_error":
		return llm.RateLimited
	case "overloaded_error", "api_error", "timeout_error":
		return llm.Unavailable
	}
	if status < http.StatusBadRequest && errorType == "invalid_request_error" {
		status = http.StatusBadRequest
	}
	kind := wire.KindOfStatus(status)
	switch {
	case kind != llm.BadRequest:
		return kind
	case strings.Contains(strings.ToLower(message), "credit balance"):
		return llm.QuotaExhausted
	case wire.SaysTooLong(message):
		return llm.ContextTooLong
	case wire.SaysNoTools(message): // of a server that speaks Anthropic's protocol
		return llm.ModelGone
	default:
		return llm.BadRequest
	}
}
