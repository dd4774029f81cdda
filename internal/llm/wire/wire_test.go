package wire

import (
	"net/http"
	"testing"
	"time"

	"kefu/internal/llm"
)

func TestHowLongAVendorAsksToWait(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name, header, value string
		want                time.Duration
	}{
		{"seconds", "Retry-After", "7", 7 * time.Second},
		{"parts of a second", "Retry-After", "0.5", 500 * time.Millisecond},
		{"milliseconds", "Retry-After-Ms", "250", 250 * time.Millisecond},
		{"a date", "Retry-After", now.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		{"a date that is over", "Retry-After", now.Add(-time.Minute).Format(http.TimeFormat), 0},
		{"a date in a year", "Retry-After", now.AddDate(1, 0, 0).Format(http.TimeFormat), 24 * time.Hour},
		{"longer than a day", "Retry-After", "1e300", 24 * time.Hour},
		{"negative", "Retry-After", "-3", 0},
		{"no number", "Retry-After", "NaN", 0},
		{"a word", "Retry-After", "soon", 0},
		{"nothing", "Retry-After", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			h.Set(tt.header, tt.value)
			if got := retryAfter(h, now); got != tt.want {
				t.Errorf("retryAfter(%q) = %s, want %s", tt.value, got, tt.want)
			}
		})
	}
}

func TestWhatAStatusAloneSays(t *testing.T) {
	for status, want := range map[int]llm.FailureKind{
		400: llm.BadRequest, 401: llm.Unauthorised, 402: llm.QuotaExhausted, 403: llm.Unauthorised,
		404: llm.ModelGone, 408: llm.Unavailable, 410: llm.ModelGone, 413: llm.ContextTooLong, 422: llm.BadRequest,
		429: llm.RateLimited, 499: llm.BadRequest, 500: llm.Unavailable, 503: llm.Unavailable, 529: llm.Unavailable,
		200: llm.InvalidReply, 302: llm.InvalidReply,
	} {
		if got := KindOfStatus(status); got != want {
			t.Errorf("KindOfStatus(%d) = %s, want %s", status, got, want)
		}
	}
}

func TestAnIdentifierCannotHoldASecret(t *testing.T) {
	for s, want := range map[string]bool{
		"rate_limit_error": true, "": false, "sk-123": false, "two words": false, "Upper": false,
		"a_word_of_more_than_forty_letters_is_none": false,
	} {
		if IsIdentifier(s) != want {
			t.Errorf("IsIdentifier(%q) = %t, want %t", s, !want, want)
		}
	}
}
