package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Operators is what operators see and change; all of it of one tenant.
type Operators struct {
	Documents Documents
	Releases  Releases
	Inspector Inspector
	Curated   Curated
}

// Documents is the knowledge base. Errors that a caller may read are
// *desk.Error.
type Documents interface {
	// Page lists n documents that come after one.
	Page(ctx context.Context, tenant desk.TenantID, after desk.Document, n int) ([]desk.Document, error)
	Get(ctx context.Context, tenant desk.TenantID, id desk.DocumentID) (desk.Document, []desk.Chunk, error)
	// Find is Get without the chunks.
	Find(ctx context.Context, tenant desk.TenantID, id desk.DocumentID) (desk.Document, error)
	// Intake lists files on their way in, or that failed.
	Intake(ctx context.Context, tenant desk.TenantID) ([]desk.Intake, error)
	// Put takes uploads in, or queues them when later; their states are in
	// the order of the uploads.
	Put(ctx context.Context, tenant desk.TenantID, by string, uploads []desk.Upload, later bool) ([]desk.Intake, error)
	Remove(ctx context.Context, tenant desk.TenantID, by string, id desk.DocumentID) (desk.Release, error)
}

// Releases are the states of the knowledge base that can be returned to.
type Releases interface {
	Releases(ctx context.Context, tenant desk.TenantID, before desk.Revision, n int) ([]desk.Release, error)
	Rollback(ctx context.Context, tenant desk.TenantID, to desk.Revision, by string) (desk.Release, error)
}

// Inspector shows what a question finds.
type Inspector interface {
	Inspect(ctx context.Context, scope desk.Scope, question string, k int) (desk.Inspection, error)
}

func (api *API) operatorRoutes(operator *gin.RouterGroup) {
	if api.cfg.Operators == nil {
		return
	}
	operator.GET("/documents", api.listDocuments)
	operator.POST("/documents", api.postDocuments)
	operator.GET("/documents/:id", api.getDocument)
	operator.PUT("/documents/:id", api.putDocument)
	operator.DELETE("/documents/:id", api.deleteDocument)
	api.curatedRoutes(operator)
	operator.GET("/releases", api.listReleases)
	operator.POST("/releases/:rev/rollback", api.rollback)
	// A search changes nothing: it does not belong into the audit log.
	api.engine.POST("/v1/search", api.holder(desk.RoleOperator), api.once, api.search)
}

// page is one page of a list.
type page[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"` // null on the last page
	HasMore    bool    `json:"has_more"`
}

// newPage makes a page of at most n of a list that was asked for one more;
// mark is where the next page begins, after the last of this one.
func newPage[T, U any](list []T, n int, f func(T) U, mark func(last T) any) page[U] {
	p := page[U]{HasMore: len(list) > n}
	if p.HasMore {
		list = list[:n]
		at, err := json.Marshal(mark(list[n-1]))
		if err != nil {
			panic("httpapi: cursor: " + err.Error()) // marks are plain values
		}
		cursor := base64.RawURLEncoding.EncodeToString(at)
		p.NextCursor = &cursor
	}
	p.Data = each(list, f)
	return p
}

const (
	pageLength    = 50
	maxPageLength = 200
)

// moment is the cursor of a list by time: it goes on before what it names.
type moment[ID ~string] struct {
	At int64 // ms
	ID ID
}

// before is the moment for a query; zero at the beginning of a list.
func (m moment[ID]) before() (time.Time, ID) {
	if m.ID == "" {
		return time.Time{}, ""
	}
	return time.UnixMilli(m.At), m.ID
}

// paging reads ?limit= and ?cursor=, which into is filled from.
func paging(c *gin.Context, into any) (n int, err error) {
	n = pageLength
	if text := c.Query("limit"); text != "" {
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > maxPageLength {
			return 0, invalid("value_invalid", "limit", fmt.Sprintf("limit must be 1 to %d.", maxPageLength))
		}
	}
	cursor := c.Query("cursor")
	if cursor == "" {
		return n, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(text, into) != nil {
		return 0, invalid("cursor_invalid", "cursor", "cursor must be a next_cursor of this list.")
	}
	return n, nil
}

type releaseJSON struct {
	Revision int64     `json:"revision"`
	Kind     string    `json:"kind"`
	Source   string    `json:"source"`
	Author   string    `json:"author"`
	Restored *int64    `json:"restored"` // of a rollback: the release whose state it is
	At       time.Time `json:"at"`
	Added    int       `json:"added"`
	Updated  int       `json:"updated"`
	Removed  int       `json:"removed"`
}

func newReleaseJSON(r desk.Release) releaseJSON {
	j := releaseJSON{
		Revision: int64(r.Revision), Kind: string(r.Kind), Source: r.Source, Author: r.Author, At: r.At,
		Added: r.Added, Updated: r.Updated, Removed: r.Removed,
	}
	if r.Restored != 0 {
		restored := int64(r.Restored)
		j.Restored = &restored
	}
	return j
}

// listReleases answers GET /v1/releases.
func (api *API) listReleases(c *gin.Context) {
	var before desk.Revision
	n, err := paging(c, &before)
	if err != nil {
		api.fail(c, err)
		return
	}
	list, err := api.cfg.Operators.Releases.Releases(c.Request.Context(), tenantOf(c), before, n+1)
	api.reply(c, http.StatusOK, newPage(list, n, newReleaseJSON, func(last desk.Release) any { return last.Revision }), err)
}

// rollback answers POST /v1/releases/{rev}/rollback.
func (api *API) rollback(c *gin.Context) {
	rev, err := strconv.ParseInt(c.Param("rev"), 10, 64)
	if err != nil {
		api.fail(c, invalid("value_invalid", "rev", "The revision must be a number."))
		return
	}
	r, err := api.cfg.Operators.Releases.Rollback(c.Request.Context(), tenantOf(c), desk.Revision(rev), string(callerOf(c).ID))
	api.reply(c, http.StatusOK, newReleaseJSON(r), err)
}

type inspectionJSON struct {
	Question    string    `json:"question"` // masked
	Lang        string    `json:"lang"`
	Route       string    `json:"route"`
	RouteReason string    `json:"route_reason"`
	Revision    int64     `json:"revision"`
	ByWords     bool      `json:"by_words"`
	Answerable  *float64  `json:"answerable"` // null: it is not asked
	Hits        []hitJSON `json:"hits"`
}

type hitJSON struct {
	Rank       int      `json:"rank"`
	ChunkID    string   `json:"chunk_id"`
	DocumentID string   `json:"document_id"`
	Title      string   `json:"title"`
	Heading    string   `json:"heading"`
	Question   string   `json:"question"`
	Text       string   `json:"text"`
	URL        string   `json:"url"`
	Lang       string   `json:"lang"`
	Tokens     int      `json:"tokens"`
	Score      float64  `json:"score"`
	Vector     float64  `json:"vector"`
	BM25       float64  `json:"bm25"`
	Fused      float64  `json:"fused"`
	Coverage   float64  `json:"coverage"`
	Sentence   float64  `json:"sentence"`
	Pairs      float64  `json:"pairs"`
	Page       float64  `json:"page"`
	Terms      []string `json:"terms"`
	Cut        *string  `json:"cut"` // null: it enters the prompt
	RepeatOf   *string  `json:"repeat_of"`
	// Translation: it has the score of the page that it translates.
	Translation bool `json:"translation"`
}

func newInspectionJSON(in desk.Inspection) inspectionJSON {
	j := inspectionJSON{
		Question: string(in.Question), Lang: string(in.Lang), Route: string(in.Route.Kind), RouteReason: in.Route.Reason,
		Revision: int64(in.Revision), ByWords: in.ByWords, Hits: make([]hitJSON, len(in.Hits)),
	}
	if in.Answerable > 0 {
		j.Answerable = &in.Answerable
	}
	for i, h := range in.Hits {
		j.Hits[i] = hitJSON{
			Rank: i + 1, ChunkID: string(h.ID), DocumentID: string(h.Document), Title: h.Title, Heading: h.Heading, Question: h.Chunk.Question,
			Text: h.Text, URL: h.Passage.URL, Lang: string(h.Lang), Tokens: h.Tokens,
			Score: h.Score, Vector: h.Vector, BM25: h.Lexical, Fused: h.Fused, Coverage: h.Coverage, Sentence: h.Sentence, Pairs: h.Pairs, Page: h.Page,
			Terms: append([]string{}, h.Terms...), Translation: h.Borrowed,
		}
		if h.Cut != desk.Kept {
			cut := string(h.Cut)
			j.Hits[i].Cut = &cut
		}
		if h.Of != "" {
			of := string(h.Of)
			j.Hits[i].RepeatOf = &of
		}
	}
	return j
}

const (
	hits    = 10
	maxHits = 100
)

// search answers POST /v1/search.
func (api *API) search(c *gin.Context) {
	var question string
	k := hits
	err := api.object(c, field{"question", &question}, field{"top", &k})
	if err == nil && (k < 1 || k > maxHits) {
		err = invalid("value_invalid", "top", fmt.Sprintf("top must be 1 to %d.", maxHits))
	}
	var in desk.Inspection
	if err == nil {
		in, err = api.cfg.Operators.Inspector.Inspect(c.Request.Context(), desk.Scope{Tenant: tenantOf(c), Key: callerOf(c).ID}, question, k)
	}
	api.reply(c, http.StatusOK, newInspectionJSON(in), err)
}
