package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Curated are the answers that operators write one by one. Errors that a caller
// may read are *desk.Error.
type Curated interface {
	// Page lists the n latest that q chooses.
	Page(ctx context.Context, tenant desk.TenantID, q desk.PairQuery, n int) ([]desk.Pair, error)
	Get(ctx context.Context, tenant desk.TenantID, id desk.DocumentID) (desk.Pair, error)
	// Write publishes p in place of p.Document, or of the pair with the same
	// question where that is empty; made tells that there was none.
	Write(ctx context.Context, tenant desk.TenantID, by string, p desk.Pair) (kept desk.Pair, made bool, err error)
	Remove(ctx context.Context, tenant desk.TenantID, by string, id desk.DocumentID) (desk.Release, error)
}

type pairJSON struct {
	ID        string    `json:"id"` // of its document
	Question  string    `json:"question"`
	Answer    string    `json:"answer"`
	URL       string    `json:"url"`
	Lang      string    `json:"lang"`
	Flag      string    `json:"flag"`
	Revision  int64     `json:"revision"`
	UpdatedAt time.Time `json:"updated_at"`
}

func newPairJSON(p desk.Pair) pairJSON {
	return pairJSON{
		ID: string(p.Document), Question: p.Question, Answer: p.Answer, URL: p.URL, Lang: string(p.Lang), Flag: p.Flag,
		Revision: int64(p.Revision), UpdatedAt: p.UpdatedAt,
	}
}

const (
	// maxCuratedQuestion and maxCuratedAnswer are in characters. What can be
	// given whole is shorter, and counted in tokens.
	maxCuratedQuestion = 500
	maxCuratedAnswer   = 8000
)

func (api *API) curatedRoutes(operator *gin.RouterGroup) {
	operator.GET("/curated", api.listCurated)
	operator.POST("/curated", api.createCurated)
	operator.GET("/curated/:id", api.showCurated)
	operator.PUT("/curated/:id", api.changeCurated)
	operator.DELETE("/curated/:id", api.deleteCurated)
}

// listCurated answers GET /v1/curated.
func (api *API) listCurated(c *gin.Context) {
	var last moment[desk.DocumentID]
	n, err := paging(c, &last)
	if err != nil {
		api.fail(c, err)
		return
	}
	var q desk.PairQuery
	q.Before, q.BeforeID = last.before()
	list, err := api.cfg.Operators.Curated.Page(c.Request.Context(), tenantOf(c), q, n+1)
	api.reply(c, http.StatusOK, newPage(list, n, newPairJSON, func(l desk.Pair) any {
		return moment[desk.DocumentID]{l.UpdatedAt.UnixMilli(), l.Document}
	}), err)
}

// showCurated answers GET /v1/curated/{id}.
func (api *API) showCurated(c *gin.Context) {
	p, err := api.cfg.Operators.Curated.Get(c.Request.Context(), tenantOf(c), desk.DocumentID(c.Param("id")))
	api.reply(c, http.StatusOK, newPairJSON(p), err)
}

// createCurated answers POST /v1/curated.
func (api *API) createCurated(c *gin.Context) { api.writeCurated(c, "") }

// changeCurated answers PUT /v1/curated/{id}.
func (api *API) changeCurated(c *gin.Context) { api.writeCurated(c, desk.DocumentID(c.Param("id"))) }

func (api *API) writeCurated(c *gin.Context, id desk.DocumentID) {
	p, err := api.pair(c)
	made := false
	if err == nil {
		p.Document = id
		p, made, err = api.cfg.Operators.Curated.Write(c.Request.Context(), tenantOf(c), string(callerOf(c).ID), p)
	}
	status := http.StatusOK
	if err == nil && id == "" {
		c.Header("Location", "/v1/curated/"+string(p.Document))
		requestOf(c.Request.Context()).change = string(p.Document) // the path does not name it
		if made {
			status = http.StatusCreated
		}
	}
	api.reply(c, status, newPairJSON(p), err)
}

// deleteCurated answers DELETE /v1/curated/{id}.
func (api *API) deleteCurated(c *gin.Context) {
	r, err := api.cfg.Operators.Curated.Remove(c.Request.Context(), tenantOf(c), string(callerOf(c).ID), desk.DocumentID(c.Param("id")))
	api.reply(c, http.StatusOK, newReleaseJSON(r), err)
}

// pair reads a question with its answer.
func (api *API) pair(c *gin.Context) (p desk.Pair, err error) {
	var lang string
	if err := api.object(c, field{"question", &p.Question}, field{"answer", &p.Answer}, field{"url", &p.URL}, field{"lang", &lang}); err != nil {
		return p, err
	}
	p.Lang = desk.Lang(lang)
	if lang != "" && p.Lang != desk.English && p.Lang != desk.Chinese {
		return p, invalid("value_invalid", "lang", `"lang" must be en or zh.`)
	}
	if u, err := url.Parse(p.URL); p.URL != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https") {
		return p, invalid("value_invalid", "url", `"url" must be the address of a page, such as https://example.com/help.`)
	}
	return p, cmp.Or(checkProse("question", p.Question, maxCuratedQuestion), checkProse("answer", p.Answer, maxCuratedAnswer))
}

// checkProse refuses texts that say nothing, too much, or to a terminal.
func checkProse(field, text string, most int) error {
	control := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		return invalid("value_empty", field, fmt.Sprintf("%q is empty.", field))
	case n > most:
		return invalid("value_too_long", field, fmt.Sprintf("%q has %d characters; at most %d are allowed.", field, n, most))
	case strings.ContainsFunc(text, control):
		return invalid("control_characters", field, fmt.Sprintf("%q contains control characters.", field))
	}
	return nil
}
