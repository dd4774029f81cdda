package telemetry

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
	"unicode/utf8"

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
	w = escaping{w}
	if format == "text" {
		return slog.NewTextHandler(w, opts)
	}
	return slog.NewJSONHandler(w, opts)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// attr names the time as the tutorial's log does, and writes durations as
// people read them, where JSON has nanoseconds.
func attr(groups []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindTime:
		if a.Key == slog.TimeKey && len(groups) == 0 {
			a.Key = "timestamp"
		}
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().Round(time.Millisecond).String())
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok { // JSON shows the fields of some
			a.Value = slog.StringValue(err.Error())
		}
	}
	return a
}

// escaping escapes in finished lines what their handlers leave as it is,
// whatever it was a part of: a value, the name of one, or an element of a list.
type escaping struct{ w io.Writer }

func (e escaping) Write(line []byte) (int, error) {
	if !forged(line) {
		return e.w.Write(line)
	}
	if _, err := e.w.Write(escape(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// forged looks for the first bytes of such characters first, which few lines
// have.
func forged(line []byte) bool {
	for _, lead := range [...]byte{0xC2, 0xD8, 0xE2} {
		if bytes.IndexByte(line, lead) >= 0 {
			return bytes.ContainsFunc(line, Unprintable)
		}
	}
	return bytes.IndexByte(line, 0x7f) >= 0
}

// Unprintable reports the characters that change the direction of writing, end a
// line (U+2028, U+2029), or control a terminal in one byte. Those below U+007F,
// which every format of logs escapes itself, are not among them.
func Unprintable(r rune) bool {
	switch {
	case r < 0x7f:
		return false
	case r <= 0x9f:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f:
		return true
	}
	return 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

func escape(line []byte) []byte {
	out := make([]byte, 0, len(line)+16)
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		if Unprintable(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, line[:n]...)
		}
		line = line[n:]
	}
	return out
}
