package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/ingest"
	"kefu/internal/llm/offline"
	"kefu/internal/store"
)

// stock is the knowledge base of a real database, without servers to wait for.
type stock struct {
	*store.Documents
	loader *ingest.Loader
	queued *[]desk.Upload
}

func newStock(db *store.DB) stock {
	return stock{db.Documents(), ingest.New(db.Documents(), offline.NewEmbedder(), noLedger{}, ingest.Config{}), &[]desk.Upload{}}
}

type noLedger struct{}

func (noLedger) Begin(context.Context, desk.Attempt) error { return nil }
func (noLedger) Note(desk.Attempt)                         {}
func (noLedger) End(desk.Attempt)                          {}

func (s stock) Put(ctx context.Context, tenant desk.TenantID, by string, uploads []desk.Upload, later bool) ([]desk.Intake, error) {
	files := make([]desk.Intake, len(uploads))
	for i, u := range uploads {
		if u.ID == "" {
			if err := ingest.CheckName(u.Path); err != nil {
				return nil, err
			}
		}
		u = ingest.Named(tenant, u)
		uploads[i] = u
		files[i] = desk.Intake{Source: u.Source, Path: u.Path, Document: u.ID, State: desk.Ready}
		if later {
			files[i].State = desk.Queued
		}
	}
	if later {
		*s.queued = append(*s.queued, uploads...)
		return files, s.Note(ctx, tenant, files)
	}
	report, err := s.loader.Put(ctx, tenant, by, uploads)
	for i := range files {
		for _, f := range report.Failed {
			if f.Path == files[i].Path {
				files[i].State, files[i].Code, files[i].Reason = desk.Failed, string(f.Code), f.Reason
			}
		}
	}
	return files, err
}

func (s stock) Remove(ctx context.Context, tenant desk.TenantID, by string, id desk.DocumentID) (desk.Release, error) {
	if _, _, err := s.Get(ctx, tenant, id); err != nil {
		return desk.Release{}, err
	}
	return s.loader.Remove(ctx, tenant, by, []desk.DocumentID{id})
}

func (s stock) Inspect(_ context.Context, _ desk.Scope, question string, k int) (desk.Inspection, error) {
	hit := desk.Hit{Passage: desk.Passage{Chunk: desk.Chunk{ID: "c", Text: "text"}, Score: 0.5}, Terms: []string{"return"}}
	cut := hit
	cut.Cut = desk.CutIrrelevant
	return desk.Inspection{Question: desk.Masked(question), Lang: desk.English, Hits: []desk.Hit{hit, cut}[:min(k, 2)]}, nil
}

type shownDocument struct {
	ID, Source, Path, Title, Status, Code string
	Revision, Chunks                      int
	Text                                  []struct{ Text string }
}

type documentPage struct {
	Data       []shownDocument
	NextCursor string `json:"next_cursor"`
	HasMore    bool   `json:"has_more"`
}

func into[T any](t testing.TB, r reply, status int) (v T) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("%s %s = %d, want %d: %s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestADocumentIsHandedInReadReplacedAndRemoved(t *testing.T) {
	o := newOffice(t, says(answer()))
	r := o.as(t, "operator", "POST", "/v1/documents", `{"name":"faq/returns.md","text":"# Returns\n\nYou have 30 days.\n"}`)
	made := into[documentPage](t, r, 201).Data[0]
	if made.Source != "api" || made.Path != "faq/returns.md" || made.Status != "ready" || r.Header.Get("Location") != "/v1/documents/"+made.ID {
		t.Errorf("made %+v at %q", made, r.Header.Get("Location"))
	}
	for query, want := range map[string]int{"": 0, "?text=false": 0, "?text=true": 1} { // whoever only polls is not sent the text
		if got := into[shownDocument](t, o.as(t, "operator", "GET", "/v1/documents/"+made.ID+query, ""), 200); got.Status != "ready" || len(got.Text) != want {
			t.Errorf("with %q: %+v, want %d passages", query, got, want)
		}
	}
	if p := o.as(t, "operator", "GET", "/v1/documents/"+made.ID+"?text=1", "").problem(t); p.Status != 400 || p.Code != "value_invalid" {
		t.Errorf("text=1 = %+v", p)
	}
	got := into[shownDocument](t, o.as(t, "operator", "GET", "/v1/documents/"+made.ID+"?text=true", ""), 200)
	if got.Title != "Returns" || got.Revision != 1 || len(got.Text) != 1 || got.Text[0].Text != "You have 30 days." {
		t.Errorf("document = %+v", got)
	}
	into[documentPage](t, o.as(t, "operator", "PUT", "/v1/documents/"+made.ID, `{"text":"# Returns\n\nYou have 45 days.\n"}`), 200)
	if got := into[shownDocument](t, o.as(t, "operator", "GET", "/v1/documents/"+made.ID+"?text=true", ""), 200); got.Revision != 2 || got.Text[0].Text != "You have 45 days." {
		t.Errorf("replaced = %+v", got)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} { // another tenant's is like a missing one
		body := ""
		if method == "PUT" {
			body = `{"text":"x"}`
		}
		theirs := o.as(t, "operator acme", method, "/v1/documents/"+made.ID, body)
		if p := theirs.problem(t); p.Status != 404 || p.Code != "document_not_found" {
			t.Errorf("%s by another tenant = %+v, want document_not_found", method, p)
		}
	}
	releases := into[struct {
		Data []struct{ Revision, Added, Updated int }
	}](t, o.as(t, "operator", "GET", "/v1/releases", ""), 200).Data
	if len(releases) != 2 || releases[0].Updated != 1 || releases[1].Added != 1 {
		t.Errorf("releases = %+v", releases)
	}
	into[any](t, o.as(t, "operator", "POST", "/v1/releases/1/rollback", ""), 200)
	if got := into[shownDocument](t, o.as(t, "operator", "GET", "/v1/documents/"+made.ID+"?text=true", ""), 200); got.Text[0].Text != "You have 30 days." {
		t.Errorf("rolled back = %+v", got)
	}
	if p := o.as(t, "operator acme", "POST", "/v1/releases/1/rollback", "").problem(t); p.Code != "release_not_found" {
		t.Errorf("another tenant's rollback = %+v", p)
	}
	into[any](t, o.as(t, "operator", "DELETE", "/v1/documents/"+made.ID, ""), 200)
	if p := o.as(t, "operator", "GET", "/v1/documents/"+made.ID, "").problem(t); p.Code != "document_not_found" {
		t.Errorf("removed = %+v", p)
	}
}

func TestDocumentsAndReleasesComeInPages(t *testing.T) {
	o := newOffice(t, says(answer()))
	for i := range 5 {
		into[any](t, o.as(t, "operator", "POST", "/v1/documents", fmt.Sprintf(`{"name":"%d.md","text":"# Page %d\n\ntext"}`, i, i)), 201)
	}
	for path, want := range map[string]string{"/v1/documents": "0.md 1.md 2.md 3.md 4.md", "/v1/releases": "5 4 3 2 1"} {
		var got []string
		cursor, pages := "", 0
		for {
			r := o.as(t, "operator", "GET", path+"?limit=2&cursor="+cursor, "")
			p := into[struct {
				Data []struct {
					Path     string
					Revision int
				}
				NextCursor *string `json:"next_cursor"`
				HasMore    bool    `json:"has_more"`
			}](t, r, 200)
			for _, d := range p.Data {
				if path == "/v1/releases" {
					d.Path = fmt.Sprint(d.Revision)
				}
				got = append(got, d.Path)
			}
			pages++
			if p.HasMore != (p.NextCursor != nil) {
				t.Fatalf("page = %+v", p)
			}
			if !p.HasMore {
				break
			}
			cursor = *p.NextCursor
		}
		if strings.Join(got, " ") != want || pages != 3 {
			t.Errorf("%s = %v in %d pages, want %s in 3", path, got, pages, want)
		}
		for _, query := range []string{"limit=0", "limit=201", "limit=x", "cursor=%21", "cursor=e30"} {
			if p := o.as(t, "operator", "GET", path+"?"+query, "").problem(t); p.Status != 400 {
				t.Errorf("%s?%s = %+v, want 400", path, query, p)
			}
		}
	}
}

func TestUploadsThatCannotBeTakenInSayWhy(t *testing.T) {
	o := newOffice(t, says(answer()))
	named := func(name string) string {
		body, _ := json.Marshal(map[string]string{"name": name, "text": "text"})
		return string(body)
	}
	tests := map[string]struct{ body, code string }{
		"a traversal":          {named("../../etc/passwd"), "name_invalid"},
		"a hidden traversal":   {named("a/../../b.md"), "name_invalid"},
		"an absolute path":     {named("/etc/passwd"), "name_invalid"},
		"a Windows path":       {named(`C:\secret.md`), "name_invalid"},
		"a NUL":                {named("a\x00.md"), "name_invalid"},
		"a line feed":          {named("a\n.md"), "name_invalid"},
		"a hidden file":        {named(".env"), "name_invalid"},
		"no name":              {named(""), "name_invalid"},
		"a long name":          {named(strings.Repeat("a", 300)), "name_invalid"},
		"a doubled slash":      {named("a//b.md"), "name_invalid"},
		"no text":              {`{"name":"a.md","text":""}`, "file_empty"},
		"a broken file":        {`{"name":"a.csv","text":"question,answer\n\"a"}`, "file_malformed"},
		"a field that is not":  {`{"name":"a.md","text":"x","colour":"red"}`, "unknown_field"},
		"something that is no": {`[]`, "wrong_type"},
	}
	for name, tt := range tests {
		if p := o.as(t, "operator", "POST", "/v1/documents", tt.body).problem(t); p.Code != tt.code || p.Status != 400 {
			t.Errorf("%s = %+v, want %s", name, p, tt.code)
		}
	}
	huge := `{"name":"a.md","text":"` + strings.Repeat("x", 26<<20) + `"}`
	if p := o.as(t, "operator", "POST", "/v1/documents", huge).problem(t); p.Code != "body_too_large" || p.Status != 413 {
		t.Errorf("26 MB = %+v, want body_too_large", p)
	}
}

func TestFilesOfAFormAreOneReleaseAndTheirNamesLoseTheirFolders(t *testing.T) {
	o := newOffice(t, says(answer()))
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("source", "help")
	for name, text := range map[string]string{"../../a.md": "# A\n\nalpha\n", "b.csv": "question,answer\nHow?,So.\n", "c.csv": "question,answer\n\"x"} {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		part.Write([]byte(text))
	}
	w.Close()
	r := o.do(t, "POST", "/v1/documents", form.String(), "Authorization", "Bearer "+o.keys["operator"], "Content-Type", w.FormDataContentType())
	states := map[string]string{}
	for _, d := range into[documentPage](t, r, 201).Data {
		states[d.Path] = d.Status + d.Code
		if ready := d.Status == "ready"; (d.Title != "") != ready || (d.Chunks == 1) != ready || (d.Revision == 1) != ready {
			t.Errorf("the reply shows %+v, want of what is ready what is published", d)
		}
	}
	if len(states) != 3 || states["a.md"] != "ready" || states["b.csv"] != "ready" || states["c.csv"] != "failedfile_malformed" {
		t.Errorf("states = %v", states)
	}
	failed := into[documentPage](t, o.as(t, "operator", "GET", "/v1/documents?status=failed", ""), 200).Data
	if len(failed) != 1 || failed[0].Path != "c.csv" || failed[0].Source != "help" {
		t.Errorf("failed = %+v", failed)
	}
	if n := len(into[documentPage](t, o.as(t, "operator", "GET", "/v1/releases", ""), 200).Data); n != 1 {
		t.Errorf("%d releases, want 1", n)
	}
}

func TestALargeUploadIsAcceptedAndItsStateCanBeAskedFor(t *testing.T) {
	o := newOffice(t, says(answer()))
	r := o.as(t, "operator", "POST", "/v1/documents", `{"name":"big.txt","text":"`+strings.Repeat("word ", 100_000)+`"}`)
	into[documentPage](t, r, http.StatusAccepted)
	if d := into[shownDocument](t, o.as(t, "operator", "GET", r.Header.Get("Location"), ""), 200); d.Status != "queued" || d.Path != "big.txt" || d.Revision != 0 {
		t.Errorf("document = %+v, want it queued", d)
	}
}

func TestASearchExplainsItself(t *testing.T) {
	o := newOffice(t, says(answer()))
	in := into[struct {
		Hits []struct {
			Terms []string
			Cut   *string
		}
	}](t, o.as(t, "operator", "POST", "/v1/search", `{"question":"returns?","top":2}`), 200)
	if len(in.Hits) != 2 || in.Hits[0].Cut != nil || *in.Hits[1].Cut != "below_half_of_best" || in.Hits[0].Terms[0] != "return" {
		t.Errorf("inspection = %+v", in)
	}
	if r := o.as(t, "admin", "GET", "/v1/audit", ""); strings.Contains(r.body, "search") {
		t.Errorf("the audit log has a search: %s", r.body)
	}
	if p := o.as(t, "operator", "POST", "/v1/search", `{"question":"returns?","top":0}`).problem(t); p.Code != "value_invalid" {
		t.Errorf("top 0 = %+v", p)
	}
}
