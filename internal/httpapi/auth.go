package httpapi

import (
	"net"
	"net/netip"
	"strings"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// callerOf is who calls: the key that was shown, or who is signed in; the zero
// Key for nobody.
func callerOf(c *gin.Context) desk.Key { return requestOf(c.Request.Context()).key }

// visitor lets those pass who may ask, from a website with its key at least.
func (api *API) visitor(c *gin.Context) { api.admit(c, desk.RoleWidget) }

// asker lets those pass who may ask and see what they were answered.
func (api *API) asker(c *gin.Context) { api.admit(c, desk.RoleAsk) }

// admit lets pass whoever has a key with the role or is signed in to the console,
// and anybody while no key is needed. In that case a key that is shown still
// counts, if it is one of ours: clients made for OpenAI send something else, since
// they cannot send nothing.
func (api *API) admit(c *gin.Context, needed desk.Role) {
	if !api.open() || c.GetHeader(consoleHeader) != "" {
		api.authenticate(c, needed)
		return
	}
	r := requestOf(c.Request.Context())
	if secret := shownKey(c); secret != "" && api.cfg.Keys != nil {
		key, err := api.cfg.Keys.Key(c.Request.Context(), secret)
		switch {
		case err == nil && !key.Role.Allows(needed):
			api.fail(c, forbidden(needed))
			return
		case err == nil:
			r.key = key
			return
		case strings.HasPrefix(secret, desk.KeyMark): // one of ours, no longer valid: not to be answered for another tenant
			api.fail(c, err)
			return
		}
	}
	if err := api.foreignHost(c); err != nil {
		api.fail(c, err)
		return
	}
	r.key.Tenant = desk.DefaultTenant
}

// foreignHost refuses a request without a key that was sent to a name of the
// public internet: a page of any site can have its own name resolved to
// 127.0.0.1, and would then ask from the browser of whoever looks at it.
func (api *API) foreignHost(c *gin.Context) error {
	if api.cfg.Keys == nil || !publicName(c.Request.Host) {
		return nil
	}
	return &desk.Error{
		Kind: desk.Forbidden, Code: "host_foreign",
		Public: "Without a key Kefu answers at localhost and 127.0.0.1, and at no name of the internet. 'kefu keys create' makes a key.",
	}
}

// publicName tells whether a Host header is a name that anybody could own: one
// with a dot, and no address.
func publicName(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil { // without a port
		name = strings.Trim(host, "[]")
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	_, err = netip.ParseAddr(name)
	return err != nil && strings.Contains(name, ".") && !strings.HasSuffix(name, ".localhost")
}

// open tells whether questions are taken without a key.
func (api *API) open() bool { return api.cfg.Keys == nil || api.cfg.Keys.Open() }

// watcher lets pass who may see what is about all tenants: operators of the
// default tenant, and anybody while no key is needed.
func (api *API) watcher(c *gin.Context) {
	if api.open() {
		if err := api.foreignHost(c); err != nil {
			api.fail(c, err)
		}
		return
	}
	if !api.authenticate(c, desk.RoleOperator) {
		return
	}
	if callerOf(c).Tenant != desk.DefaultTenant {
		api.fail(c, forbidden(desk.RoleAdmin))
	}
}

// holder lets pass whoever has a key with at least the role, or is signed in so.
func (api *API) holder(needed desk.Role) gin.HandlerFunc {
	return func(c *gin.Context) { api.authenticate(c, needed) }
}

// authenticate finds out who calls, and fails the request if they lack the role.
func (api *API) authenticate(c *gin.Context, needed desk.Role) bool {
	key, err := api.callerWith(c, needed)
	if err != nil {
		api.fail(c, err)
		return false
	}
	requestOf(c.Request.Context()).key = key
	return true
}

// callerWith is who calls, if they have at least the role.
func (api *API) callerWith(c *gin.Context, needed desk.Role) (desk.Key, error) {
	key, err := api.caller(c)
	if err == nil && !key.Role.Allows(needed) {
		err = forbidden(needed)
	}
	return key, err
}

// caller is the key that was shown, or else who is signed in to the console.
func (api *API) caller(c *gin.Context) (desk.Key, error) {
	if secret := shownKey(c); secret != "" && api.cfg.Keys != nil {
		return api.cfg.Keys.Key(c.Request.Context(), secret)
	}
	if s, ok, err := api.signedIn(c); ok {
		return s.Key, err
	}
	return desk.Key{}, &desk.Error{
		Kind: desk.Unauthorised, Code: "key_missing", Public: "Send a key, as Authorization: Bearer KEY or X-API-Key: KEY.",
	}
}

func forbidden(needed desk.Role) error {
	return &desk.Error{Kind: desk.Forbidden, Code: "role_missing", Public: "This needs a key with the role " + string(needed) + "."}
}

// shownKey is the secret that the request carries, empty for none.
func shownKey(c *gin.Context) string {
	if scheme, token, ok := strings.Cut(c.GetHeader("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return c.GetHeader("X-Api-Key")
}
