package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

const (
	// maxUpload bounds what one request may hand in; a single file is bounded
	// by the loader.
	maxUpload = 25 << 20
	// maxFiles bounds the files of one request.
	maxFiles = 20
	// waitFor is the size up to which a caller is told the outcome; larger ones
	// are taken in afterwards.
	waitFor = 256 << 10
)

type documentJSON struct {
	ID        string     `json:"id"`
	Source    string     `json:"source"`
	Path      string     `json:"path"`
	Title     string     `json:"title"`
	URL       string     `json:"url"`
	Lang      string     `json:"lang"`
	Kind      string     `json:"kind"`
	Bytes     int64      `json:"bytes"`
	Chunks    int        `json:"chunks"`
	Flag      string     `json:"flag"` // the rule by which the guard suspects it; empty: none
	Hash      string     `json:"hash"`
	Revision  int64      `json:"revision"` // 0: nothing of it is published
	UpdatedAt *time.Time `json:"updated_at"`
	stateJSON
	Text []chunkJSON `json:"text,omitempty"`
}

// stateJSON is how far a document has come; what is published of it is served
// meanwhile.
type stateJSON struct {
	Status string `json:"status"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

type chunkJSON struct {
	ID       string `json:"id"`
	Heading  string `json:"heading"`
	Question string `json:"question"`
	Text     string `json:"text"`
	Lang     string `json:"lang"`
	Tokens   int    `json:"tokens"`
	Flag     string `json:"flag"`
}

func newDocumentJSON(d desk.Document) documentJSON {
	return documentJSON{
		ID: string(d.ID), Source: d.Source, Path: d.Path, Title: d.Title, URL: d.URL, Lang: string(d.Lang), Kind: string(d.Kind),
		Bytes: d.Bytes, Chunks: d.Chunks, Flag: d.Flag, Hash: d.Hash, Revision: int64(d.Revision), UpdatedAt: &d.UpdatedAt,
		stateJSON: stateJSON{Status: string(desk.Ready)},
	}
}

func newStateJSON(f desk.Intake) stateJSON {
	return stateJSON{Status: string(f.State), Code: f.Code, Reason: f.Reason}
}

// newFileJSON is a file of which nothing is published.
func newFileJSON(f desk.Intake) documentJSON {
	return documentJSON{ID: string(f.Document), Source: f.Source, Path: f.Path, Flag: f.Flag, stateJSON: newStateJSON(f)}
}

// listDocuments answers GET /v1/documents: what is published, or with ?status=
// the files in another state.
func (api *API) listDocuments(c *gin.Context) {
	var after desk.Document
	n, err := paging(c, &[]any{&after.Source, &after.Path, &after.ID})
	if err != nil {
		api.fail(c, err)
		return
	}
	ctx, docs := c.Request.Context(), api.cfg.Operators.Documents
	intake, err := docs.Intake(ctx, tenantOf(c))
	if err != nil {
		api.fail(c, err)
		return
	}
	if status := c.Query("status"); status != "" && status != string(desk.Ready) {
		list := page[documentJSON]{Data: []documentJSON{}}
		for _, f := range intake {
			if string(f.State) == status {
				list.Data = append(list.Data, newFileJSON(f))
			}
		}
		api.reply(c, http.StatusOK, list, nil)
		return
	}
	states := make(map[[2]string]stateJSON, len(intake))
	for _, f := range intake {
		states[[2]string{f.Source, f.Path}] = newStateJSON(f)
	}
	list, err := docs.Page(ctx, tenantOf(c), after, n+1)
	api.reply(c, http.StatusOK, newPage(list, n, func(d desk.Document) documentJSON {
		j := newDocumentJSON(d)
		if state, busy := states[[2]string{d.Source, d.Path}]; busy {
			j.stateJSON = state
		}
		return j
	}, func(last desk.Document) any { return []any{last.Source, last.Path, last.ID} }), err)
}

// getDocument answers GET /v1/documents/{id}: the document and the state of what
// is to replace it, with ?text=true also its text.
func (api *API) getDocument(c *gin.Context) {
	ctx, id := c.Request.Context(), desk.DocumentID(c.Param("id"))
	text := c.Query("text")
	if text != "" && text != "true" && text != "false" {
		api.fail(c, invalid("value_invalid", "text", `"text" must be true or false.`))
		return
	}
	// What waits first: what leaves the queue meanwhile is found as a document.
	intake, err := api.cfg.Operators.Documents.Intake(ctx, tenantOf(c))
	if err != nil {
		api.fail(c, err)
		return
	}
	d, chunks, err := api.findDocument(ctx, tenantOf(c), id, text == "true")
	var missing *desk.Error
	absent := errors.As(err, &missing) && missing.Kind == desk.NotFound
	if err != nil && !absent {
		api.fail(c, err)
		return
	}
	j := newDocumentJSON(d)
	for _, ch := range chunks {
		j.Text = append(j.Text, chunkJSON{string(ch.ID), ch.Heading, ch.Question, ch.Text, string(ch.Lang), ch.Tokens, ch.Flag})
	}
	for _, f := range intake {
		switch {
		case absent && f.Document == id:
			j, err = newFileJSON(f), nil
		case !absent && f.Source == d.Source && f.Path == d.Path:
			j.stateJSON = newStateJSON(f)
		}
	}
	api.reply(c, http.StatusOK, j, err)
}

// findDocument reads the chunks only where the text is wanted: whoever waits
// for a document asks often.
func (api *API) findDocument(ctx context.Context, tenant desk.TenantID, id desk.DocumentID, text bool) (desk.Document, []desk.Chunk, error) {
	if text {
		return api.cfg.Operators.Documents.Get(ctx, tenant, id)
	}
	d, err := api.cfg.Operators.Documents.Find(ctx, tenant, id)
	return d, nil, err
}

// postDocuments answers POST /v1/documents.
func (api *API) postDocuments(c *gin.Context) {
	uploads, err := api.uploads(c)
	if err != nil {
		api.fail(c, err)
		return
	}
	api.take(c, uploads, http.StatusCreated)
}

// putDocument answers PUT /v1/documents/{id}: new content for a document that
// is there.
func (api *API) putDocument(c *gin.Context) {
	d, _, err := api.cfg.Operators.Documents.Get(c.Request.Context(), tenantOf(c), desk.DocumentID(c.Param("id")))
	if err != nil {
		api.fail(c, err)
		return
	}
	uploads, err := api.uploads(c)
	if err == nil && len(uploads) != 1 {
		err = invalid("one_file", "file", "A document is replaced by one file.")
	}
	if err != nil {
		api.fail(c, err)
		return
	}
	u := &uploads[0]
	u.Name, u.ID, u.Source, u.Path = u.Path, d.ID, d.Source, d.Path
	api.take(c, uploads, http.StatusOK)
}

// take hands uploads in. Large ones are only queued: 202 and where to look.
func (api *API) take(c *gin.Context, uploads []desk.Upload, done int) {
	size := 0
	for _, u := range uploads {
		size += len(u.Data)
	}
	later := size > waitFor
	files, err := api.cfg.Operators.Documents.Put(c.Request.Context(), tenantOf(c), string(callerOf(c).ID), uploads, later)
	if err != nil {
		api.fail(c, err)
		return
	}
	if len(files) == 1 && files[0].State == desk.Failed {
		api.fail(c, invalid(files[0].Code, "file", "The document cannot be taken in: "+files[0].Reason+"."))
		return
	}
	if later {
		done = http.StatusAccepted
	}
	list, err := api.taken(c.Request.Context(), tenantOf(c), files)
	c.Header("Location", "/v1/documents/"+string(files[0].Document))
	api.reply(c, done, map[string]any{"data": list}, err)
}

// taken shows what is published of files that are ready, and the state of others.
func (api *API) taken(ctx context.Context, tenant desk.TenantID, files []desk.Intake) ([]documentJSON, error) {
	list := make([]documentJSON, len(files))
	for i, f := range files {
		list[i] = newFileJSON(f)
		if f.State != desk.Ready {
			continue
		}
		d, err := api.cfg.Operators.Documents.Find(ctx, tenant, f.Document)
		if said, ok := errors.AsType[*desk.Error](err); ok && said.Kind == desk.NotFound {
			continue // somebody has removed it meanwhile
		}
		if err != nil {
			return nil, err
		}
		list[i] = newDocumentJSON(d)
	}
	return list, nil
}

// deleteDocument answers DELETE /v1/documents/{id}.
func (api *API) deleteDocument(c *gin.Context) {
	r, err := api.cfg.Operators.Documents.Remove(c.Request.Context(), tenantOf(c), string(callerOf(c).ID), desk.DocumentID(c.Param("id")))
	api.reply(c, http.StatusOK, newReleaseJSON(r), err)
}

// uploads reads the documents of a request: one as JSON, or several files.
func (api *API) uploads(c *gin.Context) ([]desk.Upload, error) {
	mediaType, _, err := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if err == nil && mediaType == "multipart/form-data" {
		return api.files(c)
	}
	body, err := api.bodyUpTo(c, maxUpload)
	if err != nil {
		return nil, err
	}
	var u desk.Upload
	var text string
	if err := decodeObject(body, field{"name", &u.Path}, field{"source", &u.Source}, field{"text", &text}); err != nil {
		return nil, err
	}
	u.Data = []byte(text)
	return []desk.Upload{u}, nil
}

// files reads a multipart form: the part "source", if any, first, and files.
func (api *API) files(c *gin.Context) ([]desk.Upload, error) {
	if c.Request.ContentLength > maxUpload {
		return nil, api.bodyTooLarge(c, maxUpload)
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxUpload)
	broken := func(err error) error {
		var limit *http.MaxBytesError
		if errors.As(err, &limit) {
			return api.bodyTooLarge(c, maxUpload)
		}
		return &desk.Error{Kind: desk.Invalid, Code: "multipart_invalid", Public: "The body is no complete multipart form.", Err: err}
	}
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return nil, broken(err)
	}
	var uploads []desk.Upload
	source := ""
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, broken(err)
		}
		data, err := io.ReadAll(part)
		switch {
		case err != nil:
			return nil, broken(err)
		case part.FileName() == "" && part.FormName() == "source":
			source = string(data)
		case part.FileName() == "":
			return nil, invalid("unknown_field", shown(part.FormName()), "The fields are source, and files.")
		case len(uploads) == maxFiles:
			return nil, invalid("too_many_files", "file", fmt.Sprintf("At most %d files go into one request.", maxFiles))
		default:
			uploads = append(uploads, desk.Upload{Path: part.FileName(), Data: data}) // without a folder
		}
	}
	if len(uploads) == 0 {
		return nil, invalid("no_file", "file", "There is no file in the form.")
	}
	for i := range uploads {
		uploads[i].Source = source
	}
	return uploads, nil
}
