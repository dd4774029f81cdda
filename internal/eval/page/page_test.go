package page_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"kefu/internal/eval/page"
)

func report() page.Page {
	return page.Page{
		Title: "Kefu on your own questions", About: "<script>alert(1)</script>",
		Figures: []page.Figure{{Name: "right", Value: "57.1 %"}},
		Sections: []page.Section{{
			Name:  "retrieval",
			Bars:  []page.Bars{{Name: "nDCG@10", Series: []string{"plain", "hybrid"}, Max: 1, Rows: []page.Row{{Label: "a & b", Values: []float64{0.5, 2}}}}},
			Lines: []page.Lines{{Name: "hit@k", X: []string{"1", "2"}, Unit: " ms", Series: []page.Line{{Name: "a", Values: []float64{0, 20}}}}},
			Tables: []page.Table{
				page.Read("set\tscore\tp50 ms\t\nshop\t0.873\t0.45\t\nfaq\t1.000\t\t\n"),
				{Header: []string{"question"}, Rows: [][]page.Cell{{{Text: `"><img src=x onerror=alert(1)>退货`, Mark: "bad"}}}, Long: true},
			},
		}},
	}
}

func render(t *testing.T, p page.Page) string {
	t.Helper()
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAPageNeedsNothingBesideItself(t *testing.T) {
	html := render(t, report())
	if found := regexp.MustCompile(`(?i)<script|<link|<img|@import|url\(|src=["']?http|href=`).FindString(html); found != "" {
		t.Errorf("the page holds %q", found)
	}
	for _, want := range []string{"检索", "nDCG@10", "prefers-color-scheme: dark", `charset="utf-8"`, "a &amp; b", "退货", "<details>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestEveryTagOfAPageIsClosed(t *testing.T) {
	html := render(t, report())
	body := html[strings.Index(html, "<body>"):strings.Index(html, "</html>")]
	dec := xml.NewDecoder(strings.NewReader(body))
	for {
		_, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnlySharesAreDrawnAsSuch(t *testing.T) {
	table := page.Read("set\tscore\tp50 ms\tcases\t\nshop\t0.873\t0.45\t12\t\nfaq\t1.000\t\t0\t\n")
	if got := []float64{table.Rows[0][1].Share, table.Rows[0][2].Share, table.Rows[0][3].Share, table.Rows[1][1].Share}; got[0] != 0.873 || got[1] != 0 || got[2] != 0 || got[3] != 1 {
		t.Errorf("shares = %v, want the two scores alone", got)
	}
}

func TestBarsEndWithinTheChart(t *testing.T) {
	b := page.Bars{Series: []string{"a"}, Rows: []page.Row{{Label: "x", Values: []float64{3}}, {Label: "y", Values: []float64{-1}}}}
	groups := b.Groups()
	if w := groups[0].Bars[0]; w.Right() > 720 || w.Width <= 0 {
		t.Errorf("the largest bar ends at %v of 720", w.Right())
	}
	if w := groups[1].Bars[0].Width; w != 0 {
		t.Errorf("a value below zero has a bar of %v", w)
	}
	if last := groups[1].Bars[0]; last.Y > b.Height() {
		t.Errorf("a bar begins at %v of %v", last.Y, b.Height())
	}
}
