package telemetry

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxErrorText bounds the text of an error that is redacted, in bytes.
const maxErrorText = 500

// What an error's text may have been given by a customer or an operator. Our
// errors carry no such text; those of libraries quote their input. Our errors
// are English, so whatever is written in Han characters was not ours.
var private = [...]struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile("\"[^\"]*\"|`[^`]*`|“[^”]*”|「[^」]*」"), "[quoted]"},
	{regexp.MustCompile(`[\pL\pN._%+\-]+@[\pL\pN.\-]+`), "[address]"},
	{regexp.MustCompile(`\?[^\s]+`), "?[query]"},
	{regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+\S+`), "[secret]"},
	{regexp.MustCompile(`\b(?:sk|pk|rk|ghp|gho|xox[a-z]|AKIA|AIza|eyJ)[A-Za-z0-9_\-.]{6,}`), "[secret]"},
	{regexp.MustCompile(`[A-Za-z0-9_\-+/=]{24,}`), "[token]"},
	{regexp.MustCompile(`\+?[0-9][0-9\s().\-]{5,}[0-9]`), "[number]"},
	{regexp.MustCompile(`\p{Han}[^\x00-\x7f]*`), "[text]"},
}

// redact removes from an error's text what may be somebody's.
func redact(s string) string {
	for _, p := range private {
		s = p.pattern.ReplaceAllLiteralString(s, p.with)
	}
	s = strings.ToValidUTF8(s, "�")
	if len(s) > maxErrorText {
		s = s[:maxErrorText]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return s
}
