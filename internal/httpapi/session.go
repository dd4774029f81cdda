package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
	"kefu/internal/limit"
)

// Sessions are those signed in to the console. Errors that a caller may read
// are *desk.Error.
type Sessions interface {
	// ByKey and ByLink open a session and return its secret this once.
	ByKey(ctx context.Context, key string) (secret string, s desk.Session, err error)
	ByLink(ctx context.Context, token string) (secret string, s desk.Session, err error)
	Find(ctx context.Context, secret string) (desk.Session, error)
	End(ctx context.Context, by desk.Actor, id desk.SessionID) error
}

const (
	// consoleHeader comes with every request of the console. Without it a
	// session counts for nothing: pages of other sites cannot send it, and the
	// chat page of one who is signed in stays a customer's.
	consoleHeader = "X-Kefu-Console"
	// The prefix makes browsers insist on https and on this very host.
	cookieName, secureCookieName = "kefu_session", "__Host-kefu_session"
)

func (api *API) sessionRoutes() {
	if api.cfg.Sessions == nil {
		return
	}
	api.engine.POST("/v1/sessions", api.signIn)
	api.engine.GET("/v1/session", api.holder(desk.RoleOperator), api.showSession)
	api.engine.DELETE("/v1/session", api.holder(desk.RoleOperator), api.signOut)
}

// shownSession is the secret of the caller's session, empty for none.
func shownSession(c *gin.Context) string {
	for _, name := range []string{secureCookieName, cookieName} {
		if cookie, err := c.Request.Cookie(name); err == nil && cookie.Value != "" {
			return cookie.Value
		}
	}
	return ""
}

// signedIn finds who is signed in; ok is false where the caller does not come
// from the console, or is not signed in.
func (api *API) signedIn(c *gin.Context) (s desk.Session, ok bool, err error) {
	secret := shownSession(c)
	if secret == "" || api.cfg.Sessions == nil || c.GetHeader(consoleHeader) == "" {
		return desk.Session{}, false, nil
	}
	if err := api.ownPage(c); err != nil {
		return desk.Session{}, true, err
	}
	s, err = api.cfg.Sessions.Find(c.Request.Context(), secret)
	return s, true, err
}

// ownPage refuses what a page of another origin made the browser send.
func (api *API) ownPage(c *gin.Context) error {
	if err := api.origins.Check(c.Request); err != nil {
		return &desk.Error{Kind: desk.Forbidden, Code: "origin_foreign", Public: "This can be done from Kefu's own pages only.", Err: err}
	}
	return nil
}

type sessionJSON struct {
	Name    string     `json:"name"`
	Tenant  string     `json:"tenant"`
	Role    string     `json:"role"`
	Expires *time.Time `json:"expires_at"` // null: never
}

func newSessionJSON(k desk.Key) sessionJSON {
	j := sessionJSON{Name: k.Name, Tenant: string(k.Tenant), Role: string(k.Role)}
	if !k.Expires.IsZero() {
		j.Expires = &k.Expires
	}
	return j
}

// signIn answers POST /v1/sessions. A session that the caller had ends: its
// secret is never used for two people.
func (api *API) signIn(c *gin.Context) {
	var link, key string
	err := api.ownPage(c)
	if err == nil {
		err = api.object(c, field{"link", &link}, field{"key", &key})
	}
	if err == nil && (link == "") == (key == "") {
		err = invalid("value_invalid", "key", `Send either "key" or "link".`)
	}
	if err == nil {
		err = api.throttle(c)
	}
	if err != nil {
		api.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	open, with := api.cfg.Sessions.ByKey, key
	if link != "" {
		open, with = api.cfg.Sessions.ByLink, link
	}
	secret, s, err := open(ctx, with)
	if err != nil {
		api.fail(c, err)
		return
	}
	if err := api.leave(c, shownSession(c)); err != nil {
		api.fail(c, err)
		return
	}
	setCookie(c, secret, time.Until(s.Expires))
	api.reply(c, http.StatusCreated, newSessionJSON(s.Key), nil)
}

// ofSignIns is the scope of the limit on signing in, beside those of limit.
const ofSignIns = "sign_in"

// throttle bounds how often one address tries.
func (api *API) throttle(c *gin.Context) error {
	if api.cfg.SignIns == nil {
		return nil
	}
	v := api.cfg.SignIns.Enter(c.Request.Context(), limit.Caller{Address: "sign-in " + address(c)}, "")
	if v.Refused == "" {
		v.Leave(0)
		return nil
	}
	api.observer.RateLimited(ofSignIns, v.Refused)
	return &desk.Error{Kind: desk.RateLimited, Code: "rate_limited", RetryAfter: v.Wait, Public: "Too many attempts to sign in; wait a moment."}
}

// showSession answers GET /v1/session: who the caller is.
func (api *API) showSession(c *gin.Context) {
	api.reply(c, http.StatusOK, newSessionJSON(callerOf(c)), nil)
}

// signOut answers DELETE /v1/session.
func (api *API) signOut(c *gin.Context) {
	err := api.leave(c, shownSession(c))
	if err == nil {
		setCookie(c, "", -1)
	}
	api.reply(c, http.StatusNoContent, nil, err)
}

// leave ends a session, unless it has ended.
func (api *API) leave(c *gin.Context, secret string) error {
	if secret == "" {
		return nil
	}
	ctx := c.Request.Context()
	s, err := api.cfg.Sessions.Find(ctx, secret)
	if err == nil {
		err = api.cfg.Sessions.End(ctx, desk.Actor{Name: string(s.Key.ID), Request: RequestID(ctx)}, s.ID)
	}
	var gone *desk.Error
	if errors.As(err, &gone) && (gone.Kind == desk.NotFound || gone.Kind == desk.Unauthorised) {
		return nil
	}
	return err
}

// setCookie gives the browser a session's secret for a time, or takes it away
// where that is negative.
func setCookie(c *gin.Context, secret string, life time.Duration) {
	secure := c.Request.TLS != nil || c.GetHeader("X-Forwarded-Proto") == "https"
	name := cookieName
	if secure {
		name = secureCookieName
	}
	http.SetCookie(c.Writer, &http.Cookie{
		Name: name, Value: secret, Path: "/", MaxAge: cmp.Or(int(life.Seconds()), -1),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	})
}
