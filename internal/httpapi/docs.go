package httpapi

import (
	_ "embed" // the document below
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

// document serves a constant JSON text.
func document(text []byte) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Cache-Control", "no-cache")
		c.Data(http.StatusOK, "application/json", text)
	}
}

// newDocs serves the API reference and its assets, all from the binary.
func newDocs() gin.HandlerFunc {
	return gin.WrapH(v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "Kefu API", SwaggerJSON: "/openapi.json", BasePath: "/docs",
	}))
}
