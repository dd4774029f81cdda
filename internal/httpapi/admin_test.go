package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kefu/internal/access"
	"kefu/internal/curated"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/store"
)

// office is an API over a real database, with a key of each role.
type office struct {
	*fixture
	db       *store.DB
	sessions *access.Sessions
	keys     map[string]string // by "role tenant", and "expired", "revoked"
}

func newOffice(t testing.TB, answerer httpapi.Answerer) *office {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir(), Logger: quietLog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	by := desk.Actor{Name: "test"}
	if _, err := db.Tenants().Create(t.Context(), by, desk.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	o := &office{db: db, keys: map[string]string{}}
	for name, k := range map[string]desk.Key{
		"ask":      {Tenant: desk.DefaultTenant, Role: desk.RoleAsk},
		"widget":   {Tenant: desk.DefaultTenant, Role: desk.RoleWidget},
		"ask acme": {Tenant: "acme", Role: desk.RoleAsk},
		"operator": {Tenant: desk.DefaultTenant, Role: desk.RoleOperator}, "operator acme": {Tenant: "acme", Role: desk.RoleOperator},
		"admin":   {Tenant: desk.DefaultTenant, Role: desk.RoleAdmin},
		"expired": {Tenant: desk.DefaultTenant, Role: desk.RoleAdmin},
		"revoked": {Tenant: desk.DefaultTenant, Role: desk.RoleAdmin},
	} {
		life := 50 * time.Millisecond
		if name == "expired" {
			k.Expires = time.Now().Add(life)
		}
		made, secret, err := db.Keys().Create(t.Context(), by, k)
		for ; err != nil && name == "expired" && life < time.Minute; life *= 4 { // made too late on a busy machine
			k.Expires = time.Now().Add(life)
			made, secret, err = db.Keys().Create(t.Context(), by, k)
		}
		if err != nil {
			t.Fatal(err)
		}
		o.keys[name] = secret
		if name == "revoked" {
			if err := db.Keys().Revoke(t.Context(), by, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		if name == "expired" {
			time.Sleep(time.Until(k.Expires))
		}
	}
	stock, keys := newStock(db), access.New(db, "", quietLog)
	o.sessions = access.NewSessions(keys, db.Sessions(), access.SessionConfig{})
	o.fixture = serve(t, httpapi.Config{
		Operators:     &httpapi.Operators{Documents: stock, Releases: stock, Inspector: stock, Curated: curated.New(stock, stock.loader.FitsPair)},
		Keys:          keys,
		Admin:         &httpapi.Admin{Tenants: db.Tenants(), Keys: db.Keys(), Budgets: db.Budgets(), Audit: db.Audit(), Usage: db, Users: db.Users(), Answers: db.Answers(), Gaps: oneGap{}, Handoffs: db.Handoffs()},
		Feedback:      masked{db.Answers()},
		Conversations: db.Turns(),
		Idempotency:   db.Idempotency(),
		Chat:          http.HandlerFunc(chatPage), Widget: http.HandlerFunc(chatPage), Console: http.HandlerFunc(chatPage), Metrics: promhttp.Handler(),
		Sessions: o.sessions, Happenings: ended{},
	}, answerer)
	return o
}

// as makes a request with the key of that name.
func (o *office) as(t testing.TB, key, method, path, body string) reply {
	t.Helper()
	return o.do(t, method, path, body, "Authorization", "Bearer "+o.keys[key])
}

// needed is the role that each route needs.
var needed = map[string]desk.Role{
	"/query": desk.RoleWidget, "/v1/chat/completions": desk.RoleAsk, "/v1/models": desk.RoleAsk, "/v1/models/*model": desk.RoleAsk,
	"/metrics": desk.RoleOperator, "/ops/events": desk.RoleAdmin, "/v1/usage": desk.RoleOperator, "/v1/users/:id": desk.RoleOperator,
	"/v1/gaps": desk.RoleOperator, "/v1/curated": desk.RoleOperator, "/v1/curated/:id": desk.RoleOperator, "/v1/handoffs": desk.RoleOperator, "/v1/handoffs/:id": desk.RoleOperator, "/v1/answers": desk.RoleOperator, "/v1/answers/:id": desk.RoleOperator, "/v1/answers/:id/feedback": desk.RoleWidget,
	"/v1/conversations": desk.RoleAsk, "/v1/conversations/:id": desk.RoleAsk,
	"/v1/documents": desk.RoleOperator, "/v1/documents/:id": desk.RoleOperator, "/v1/search": desk.RoleOperator,
	"/v1/releases": desk.RoleOperator, "/v1/releases/:rev/rollback": desk.RoleOperator,
	"/v1/tenants": desk.RoleAdmin, "/v1/keys": desk.RoleAdmin, "/v1/keys/:id": desk.RoleAdmin, "/v1/keys/:id/rotate": desk.RoleAdmin,
	"/v1/budgets": desk.RoleAdmin, "/v1/budgets/:id": desk.RoleAdmin, "/v1/audit": desk.RoleAdmin,
	"/v1/session": desk.RoleOperator,
}

// The console is a page without anything to see; those who sign in have no
// session yet.
var publicRoutes = []string{"/", "/health", "/readyz", "/openapi.json", "/docs", "/docs/*asset", "/chat/*asset", "/widget", "/widget.js", "/widget/*asset", "/console", "/console/*asset", "/v1/sessions"}

func TestEveryRouteRefusesKeysThatHaveEndedAndRolesThatAreTooWeak(t *testing.T) {
	o := newOffice(t, says(answer()))
	for _, r := range o.api.Routes() {
		role, guarded := needed[r.Path]
		if slices.Contains(publicRoutes, r.Path) == guarded {
			t.Errorf("%s %s is neither public nor is its role known", r.Method, r.Path)
		}
		if !guarded {
			continue
		}
		path := strings.NewReplacer("*model", "kefu-auto", ":id", "key_nobody", ":rev", "0").Replace(r.Path)
		for _, key := range []string{"", "expired", "revoked", "unknown"} {
			if got := o.as(t, key, r.Method, path, "").StatusCode; got != http.StatusUnauthorized {
				t.Errorf("%s %s with key %q = %d, want 401", r.Method, path, key, got)
			}
		}
		for _, key := range []string{"widget", "ask", "ask acme", "operator", "operator acme", "admin"} {
			has, tenant, _ := strings.Cut(key, " ")
			allowed := desk.Role(has).Allows(role) && (r.Path != "/metrics" || tenant == "")
			if got := o.as(t, key, r.Method, path, "").StatusCode; (got == http.StatusForbidden) == allowed {
				t.Errorf("%s %s as %s = %d, want allowed = %v", r.Method, path, key, got, allowed)
			}
		}
	}
}

func TestAskersActForTheTenantOfTheirKey(t *testing.T) {
	var got desk.Ask
	o := newOffice(t, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		got = ask
		return answer(), nil
	}))
	o.as(t, "ask acme", "POST", "/query", `{"question":"hi","user_id":"u"}`)
	if got.Scope.Tenant != "acme" || got.Scope.User != "u" || !strings.HasPrefix(string(got.Scope.Key), "key_") {
		t.Errorf("scope = %+v, want acme's key", got.Scope)
	}
}

func TestAdministratorsMakeTenantsKeysAndBudgetsAndSeeWhoDid(t *testing.T) {
	o := newOffice(t, says(answer()))
	do := func(want int, method, path, body string, into any) {
		t.Helper()
		r := o.as(t, "admin", method, path, body)
		if r.StatusCode != want {
			t.Fatalf("%s %s = %d, want %d: %s", method, path, r.StatusCode, want, r.body)
		}
		if into != nil {
			if err := json.Unmarshal([]byte(r.body), into); err != nil {
				t.Fatal(err)
			}
		}
	}
	var tenant struct{ ID, Name string }
	do(201, "POST", "/v1/tenants", `{"id":"globex","name":"Globex 公司"}`, &tenant)
	do(409, "POST", "/v1/tenants", `{"id":"globex"}`, nil)
	do(400, "POST", "/v1/tenants", `{"id":"x","plan":"gold"}`, nil)

	var key struct{ ID, Key, Tenant, Role string }
	do(201, "POST", "/v1/keys", `{"tenant":"globex","name":"bot"}`, &key)
	if key.Tenant != "globex" || key.Role != "ask" || len(key.Key) != 57 {
		t.Errorf("key = %+v", key)
	}
	ask := func(secret string) int {
		return o.query(t, `{"question":"hi"}`, "X-API-Key", secret).StatusCode
	}
	if got := ask(key.Key); got != 200 {
		t.Errorf("with the new key = %d, want 200", got)
	}
	var next struct{ ID, Key string }
	do(201, "POST", "/v1/keys/"+key.ID+"/rotate", `{"overlap_seconds":3600}`, &next)
	if ask(key.Key) != 200 || ask(next.Key) != 200 {
		t.Error("old and new key should both be taken while they overlap")
	}
	do(204, "DELETE", "/v1/keys/"+key.ID, "", nil)
	if ask(key.Key) != 401 || ask(next.Key) != 200 {
		t.Error("the revoked key is taken, or its successor is not")
	}
	do(404, "DELETE", "/v1/keys/key_nobody", "", nil)
	var listed struct{ Keys []map[string]any }
	do(200, "GET", "/v1/keys?tenant=globex", "", &listed)
	if len(listed.Keys) != 2 || listed.Keys[0]["key"] != nil {
		t.Errorf("keys = %v, want two without secrets", listed.Keys)
	}

	var budget struct {
		ID  string
		Cap float64
	}
	do(200, "PUT", "/v1/budgets", `{"tenant":"globex","cap":0.07,"period":"month","at_cap":"offline"}`, &budget)
	if budget.Cap != 0.07 {
		t.Errorf("cap = %v, want 0.07", budget.Cap)
	}
	do(400, "PUT", "/v1/budgets", `{"tenant":"globex","cap":-1}`, nil)
	do(404, "PUT", "/v1/budgets", `{"tenant":"nobody","cap":1}`, nil)
	do(200, "GET", "/v1/budgets", "", nil)
	do(204, "DELETE", "/v1/budgets/"+budget.ID, "", nil)
	do(200, "GET", "/v1/tenants", "", nil)

	var audit struct {
		Entries []struct{ Actor, Action, Target, Detail string }
	}
	do(200, "GET", "/v1/audit?tenant=globex&limit=100", "", &audit)
	var actions []string
	for _, e := range audit.Entries {
		actions = append(actions, e.Action)
		if !strings.HasPrefix(e.Actor, "key_") || strings.Contains(e.Detail, key.Key) {
			t.Errorf("entry = %+v, want the administrator's key and no secret", e)
		}
	}
	if want := "budget.remove budget.set key.revoke key.rotate key.create tenant.create"; strings.Join(actions, " ") != want {
		t.Errorf("actions = %v, want %s", actions, want)
	}
	for _, bad := range []string{"limit=0", "limit=x", "since=yesterday"} {
		do(400, "GET", "/v1/audit?"+bad, "", nil)
	}
}

func TestUsageIsTheTenantsOwn(t *testing.T) {
	o := newOffice(t, says(answer()))
	tenant := func(key, query string) string {
		t.Helper()
		r := o.as(t, key, "GET", "/v1/usage"+query, "")
		var u struct{ Tenant string }
		if err := json.Unmarshal([]byte(r.body), &u); err != nil || r.StatusCode != 200 {
			t.Fatalf("%d %s", r.StatusCode, r.body)
		}
		return u.Tenant
	}
	if got := tenant("operator acme", ""); got != "acme" {
		t.Errorf("usage of %s, want acme", got)
	}
	if got := tenant("operator acme", "?tenant=default"); got != "acme" {
		t.Errorf("an operator saw the usage of %s", got)
	}
	if got := tenant("admin", "?tenant=acme&days=7"); got != "acme" {
		t.Errorf("usage of %s, want acme", got)
	}
	if r := o.as(t, "admin", "GET", "/v1/usage?days=1000", ""); r.StatusCode != 400 {
		t.Errorf("1000 days = %d, want 400", r.StatusCode)
	}
}

// Until a key for asking exists, anybody on this machine may ask, but nobody in
// the name of a key that has ended.
func TestAKeyThatHasEndedIsRefusedAlsoWhereNoneIsNeeded(t *testing.T) {
	f := serve(t, httpapi.Config{Keys: keyed("")}, says(answer()))
	for key, want := range map[string]int{"": 200, "sk-anything": 200, access.NewSecret(): 401} {
		if r := f.query(t, `{"question":"hi"}`, "Authorization", "Bearer "+key); r.StatusCode != want {
			t.Errorf("key %q = %d, want %d", key, r.StatusCode, want)
		}
	}
}
