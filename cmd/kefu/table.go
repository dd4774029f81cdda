package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"kefu/internal/telemetry"
)

// table writes rows under a header to w, whatever their cells hold.
func table(w io.Writer, header string, rows func(row func(cells ...any))) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, header)
	rows(func(cells ...any) {
		fmt.Fprintln(t, strings.Join(each(cells, func(cell any) string { return oneLine(fmt.Sprint(cell)) }), "\t"))
	})
	t.Flush()
}

// oneLine escapes what would end the line of a value, or command the terminal
// that it is shown on.
func oneLine(value string) string {
	var b strings.Builder
	for _, r := range value {
		if unicode.IsControl(r) || telemetry.Unprintable(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// moment writes a time for people; the zero time is what never says.
func moment(t time.Time, never string) string {
	if t.IsZero() {
		return never
	}
	return t.Local().Format(time.DateTime)
}
