package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kefu/internal/e2e"
)

func TestLoadNamesEveryFileThatItCannotTakeAndLoadsTheRest(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Write("docs/junk.md", "\x00\x01\x02\xff\xfe binary \x00 junk")
	site.Write("docs/report.xlsx", "not supported")
	site.Write("docs/empty.md", "")
	site.Write("docs/blank.txt", " \n\t\n")
	site.Write("docs/latin1.txt", "Gr\xfc\xdfe aus M\xfcnchen, wir liefern nach \xd6sterreich")
	site.Write("docs/broken.jsonl", `{"question":"What is","answer"`+"\n")
	site.Write("docs/faq.csv", "question,answer\nDo you ship abroad?,We ship to 31 countries.\n")
	if err := syscall.Mkfifo(filepath.Join(site.Dir, "docs", "pipe.md"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"outside.md": "/etc/hostname", "nowhere.md": "gone.md"} {
		if err := os.Symlink(target, filepath.Join(site.Dir, "docs", name)); err != nil {
			t.Fatal(err)
		}
	}
	bad := []string{"junk.md", "report.xlsx", "empty.md", "blank.txt", "latin1.txt", "broken.jsonl:1", "pipe.md", "outside.md", "nowhere.md"}
	paths := []string{"docs", "missing.md"}
	if unreadable(t, site, "docs/locked.md") {
		bad = append(bad, "locked.md")
	}

	r := site.Run(append([]string{"kb", "load"}, paths...)...)
	if r.Code != 3 {
		t.Errorf("exit status %d, want 3", r.Code)
	}
	holds(t, "stdout", r.Stdout, "4 added, 0 updated, 0 unchanged")
	for _, name := range bad {
		if n := strings.Count(r.Stderr, "kefu: docs/"+name+":"); n != 1 {
			t.Errorf("docs/%s is named %d times, want once", name, n)
		}
	}
	holds(t, "stderr", r.Stderr, "kefu: missing.md: ", "could not be loaded")
	if n := strings.Count(r.Stderr, "\n"); n != len(bad)+2 {
		t.Errorf("stderr has %d lines, want one for each file and one at the end:\n%s", n, r.Stderr)
	}
	holds(t, "the answer", site.Must("ask", "Do you ship abroad?"), "31 countries")
}

func TestWhatANameHoldsBreaksNoTable(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Write("docs/two\nlines\tand \x1b[31mred\u202e.md", "# Parcels\n\nWe ship to 31 countries.\n")
	site.Write("docs/no\nway.xlsx", "not supported")
	const shown = `docs/two\nlines\tand \x1b[31mred\u202e.md`
	if r := site.Run("kb", "load", "docs"); r.Code != 3 || strings.Count(r.Stderr, "\n") != 2 || !strings.Contains(r.Stderr, `docs/no\nway.xlsx: `) {
		t.Errorf("%d %q, want a line for the file that cannot be loaded, and one at the end", r.Code, r.Stderr)
	}
	list := site.Must("kb", "list")
	holds(t, "the list", list, shown, `failed: docs/no\nway.xlsx: `)
	if lines := strings.Count(list, "\n"); lines != strings.Count(site.Must("kb", "list", "--json"), `"id":`)+2 || strings.ContainsAny(list, "\x1b\t\u202e") {
		t.Errorf("%d lines, want one for the header, for each document and for what failed:\n%q", lines, list)
	}
}

// unreadable makes a file that this user may not read; root may read all.
func unreadable(t *testing.T, site *e2e.Site, name string) bool {
	t.Helper()
	site.Write(name, "secret")
	if err := os.Chmod(filepath.Join(site.Dir, name), 0); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(site.Dir, name))
	if err == nil {
		f.Close()
		if err := os.Remove(f.Name()); err != nil {
			t.Fatal(err)
		}
	}
	return err != nil
}

func TestLoadOfNothingThatExistsIsNoSuccess(t *testing.T) {
	t.Parallel()
	r := newShop(t).Run("kb", "load", "nowhere")
	if r.Code != 3 {
		t.Errorf("exit status %d, want 3", r.Code)
	}
	holds(t, "stderr", r.Stderr, "nowhere: ")
}

func TestLoadingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	holds(t, "the dry run", site.Must("kb", "load", "--dry-run", "docs"), "would be 3 added",
		"docs/returns.md: added, en, page, 2 chunks\n", " tokens  Returns › Return shipping: Return shipping for a standard parcel costs 4.95")
	var previewed struct {
		Documents []struct {
			URL, Outcome string
			Text         []struct{ Heading, Text string }
		}
	}
	if err := json.Unmarshal([]byte(site.Must("kb", "load", "--dry-run", "--json", "docs/zh")), &previewed); err != nil {
		t.Fatal(err)
	}
	if d := previewed.Documents; len(d) != 1 || d[0].Outcome != "added" || d[0].URL != "https://help.example.com/zh/returns" ||
		len(d[0].Text) != 2 || d[0].Text[1].Heading != "退货 › 退货运费" || !strings.HasSuffix(d[0].Text[1].Text, "9.95欧元。") {
		t.Errorf("preview = %+v, want the page with its two chunks, whole", d)
	}
	if n := len(list(t, site)); n != 0 {
		t.Errorf("%d documents after a dry run, want none", n)
	}
	holds(t, "the first load", site.Must("kb", "load", "docs"), "3 added, 0 updated, 0 unchanged, 0 failed")
	before := status(t, site)
	holds(t, "the second load", site.Must("kb", "load", "docs", "docs/zh"), "0 added, 0 updated, 3 unchanged, 0 failed")
	if after := status(t, site); after.Revision != before.Revision || after.Documents != 3 || after.Chunks != before.Chunks {
		t.Errorf("status after the second load = %+v, want %+v", after, before)
	}

	site.Write("docs/warranty.md", strings.ReplaceAll(shop["docs/warranty.md"], "24 months", "36 months"))
	holds(t, "the dry run of a change", site.Must("kb", "load", "-n", "docs"), "would be 0 added, 1 updated, 2 unchanged")
	if after := status(t, site); after.Revision != before.Revision {
		t.Error("a dry run published something")
	}
	holds(t, "the load of a change", site.Must("kb", "load", "docs"), "0 added, 1 updated, 2 unchanged")
}

// document is a row of kb list --json.
type document struct {
	ID, Path, Title, URL, Lang, Kind, Hash string
	Chunks                                 int
}

func list(t *testing.T, site *e2e.Site) []document {
	t.Helper()
	var docs []document
	if err := json.Unmarshal([]byte(site.Must("kb", "list", "--json")), &docs); err != nil {
		t.Fatal(err)
	}
	return docs
}

// kbStatus is kb status --json.
type kbStatus struct {
	Revision, Documents, Chunks int
	Langs, Embedded             map[string]int
	Embedder                    string
}

func status(t *testing.T, site *e2e.Site) kbStatus {
	t.Helper()
	var s kbStatus
	if err := json.Unmarshal([]byte(site.Must("kb", "status", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheKnowledgeBaseIsListedShownSearchedAndReduced(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	holds(t, "an empty list as JSON", site.Must("kb", "list", "--json"), "[]")
	holds(t, "an empty search as JSON", site.Must("kb", "search", "--json", "warranty"), "[]")
	site.Must("kb", "load", "docs")

	docs := list(t, site)
	if len(docs) != 3 {
		t.Fatalf("%d documents, want 3", len(docs))
	}
	var warranty document
	text := site.Must("kb", "list")
	for _, d := range docs {
		holds(t, "kb list", text, d.ID, d.Title, "files: "+d.Path)
		if d.Title == "Warranty" {
			warranty = d
		}
	}
	if warranty.Path != "docs/warranty.md" || warranty.URL != "https://help.example.com/warranty" || warranty.Lang != "en" || warranty.Kind != "page" {
		t.Errorf("document = %+v", warranty)
	}

	holds(t, "kb show", site.Must("kb", "show", warranty.ID), "Warranty", "Aurora lamp", "tokens")
	var shown struct {
		document
		Text []struct{ ID, Text string }
	}
	if err := json.Unmarshal([]byte(site.Must("kb", "show", "--json", warranty.ID)), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.ID != warranty.ID || len(shown.Text) != warranty.Chunks {
		t.Errorf("kb show = %+v, want %+v with its chunks", shown, warranty)
	}

	for question, want := range map[string]string{"How long is the warranty of the lamp?": "Aurora lamp", "退货运费多少？": "标准包裹"} {
		holds(t, "kb search", site.Must("kb", "search", question), "1. ", want)
		var found []struct {
			Document string `json:"document_id"`
			Text     string
			Score    float64
		}
		if err := json.Unmarshal([]byte(site.Must("kb", "search", "--json", "--top", "2", question)), &found); err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 || len(found) > 2 || !strings.Contains(found[0].Text, want) || found[0].Score <= 0 {
			t.Errorf("kb search --json %s = %+v, want %q first", question, found, want)
		}
	}

	s := status(t, site)
	if s.Documents != 3 || s.Langs["en"] != 2 || s.Langs["zh"] != 1 || s.Embedded[s.Embedder] != s.Chunks {
		t.Errorf("status = %+v", s)
	}
	holds(t, "kb status", site.Must("kb", "status"), "documents   3 (2 en, 1 zh)", "offline-hash-512-v3")

	holds(t, "a dry removal", site.Must("kb", "rm", "--dry-run", warranty.ID), "would be removed")
	if n := len(list(t, site)); n != 3 {
		t.Errorf("%d documents after a dry removal, want 3", n)
	}
	r := site.Run("kb", "rm", warranty.ID, "doc_unknown")
	if r.Code != 3 {
		t.Errorf("removal of a known and an unknown document: exit status %d, want 3", r.Code)
	}
	holds(t, "stdout", r.Stdout, "1 document removed")
	holds(t, "stderr", r.Stderr, "doc_unknown")
	if n := len(list(t, site)); n != 2 {
		t.Errorf("%d documents after the removal, want 2", n)
	}
	holds(t, "the answer after the removal", site.Must("ask", "What is the warranty of the Aurora lamp?"), "help@example.com")
}

func TestJSONReportsOfLoadAndRemoval(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Write("docs/empty.md", "")
	r := site.Run("kb", "load", "--json", "docs")
	if r.Code != 3 {
		t.Errorf("exit status %d, want 3", r.Code)
	}
	var report struct {
		Added    int
		Revision int
		Failed   []struct{ Path, Code, Reason string }
	}
	if err := json.Unmarshal([]byte(r.Stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Added != 3 || report.Revision == 0 || len(report.Failed) != 1 || report.Failed[0].Path != "docs/empty.md" || report.Failed[0].Code != "file_empty" {
		t.Errorf("report = %+v", report)
	}
	holds(t, "kb rm --json", site.Must("kb", "rm", "--json", list(t, site)[0].ID), `"removed"`, `"dry_run": false`)
}
