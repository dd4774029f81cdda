package httpapi

import (
	"cmp"
	"net/http"
	"strings"
	"time"

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

// Identities tell which customer of a website asks. Errors that a caller may
// read are *desk.Error.
type Identities interface {
	// Secret is what the server of the website that shows the key signs with.
	Secret(key desk.Key) string
	// Check finds out whether it has signed that the user asks.
	Check(key desk.Key, user desk.UserID, hash string, expires time.Time) error
}

// identity is who asks, by what the caller says. Hash and Expires count with
// the key of a website alone: other keys are kept on a server, which is taken
// at its word.
type identity struct {
	UserID, Hash string
	Expires      int64 // s since 1970
}

func (i *identity) fields(more ...field) []field {
	return append(more, field{"user_id", &i.UserID}, field{"user_hash", &i.Hash}, field{"expires", &i.Expires})
}

func (i *identity) user() desk.UserID { return cmp.Or(desk.UserID(i.UserID), desk.Anonymous) }

// checkIdentity refuses a user who may be somebody else.
func (api *API) checkIdentity(key desk.Key, i identity) error {
	if err := checkName("user_id", i.UserID); err != nil {
		return err
	}
	if key.Role != desk.RoleWidget || i.UserID == "" || api.cfg.Identities == nil {
		return visitorsLack(key, "user_id", i.UserID)
	}
	return api.cfg.Identities.Check(key, desk.UserID(i.UserID), i.Hash, time.Unix(i.Expires, 0))
}

// visitorsLack refuses a field to visitors of a website: anybody can read its
// key, and could be anybody or choose the dearest model.
func visitorsLack(key desk.Key, field, value string) error {
	if key.Role != desk.RoleWidget || value == "" {
		return nil
	}
	return &desk.Error{
		Kind: desk.Forbidden, Code: "field_forbidden", Field: field,
		Public: "A key with the role widget cannot set " + quoted(field) + " here; this needs a key with the role ask, kept on your server.",
	}
}
