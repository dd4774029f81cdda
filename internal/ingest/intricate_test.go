package ingest

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestHostileMarkupEnds holds files against which the parsers of markup alone
// run for minutes or take gigabytes: were one let through, the run of the tests
// would not end within its limit.
func TestHostileMarkupEnds(t *testing.T) {
	var steps strings.Builder
	for i := range 2000 {
		steps.WriteString(strings.Repeat(" ", 2*i) + "- a\n")
	}
	tests := []struct {
		name, file, content string
		refused             bool
	}{
		{"brackets", "a.md", strings.Repeat("[", 1<<20), true},
		{"links that do not close", "a.md", strings.Repeat("[a](", 1<<18), true},
		{"links in many paragraphs", "a.md", strings.Repeat("[a](b) [c](d)\n\n", 60_000), true},
		{"marks of emphasis in turn", "a.md", strings.Repeat("*a_", 1<<18), true},
		{"quotes in quotes", "a.md", strings.Repeat(">", 1<<18), true},
		{"lists in lists", "a.md", strings.Repeat("- ", 1<<14) + "a", true},
		{"lists ever deeper", "a.md", steps.String(), false},
		{"code marks", "a.md", strings.Repeat("`", 1<<16) + strings.Repeat(" `` `", 1<<14), true},
		{"tags that do not close", "a.md", strings.Repeat("<a ", 1<<18), true},
		{"a table of many columns", "a.md", "|" + strings.Repeat("a|", 5000) + "\n|" + strings.Repeat("-|", 5000) + "\n" + strings.Repeat("|a\n", 5000), true},
		{"references", "a.md", strings.Repeat("[a]: b\n", 1<<14) + "\n" + strings.Repeat("[a]", 1<<14), true},
		{"addresses", "a.md", strings.Repeat("http://a.b/", 1<<14), false},
		{"lines", "a.md", strings.Repeat("a\n", maxLines+1), true},
		{"megabytes", "a.md", strings.Repeat("refund ", 1<<20), true},
		{"tags", "a.html", strings.Repeat("<b>x</b>", 1<<17), true},
		{"formats in formats", "a.html", strings.Repeat("<a><b><i>", 1<<14), false},
		{"cells over many rows and columns", "a.html", "<table>" + strings.Repeat("<tr><td rowspan=99 colspan=99>"+strings.Repeat("x", 1000)+"</tr>", 200) + "</table>", false},
		{"small cells over rows and columns", "a.html", "<table>" + strings.Repeat("<tr><td rowspan=20 colspan=20>x</tr>", 500) + "</table>", true},
		{"tables in tables", "a.html", strings.Repeat("<table><tr><td>", 100) + "x", false},
		{"lists in HTML", "a.html", strings.Repeat("<ul><li>a", 200), false},
		{"headings", "a.md", strings.Repeat("# a\n", 90_000), false},
		{"headings in capitals", "a.txt", strings.Repeat("ABCDE\n\n", 1<<17), false},
		{"aliases in front matter", "a.md", "---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\n---\ntext\n", false},
		{"columns of CSV", "a.csv", strings.Repeat("name,", 2000) + "\n" + strings.Repeat(strings.Repeat("b,", 2000)+"\n", 500), false},
	}
	e := newExtractor(time.Minute, "")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := e.extract(t.Context(), tt.file, []byte(tt.content))
			var known *FileError
			if refused := errors.As(err, &known) && known.Code == CodeIntricate; refused != tt.refused {
				t.Errorf("error = %v, want refused: %t", err, tt.refused)
			}
		})
	}
}
