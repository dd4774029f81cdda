// Package curated keeps the answers that operators write one by one. Each is a
// document of its own, so that it is embedded, released, rolled back and
// cited as all others are.
package curated

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"kefu/internal/desk"
)

// Source is the source of these documents.
const Source = "console"

// Shelf is the knowledge base. Errors that a caller may read are *desk.Error.
type Shelf interface {
	Pairs(ctx context.Context, tenant desk.TenantID, q desk.PairQuery, n int) ([]desk.Pair, error)
	// Put returns once all servers answer from the uploads.
	Put(ctx context.Context, tenant desk.TenantID, by string, uploads []desk.Upload, later bool) ([]desk.Intake, error)
	Remove(ctx context.Context, tenant desk.TenantID, by string, id desk.DocumentID) (desk.Release, error)
}

// Answers are the pairs of all tenants. It is safe for concurrent use.
type Answers struct {
	shelf Shelf
	fits  func(answer string) bool
}

// New returns the pairs on a shelf. fits tells whether an answer is short
// enough to be given whole.
func New(shelf Shelf, fits func(answer string) bool) *Answers { return &Answers{shelf, fits} }

// Page lists the n latest that q chooses.
func (a *Answers) Page(ctx context.Context, tenant desk.TenantID, q desk.PairQuery, n int) ([]desk.Pair, error) {
	q.Source = Source
	return a.shelf.Pairs(ctx, tenant, q, n)
}

// Get returns a pair. The error is a *desk.Error of kind NotFound, code
// curated_not_found, where the tenant has none.
func (a *Answers) Get(ctx context.Context, tenant desk.TenantID, id desk.DocumentID) (desk.Pair, error) {
	if id != "" {
		if found, err := a.Page(ctx, tenant, desk.PairQuery{Document: id}, 1); err != nil || len(found) > 0 {
			return one(found), err
		}
	}
	return desk.Pair{}, &desk.Error{Kind: desk.NotFound, Code: "curated_not_found", Field: "id", Public: "There is no such curated answer."}
}

// Write publishes p: in place of p.Document, or where that is empty in place of
// the pair with the same question, if there is one; made tells that there was
// none. Errors are *desk.Error: of kind Invalid, code value_too_long, for an
// answer that cannot be given whole; of kind Conflict, code curated_exists,
// where another pair than p.Document has the question; and those of Get.
func (a *Answers) Write(ctx context.Context, tenant desk.TenantID, by string, p desk.Pair) (kept desk.Pair, made bool, err error) {
	if !a.fits(p.Answer) {
		return desk.Pair{}, false, &desk.Error{Kind: desk.Invalid, Code: "value_too_long", Field: "answer", Public: "The answer is too long to be given whole; make it a page of its own."}
	}
	p.Question = strings.Join(strings.Fields(p.Question), " ")
	made, err = a.place(ctx, tenant, &p)
	if err != nil {
		return desk.Pair{}, false, err
	}
	files, err := a.shelf.Put(ctx, tenant, by, []desk.Upload{{ID: p.Document, Source: Source, Path: p.Path, Data: file(p)}}, false)
	if err != nil {
		return desk.Pair{}, false, err
	}
	if files[0].State == desk.Failed {
		return desk.Pair{}, false, &desk.Error{Kind: desk.Invalid, Code: files[0].Code, Field: "answer", Public: "The answer cannot be taken in: " + files[0].Reason + "."}
	}
	kept, err = a.Get(ctx, tenant, files[0].Document)
	return kept, made, err
}

// place gives p the document and path under which it is published; made tells
// that there was no such pair.
func (a *Answers) place(ctx context.Context, tenant desk.TenantID, p *desk.Pair) (made bool, err error) {
	found, err := a.Page(ctx, tenant, desk.PairQuery{Question: p.Question}, 1)
	if err != nil {
		return false, err
	}
	same := one(found)
	if p.Document != "" {
		before, err := a.Get(ctx, tenant, p.Document)
		if err == nil && same.Document != "" && same.Document != p.Document {
			err = &desk.Error{Kind: desk.Conflict, Code: "curated_exists", Field: "question", Public: "Another curated answer has this question: " + string(same.Document) + "."}
		}
		p.Path = before.Path
		return false, err
	}
	if same.Document != "" {
		p.Document, p.Path = same.Document, same.Path
		return false, nil
	}
	p.Path = path(p.Question, "")
	for { // the pair that was made under this path may have another question by now
		taken, err := a.taken(ctx, tenant, p.Path)
		if err != nil || !taken {
			return true, err
		}
		p.Path = path(p.Question, "-"+strings.ToLower(rand.Text()[:6]))
	}
}

// taken tells whether a document stands at a path.
func (a *Answers) taken(ctx context.Context, tenant desk.TenantID, path string) (bool, error) {
	found, err := a.Page(ctx, tenant, desk.PairQuery{Path: path}, 1)
	return len(found) > 0, err
}

// Remove removes a pair; errors are those of Get.
func (a *Answers) Remove(ctx context.Context, tenant desk.TenantID, by string, id desk.DocumentID) (desk.Release, error) {
	if _, err := a.Get(ctx, tenant, id); err != nil {
		return desk.Release{}, err
	}
	return a.shelf.Remove(ctx, tenant, by, id)
}

func one(found []desk.Pair) desk.Pair {
	if len(found) == 0 {
		return desk.Pair{}
	}
	return found[0]
}

// file is the pair as a table of one row, which ingest reads.
func file(p desk.Pair) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	err := w.WriteAll([][]string{{"question", "answer", "url", "lang"}, {p.Question, p.Answer, p.URL, string(p.Lang)}})
	if err != nil {
		panic("curated: " + err.Error()) // a buffer takes everything
	}
	return b.Bytes()
}

// readable is how much of a question a path shows.
const readable = 40

// path names the document of a question, the same for the same question. The
// file's own name becomes the title that customers see.
func path(question, suffix string) string {
	words := strings.FieldsFunc(strings.ToLower(question), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	slug := []rune(strings.Join(words, "-"))
	sum := sha256.Sum256([]byte(question))
	return fmt.Sprintf("answers/%s-%s%s/faq.csv", string(slug[:min(len(slug), readable)]), hex.EncodeToString(sum[:4]), suffix)
}
