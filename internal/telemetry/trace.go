package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/getsentry/sentry-go"
	"github.com/gin-gonic/gin"
)

type traceKey struct{}

// TraceID is the id of the trace that ctx belongs to, 32 hexadecimal digits;
// empty outside a request.
func TraceID(ctx context.Context) string {
	if span := sentry.SpanFromContext(ctx); span != nil {
		return span.TraceID.String()
	}
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

// traced gives a request the trace id of its traceparent or a new one.
func traced(c *gin.Context) {
	id, _, ok := parseTraceparent(c.GetHeader(sentry.TraceparentHeader))
	if !ok {
		var b [16]byte
		rand.Read(b[:]) // never fails
		id = hex.EncodeToString(b[:])
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), traceKey{}, id))
}

// parentOf is the caller's span in the form of sentry-trace, from a
// traceparent or a sentry-trace header, without the caller's wish to be
// sampled: what is traced is decided here.
func parentOf(h http.Header) string {
	if trace, span, ok := parseTraceparent(h.Get(sentry.TraceparentHeader)); ok {
		return trace + "-" + span
	}
	trace, span, ok := strings.Cut(h.Get(sentry.SentryTraceHeader), "-")
	span, _, _ = strings.Cut(span, "-")
	if ok && isID(trace, 32) && isID(span, 16) {
		return trace + "-" + span
	}
	return ""
}

// parseTraceparent reads a W3C Trace Context header,
// version-traceid-parentid-flags, of version 00 or a later one, which may have
// more fields.
func parseTraceparent(s string) (trace, span string, ok bool) {
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return "", "", false
	}
	version, flags := s[:2], s[53:55]
	trace, span = s[3:35], s[36:52]
	switch {
	case !isHex(version) || version == "ff" || !isHex(flags):
		return "", "", false
	case len(s) > 55 && (version == "00" || s[55] != '-'):
		return "", "", false
	case !isID(trace, 32) || !isID(span, 16):
		return "", "", false
	}
	return trace, span, true
}

// isID reports whether s has n lower-case hexadecimal digits, not all zero.
func isID(s string, n int) bool {
	return len(s) == n && isHex(s) && strings.Trim(s, "0") != ""
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }
