package httpapi

import (
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

type tenantJSON struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created_at"`
}

func newTenantJSON(t desk.Tenant) tenantJSON {
	return tenantJSON{ID: string(t.ID), Name: t.Name, Created: t.Created}
}

// listTenants answers GET /v1/tenants.
func (api *API) listTenants(c *gin.Context) {
	tenants, err := api.cfg.Admin.Tenants.List(c.Request.Context())
	api.reply(c, http.StatusOK, map[string]any{"tenants": each(tenants, newTenantJSON)}, err)
}

// createTenant answers POST /v1/tenants.
func (api *API) createTenant(c *gin.Context) {
	var t desk.Tenant
	err := api.object(c, field{"id", &t.ID}, field{"name", &t.Name})
	if err == nil {
		err = checkName("name", t.Name)
	}
	if err == nil {
		t, err = api.cfg.Admin.Tenants.Create(c.Request.Context(), actor(c), t)
	}
	api.reply(c, http.StatusCreated, newTenantJSON(t), err)
}

type keyJSON struct {
	ID      string     `json:"id"`
	Tenant  string     `json:"tenant"`
	Name    string     `json:"name"`
	Role    string     `json:"role"`
	Prefix  string     `json:"prefix"`
	Created time.Time  `json:"created_at"`
	Expires *time.Time `json:"expires_at"`
	Revoked *time.Time `json:"revoked_at"`
	// Key is the secret, told this once.
	Key string `json:"key,omitempty"`
	// SigningSecret is what the website's server signs its users with.
	SigningSecret string `json:"signing_secret,omitempty"`
}

func newKeyJSON(k desk.Key) keyJSON {
	j := keyJSON{ID: string(k.ID), Tenant: string(k.Tenant), Name: k.Name, Role: string(k.Role), Prefix: k.Prefix, Created: k.Created}
	if !k.Expires.IsZero() {
		j.Expires = &k.Expires
	}
	if !k.Revoked.IsZero() {
		j.Revoked = &k.Revoked
	}
	return j
}

func (api *API) withSecret(k desk.Key, secret string) keyJSON {
	j := newKeyJSON(k)
	j.Key = secret
	if k.Role == desk.RoleWidget && api.cfg.Identities != nil {
		j.SigningSecret = api.cfg.Identities.Secret(k)
	}
	return j
}

// listKeys answers GET /v1/keys.
func (api *API) listKeys(c *gin.Context) {
	keys, err := api.cfg.Admin.Keys.List(c.Request.Context(), desk.TenantID(c.Query("tenant")))
	api.reply(c, http.StatusOK, map[string]any{"keys": each(keys, newKeyJSON)}, err)
}

// createKey answers POST /v1/keys.
func (api *API) createKey(c *gin.Context) {
	key, expires := desk.Key{Tenant: desk.DefaultTenant, Role: desk.RoleAsk}, ""
	err := api.object(c, field{"tenant", &key.Tenant}, field{"name", &key.Name}, field{"role", &key.Role}, field{"expires_at", &expires})
	if err == nil {
		err = checkName("name", key.Name)
	}
	if err == nil {
		err = timeFrom("expires_at", expires, &key.Expires)
	}
	if err != nil {
		api.fail(c, err)
		return
	}
	made, secret, err := api.cfg.Admin.Keys.Create(c.Request.Context(), actor(c), key)
	api.changed(c)
	api.reply(c, http.StatusCreated, api.withSecret(made, secret), err)
}

// maxOverlap is how long a key may go on after it was rotated, in seconds.
const maxOverlap = 30 * 24 * 3600

// rotateKey answers POST /v1/keys/{id}/rotate.
func (api *API) rotateKey(c *gin.Context) {
	overlap := 24 * 3600
	if err := api.object(c, field{"overlap_seconds", &overlap}); err != nil {
		api.fail(c, err)
		return
	}
	if overlap < 0 || overlap > maxOverlap {
		api.fail(c, invalid("value_invalid", "overlap_seconds", "overlap_seconds must be 0 to 2592000."))
		return
	}
	made, secret, err := api.cfg.Admin.Keys.Rotate(c.Request.Context(), actor(c), desk.KeyID(c.Param("id")), time.Duration(overlap)*time.Second)
	api.changed(c)
	api.reply(c, http.StatusCreated, api.withSecret(made, secret), err)
}

// revokeKey answers DELETE /v1/keys/{id}.
func (api *API) revokeKey(c *gin.Context) {
	err := api.cfg.Admin.Keys.Revoke(c.Request.Context(), actor(c), desk.KeyID(c.Param("id")))
	api.changed(c)
	api.reply(c, http.StatusNoContent, nil, err)
}

type budgetJSON struct {
	ID      string  `json:"id"`
	Tenant  string  `json:"tenant"`
	Subject string  `json:"subject"`
	Name    string  `json:"name"`
	Period  string  `json:"period"`
	Unit    string  `json:"unit"`
	Cap     float64 `json:"cap"` // dollars or tokens
	AtCap   string  `json:"at_cap"`
}

type budgetStateJSON struct {
	budgetJSON
	Spent  float64   `json:"spent"`
	Held   float64   `json:"held"`
	Resets time.Time `json:"resets_at"`
}

func newBudgetJSON(b desk.Budget) budgetJSON {
	return budgetJSON{
		ID: string(b.ID), Tenant: string(b.Tenant), Subject: string(b.Subject), Name: b.Name, Period: string(b.Period),
		Unit: string(b.Unit), Cap: inUnit(b.Unit, b.Cap), AtCap: string(b.AtCap),
	}
}

// inUnit is an amount as people write it: in dollars, or in tokens.
func inUnit(unit desk.BudgetUnit, amount int64) float64 {
	if unit == desk.InUSD {
		return desk.MicroUSD(amount).USD()
	}
	return float64(amount)
}

// listBudgets answers GET /v1/budgets.
func (api *API) listBudgets(c *gin.Context) {
	states, err := api.cfg.Admin.Budgets.List(c.Request.Context(), desk.TenantID(c.Query("tenant")), time.Now())
	api.reply(c, http.StatusOK, map[string]any{"budgets": each(states, func(s desk.BudgetState) budgetStateJSON {
		return budgetStateJSON{newBudgetJSON(s.Budget), inUnit(s.Unit, s.Spent), inUnit(s.Unit, s.Held), s.Resets}
	})}, err)
}

// setBudget answers PUT /v1/budgets.
func (api *API) setBudget(c *gin.Context) {
	b := desk.Budget{Tenant: desk.DefaultTenant, Subject: desk.SubjectTenant, Period: desk.PerDay, Unit: desk.InUSD, AtCap: desk.RefuseAtCap}
	limit := 0.0
	err := api.object(
		c, field{"tenant", &b.Tenant}, field{"subject", &b.Subject}, field{"name", &b.Name}, field{"period", &b.Period},
		field{"unit", &b.Unit}, field{"cap", &limit}, field{"at_cap", &b.AtCap},
	)
	if err == nil {
		err = checkName("name", b.Name)
	}
	if err == nil {
		b.Cap = cap64(b.Unit, limit)
		b, err = api.cfg.Admin.Budgets.Set(c.Request.Context(), actor(c), b)
		api.changed(c)
	}
	api.reply(c, http.StatusOK, newBudgetJSON(b), err)
}

// cap64 is a cap as it is counted, rounded down; what is out of all bounds is
// left to the store to refuse.
func cap64(unit desk.BudgetUnit, limit float64) int64 {
	if unit == desk.InUSD {
		limit *= 1e6
	}
	return int64(math.Min(math.Floor(limit+1e-6), math.MaxInt64/2)) // the addition undoes binary noise
}

// removeBudget answers DELETE /v1/budgets/{id}.
func (api *API) removeBudget(c *gin.Context) {
	err := api.cfg.Admin.Budgets.Remove(c.Request.Context(), actor(c), desk.BudgetID(c.Param("id")))
	api.changed(c)
	api.reply(c, http.StatusNoContent, nil, err)
}
