package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Admin is what administrators see and change.
type Admin struct {
	Tenants Tenants
	Keys    KeyStore
	Budgets Budgets
	Audit   Audit
	Usage   Usage
	Users   Users
	Answers Answers
	Gaps    Gaps
	// Handoffs are the customers who wait for a person.
	Handoffs Handoffs
}

// Tenants keeps the tenants. Errors that a caller may read are *desk.Error.
type Tenants interface {
	Create(ctx context.Context, by desk.Actor, t desk.Tenant) (desk.Tenant, error)
	List(ctx context.Context) ([]desk.Tenant, error)
}

// KeyStore keeps the keys; an empty tenant means all.
type KeyStore interface {
	Create(ctx context.Context, by desk.Actor, k desk.Key) (made desk.Key, secret string, err error)
	Rotate(ctx context.Context, by desk.Actor, id desk.KeyID, overlap time.Duration) (made desk.Key, secret string, err error)
	Revoke(ctx context.Context, by desk.Actor, id desk.KeyID) error
	List(ctx context.Context, tenant desk.TenantID) ([]desk.Key, error)
}

// Budgets keeps the caps on spending; an empty tenant means all.
type Budgets interface {
	Set(ctx context.Context, by desk.Actor, b desk.Budget) (desk.Budget, error)
	Remove(ctx context.Context, by desk.Actor, id desk.BudgetID) error
	List(ctx context.Context, tenant desk.TenantID, now time.Time) ([]desk.BudgetState, error)
}

// Audit keeps who changed what.
type Audit interface {
	Record(ctx context.Context, e desk.AuditEntry) error
	List(ctx context.Context, q desk.AuditQuery) ([]desk.AuditEntry, error)
}

// Usage sums up what a tenant asked and spent since a day.
type Usage interface {
	Usage(ctx context.Context, tenant desk.TenantID, since time.Time) (desk.UsageReport, error)
}

func (api *API) adminRoutes() {
	if api.cfg.Admin == nil {
		return
	}
	admin := api.engine.Group("/v1", api.holder(desk.RoleAdmin), api.once)
	admin.GET("/tenants", api.listTenants)
	admin.POST("/tenants", api.createTenant)
	admin.GET("/keys", api.listKeys)
	admin.POST("/keys", api.createKey)
	admin.POST("/keys/:id/rotate", api.rotateKey)
	admin.DELETE("/keys/:id", api.revokeKey)
	admin.GET("/budgets", api.listBudgets)
	admin.PUT("/budgets", api.setBudget)
	admin.DELETE("/budgets/:id", api.removeBudget)
	admin.GET("/audit", api.listAudit)

	operator := api.engine.Group("/v1", api.holder(desk.RoleOperator), api.once, api.audited)
	operator.GET("/usage", api.usage)
	operator.GET("/answers", api.listAnswers)
	operator.GET("/answers/:id", api.showAnswer)
	operator.GET("/gaps", api.listGaps)
	operator.GET("/handoffs", api.listHandoffs)
	operator.GET("/handoffs/:id", api.showHandoff)
	operator.PATCH("/handoffs/:id", api.moveHandoff)
	operator.GET("/users/:id", api.exportUser)
	operator.DELETE("/users/:id", api.deleteUser)
	api.operatorRoutes(operator)
}

// actor is the caller, for the audit log.
func actor(c *gin.Context) desk.Actor {
	return desk.Actor{Name: string(callerOf(c).ID), Request: RequestID(c.Request.Context())}
}

// tenantOf is whose data the caller works on: their own, or for an
// administrator any tenant that ?tenant= names.
func tenantOf(c *gin.Context) desk.TenantID {
	key := callerOf(c)
	if named := c.Query("tenant"); named != "" && key.Role.Allows(desk.RoleAdmin) {
		return desk.TenantID(named)
	}
	return key.Tenant
}

// audited records what operators change, once it has been changed.
func (api *API) audited(c *gin.Context) {
	c.Next()
	if m := c.Request.Method; m == http.MethodGet || m == http.MethodHead || c.Writer.Status() >= http.StatusBadRequest {
		return
	}
	ctx := context.WithoutCancel(c.Request.Context()) // it has been done, whether or not the caller waits
	err := api.cfg.Admin.Audit.Record(ctx, desk.AuditEntry{
		Actor: actor(c), Action: c.Request.Method + " " + c.FullPath(), Tenant: tenantOf(c), Target: c.Param("id"),
		Detail: requestOf(ctx).change,
	})
	if err != nil {
		api.observer.Error(ctx, err)
		api.log.ErrorContext(ctx, "not in the audit log", "actor", actor(c).Name, "action", c.FullPath(), "error", err)
	}
}

// changed makes a change of keys or budgets seen before the caller is told of
// it; other replicas see it within seconds.
func (api *API) changed(c *gin.Context) {
	if err := api.cfg.Keys.Refresh(c.Request.Context()); err != nil {
		api.log.WarnContext(c.Request.Context(), "change not read back", "error", err)
	}
}

func (api *API) reply(c *gin.Context, status int, body any, err error) {
	switch {
	case err != nil:
		api.fail(c, err)
	case body == nil:
		c.Status(status)
		c.Writer.WriteHeaderNow()
	default:
		api.writeJSON(c, status, "application/json", body)
	}
}

// object reads the JSON object in the body of a request.
func (api *API) object(c *gin.Context, fields ...field) error {
	body, err := api.body(c)
	if err != nil {
		return err
	}
	return decodeObject(body, fields...)
}

type auditJSON struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	Action    string    `json:"action"`
	Tenant    string    `json:"tenant"`
	Target    string    `json:"target"`
	Detail    string    `json:"detail"`
	RequestID string    `json:"request_id"`
}

// listAudit answers GET /v1/audit.
func (api *API) listAudit(c *gin.Context) {
	q, err := auditQuery(c)
	if err != nil {
		api.fail(c, err)
		return
	}
	entries, err := api.cfg.Admin.Audit.List(c.Request.Context(), q)
	api.reply(c, http.StatusOK, map[string]any{"entries": each(entries, func(e desk.AuditEntry) auditJSON {
		return auditJSON{
			ID: e.ID, At: e.At, Actor: e.Actor.Name, Action: e.Action, Tenant: string(e.Tenant), Target: e.Target,
			Detail: e.Detail, RequestID: e.Actor.Request,
		}
	})}, err)
}

const (
	auditEntries    = 100
	maxAuditEntries = 10_000
)

func auditQuery(c *gin.Context) (desk.AuditQuery, error) {
	q := desk.AuditQuery{Tenant: desk.TenantID(c.Query("tenant")), Action: c.Query("action"), Limit: auditEntries}
	if text := c.Query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxAuditEntries {
			return q, invalid("value_invalid", "limit", fmt.Sprintf("limit must be 1 to %d.", maxAuditEntries))
		}
		q.Limit = n
	}
	for name, into := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if err := timeFrom(name, c.Query(name), into); err != nil {
			return q, err
		}
	}
	return q, nil
}

// timeFrom reads a moment; an empty text leaves it as it is.
func timeFrom(name, text string, into *time.Time) error {
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return invalid("value_invalid", name, fmt.Sprintf("%q must be a moment such as 2027-01-31T12:00:00Z.", name))
	}
	*into = t
	return nil
}

type usageJSON struct {
	Day              string  `json:"day"`
	Model            string  `json:"model"`
	Provider         string  `json:"provider"`
	Calls            int     `json:"calls"`
	Failed           int     `json:"failed"`
	PromptTokens     int64   `json:"prompt_tokens"`
	CompletionTokens int64   `json:"completion_tokens"`
	CostUSD          float64 `json:"cost_usd"`
	Unpriced         int     `json:"unpriced"`
}

type routeUsageJSON struct {
	Day     string  `json:"day"`
	Route   string  `json:"route"`
	Outcome string  `json:"outcome"`
	Answers int     `json:"answers"`
	CostUSD float64 `json:"cost_usd"`
}

const usageDays = 30

// usage answers GET /v1/usage: what the tenant asked and spent, by day.
func (api *API) usage(c *gin.Context) {
	days, err := daysFrom(c, usageDays)
	if err != nil {
		api.fail(c, err)
		return
	}
	today, _ := desk.PerDay.Window(time.Now())
	report, err := api.cfg.Admin.Usage.Usage(c.Request.Context(), tenantOf(c), today.AddDate(0, 0, 1-days))
	api.reply(c, http.StatusOK, map[string]any{
		"tenant": tenantOf(c),
		"models": each(report.Models, func(u desk.ModelUsage) usageJSON {
			return usageJSON{
				Day: u.Day.Format(time.DateOnly), Model: u.Model, Provider: u.Provider, Calls: u.Calls, Failed: u.Failed,
				PromptTokens: u.Prompt, CompletionTokens: u.Completion, CostUSD: u.Cost.USD(), Unpriced: u.Unpriced,
			}
		}),
		"routes": each(report.Routes, func(u desk.RouteUsage) routeUsageJSON {
			return routeUsageJSON{
				Day: u.Day.Format(time.DateOnly), Route: string(u.Route), Outcome: string(u.Outcome), Answers: u.Answers, CostUSD: u.Cost.USD(),
			}
		}),
	}, err)
}

// each is the list of what f makes of every element, never nil.
func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}
