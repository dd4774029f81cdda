package httpapi

import (
	"embed"
	"net/http"
	"path"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// openapi describes every route; a test holds it against the router and
// against real requests and replies.
//
//go:embed openapi.json
var openapi []byte

// document serves a constant JSON text.
func document(text []byte) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Cache-Control", "no-cache")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Data(http.StatusOK, "application/json", text)
	}
}

// docs is the page of the API reference: Swagger UI's own has scripts and styles
// inline, which no strict policy allows.
//
//go:embed docs
var docs embed.FS

// docsPolicy lets the reference load its own files and try the API out. Its
// style sheet has pictures inline.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// newDocs serves the API reference and its assets, all from the binary.
func newDocs() gin.HandlerFunc {
	library := v5emb.NewHandlerWithConfig(swgui.Config{BasePath: "/docs"})
	types := map[string]string{"index.html": "text/html; charset=utf-8", "docs.js": "text/javascript; charset=utf-8", "docs.css": "text/css; charset=utf-8"}
	return func(c *gin.Context) {
		for name, value := range map[string]string{
			"Content-Security-Policy": docsPolicy, "Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-cache",
		} {
			c.Header(name, value)
		}
		name := path.Base(c.Request.URL.Path)
		if name == "docs" { // the page itself
			name = "index.html"
		}
		content, err := docs.ReadFile("docs/" + name)
		if err != nil {
			library.ServeHTTP(c.Writer, c.Request)
			return
		}
		c.Data(http.StatusOK, types[name], content)
	}
}
