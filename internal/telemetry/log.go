package telemetry

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"
)

// NewLogger writes to w, which may be a Buffer, in the given format: "json",
// "text", or "" for text on a terminal and JSON elsewhere. Control characters
// and those that reverse the direction of writing are escaped, so that a value
// cannot forge a line.
func NewLogger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	if b, ok := w.(*Buffer); ok {
		return slog.New(gathering{newHandler(&b.lines, level, format), b})
	}
	if format == "" && isTerminal(w) {
		format = "text"
	}
	return slog.New(newHandler(w, level, format))
}

func newHandler(w io.Writer, level slog.Leveler, format string) slog.Handler {
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: attr}
	if format == "text" {
		return slog.NewTextHandler(w, opts)
	}
	return slog.NewJSONHandler(w, opts)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// attr names the time as the tutorial's log does, and escapes what the JSON
// handler leaves as it is.
func attr(groups []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindTime:
		if a.Key == slog.TimeKey && len(groups) == 0 {
			a.Key = "timestamp"
		}
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	case slog.KindString:
		if s := a.Value.String(); strings.ContainsFunc(s, directional) {
			a.Value = slog.StringValue(escapeDirection(s))
		}
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(escapeDirection(err.Error()))
		}
	}
	return a
}

// directional reports the characters that change the direction of writing.
func directional(r rune) bool {
	switch {
	case r < 0x061c:
		return false
	case r == 0x061c, r == 0x200e, r == 0x200f:
		return true
	}
	return 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

func escapeDirection(s string) string {
	var b strings.Builder
	for _, r := range s {
		if directional(r) {
			const hex = "0123456789abcdef"
			b.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				b.WriteByte(hex[r>>shift&0xf])
			}
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
