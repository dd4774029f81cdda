package httpapi

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/rs/cors"

	"kefu/internal/desk"
)

// shared lets the scripts of the configured websites ask and rate answers; a
// browser refuses them everything else, and those of other sites all of it.
func (api *API) shared(h http.Handler) http.Handler {
	if len(api.cfg.Origins) == 0 {
		return h
	}
	foreign := cors.New(cors.Options{
		AllowedOrigins: api.cfg.Origins,
		AllowedMethods: []string{http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type", "Idempotency-Key", "X-Api-Key", "X-Request-Id"},
		ExposedHeaders: []string{"RateLimit", "Retry-After", "X-Request-Id", "X-Trace-Id"},
		MaxAge:         7200, // s; what Chromium takes at most
	}).Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rated := strings.HasPrefix(r.URL.Path, "/v1/answers/") && strings.HasSuffix(r.URL.Path, "/feedback")
		if rated || r.URL.Path == "/query" {
			foreign.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// checkVisitor refuses what only those may say of a question whom the tenant
// trusts with a key of their own.
func (r *queryRequest) checkVisitor(key desk.Key) error {
	return cmp.Or(visitorsLack(key, "user_id", r.UserID), visitorsLack(key, "model", r.Model), visitorsLack(key, "provider", r.Provider))
}

// visitorsLack refuses a field to visitors of a website: anybody can read its
// key, and could be anybody or choose the dearest model.
func visitorsLack(key desk.Key, field, value string) error {
	if key.Role != desk.RoleWidget || value == "" {
		return nil
	}
	return &desk.Error{
		Kind: desk.Forbidden, Code: "field_forbidden", Field: field,
		Public: "A key with the role widget cannot set " + quoted(field) + "; this needs a key with the role ask, kept on your server.",
	}
}
