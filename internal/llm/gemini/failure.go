package gemini

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// statusError is Google's error object. Its message never becomes part of an
// error of ours: Error gives the status alone.
type statusError struct {
	Code    int      `json:"code"`
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Details []detail `json:"details"`
}

// detail holds the fields of the details that matter here.
type detail struct {
	Reason     string `json:"reason"`     // of an ErrorInfo
	RetryDelay string `json:"retryDelay"` // of a RetryInfo
	Violations []struct {
		QuotaID string `json:"quotaId"`
	} `json:"violations"` // of a QuotaFailure
}

func (e *statusError) Error() string { return "status " + strings.ToLower(e.Status) }

// readError reads the body of a reply with a status of failure: the error, or
// a list that holds it.
func readError(body io.Reader) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var one response
	if json.Unmarshal(text, &one) == nil && one.Error != nil {
		return one.Error
	}
	var list []response
	if json.Unmarshal(text, &list) == nil && len(list) > 0 && list[0].Error != nil {
		return list[0].Error
	}
	return wire.ErrNotJSON
}

// judge reads Google's error. How long to wait is in its details, not in a
// header; x learns it.
func judge(x *wire.Exchange) wire.Judge {
	return func(err error) (llm.FailureKind, error) {
		if errors.Is(err, errNotSent) {
			return llm.BadRequest, err
		}
		said, ok := errors.AsType[*statusError](err)
		if !ok {
			return "", nil
		}
		if wait := said.wait(); wait > 0 {
			x.RetryAfter = wait
		}
		kind := said.kind()
		if !wire.IsIdentifier(strings.ToLower(said.Status)) {
			return kind, nil
		}
		return kind, errors.New(said.Error()) // without the message beside it
	}
}

// wait is what a RetryInfo asks for.
func (e *statusError) wait() time.Duration {
	for _, d := range e.Details {
		if wait, err := time.ParseDuration(d.RetryDelay); err == nil {
			return wire.Wait(float64(wait))
		}
	}
	return 0
}

// kind reads the status and, where one status means several things, the
// details. A prompt that is too long, and a model that takes no tools, are told by
// the message alone.
func (e *statusError) kind() llm.FailureKind {
	for _, d := range e.Details {
		if strings.HasPrefix(d.Reason, "API_KEY_") {
			return llm.Unauthorised
		}
		for _, v := range d.Violations {
			if strings.Contains(v.QuotaID, "PerDay") {
				return llm.QuotaExhausted // nothing before tomorrow
			}
		}
	}
	switch e.Status {
	case "UNAUTHENTICATED", "PERMISSION_DENIED", "FAILED_PRECONDITION": // the last: this account may not, here or without billing
		return llm.Unauthorised
	case "NOT_FOUND":
		return llm.ModelGone
	case "RESOURCE_EXHAUSTED":
		return llm.RateLimited
	case "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED":
		return llm.Unavailable
	}
	kind := wire.KindOfStatus(e.Code)
	switch {
	case kind != llm.BadRequest:
	case wire.SaysTooLong(e.Message):
		return llm.ContextTooLong
	case wire.SaysNoTools(e.Message):
		return llm.ModelGone
	}
	return kind
}
