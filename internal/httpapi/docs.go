package httpapi

import (
	_ "embed" // the documents below
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// openapi describes every route; a test holds it against the router and
// against real requests and replies.
//
//go:embed openapi.json
var openapi []byte

//go:embed landing.html
var landing []byte

// document serves a constant JSON text.
func document(text []byte) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Cache-Control", "no-cache")
		c.Data(http.StatusOK, "application/json", text)
	}
}

// page serves a constant HTML page that loads nothing.
func page(text []byte) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Data(http.StatusOK, "text/html; charset=utf-8", text)
	}
}

// newDocs serves the API reference and its assets, all from the binary.
func newDocs() gin.HandlerFunc {
	return gin.WrapH(v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "Kefu API", SwaggerJSON: "/openapi.json", BasePath: "/docs",
	}))
}
