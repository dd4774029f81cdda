package main

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/ingest"
)

// isolated is one of two tenants whose documents, users and conversations have
// the same names, and whose answers give them away.
type isolated struct {
	id       desk.TenantID
	mark     string            // stands in all that it knows, and in nothing of the other
	keys     map[string]string // by role
	session  string            // the cookie of its operator
	answered int
	handoff  string         // one of its own
	changed  map[string]int // what it wrote into its knowledge base, by kind
}

// twoTenants is a whole Kefu in this process, over a real database.
func twoTenants(t *testing.T) (http.Handler, [2]*isolated) {
	t.Helper()
	cfg := config.Default()
	cfg.DataDir, cfg.Knowledge.Path, cfg.Limit = t.TempDir(), "", config.Limit{}
	a, err := openApp(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	tenants := [2]*isolated{
		{id: "alpha", mark: "31 days", changed: map[string]int{}},
		{id: "beta", mark: "62 days", changed: map[string]int{}},
	}
	by := desk.Actor{Name: "test"}
	for _, x := range tenants {
		if _, err := a.db.Tenants().Create(t.Context(), by, desk.Tenant{ID: x.id}); err != nil {
			t.Fatal(err)
		}
		x.keys = map[string]string{}
		for _, role := range []desk.Role{desk.RoleAsk, desk.RoleOperator} {
			if _, x.keys[string(role)], err = a.db.Keys().Create(t.Context(), by, desk.Key{Tenant: x.id, Role: role}); err != nil {
				t.Fatal(err)
			}
		}
		dir := t.TempDir()
		for i := range 6 {
			if err := os.WriteFile(filepath.Join(dir, lampFile(i)), []byte(x.lamp(i)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.loader.Load(t.Context(), x.id, ingest.Request{Paths: []string{dir}}, func(ingest.Progress) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.learn(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, x := range tenants {
		secret, _, err := a.edge.Sessions.ByKey(t.Context(), x.keys[string(desk.RoleOperator)])
		if err != nil {
			t.Fatal(err)
		}
		x.session = "kefu_session=" + secret
	}
	return a.api.Handler(), tenants
}

func lampFile(i int) string { return fmt.Sprintf("lamp%d.md", i) }

// lamp is what the tenant says about a lamp.
func (x *isolated) lamp(i int) string {
	return fmt.Sprintf("# Lamp %d\n\nYou can return lamp %d within %s. Its warranty lasts %s longer than the law demands.\n", i, i, x.mark, x.mark)
}

func (x *isolated) do(h http.Handler, role, method, path, body string) *httptest.ResponseRecorder {
	return x.send(h, role, method, path, "application/json", body)
}

func (x *isolated) send(h http.Handler, role, method, path, contentType, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if role == "console" {
		req.Header.Set("Cookie", x.session)
		req.Header.Set("X-Kefu-Console", "1")
	} else {
		req.Header.Set("Authorization", "Bearer "+x.keys[role])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// volatile is what differs between two replies to the same request.
var volatile = regexp.MustCompile(`"request_id":"[^"]*"|missing|conv_[a-z]+_\d|release \d+`)

// like fails unless another's thing is answered exactly like a missing one.
func like(t *testing.T, what string, theirs, missing *httptest.ResponseRecorder) {
	t.Helper()
	if theirs.Code != missing.Code || volatile.ReplaceAllString(theirs.Body.String(), "") != volatile.ReplaceAllString(missing.Body.String(), "") {
		t.Fatalf("another's %s = %d %s, a missing one = %d %s", what, theirs.Code, theirs.Body, missing.Code, missing.Body)
	}
}

var handoffID = regexp.MustCompile(`"answer_id":"([^"]+)"`)

func TestTwoTenantsNeverMeetInTenThousandOperations(t *testing.T) {
	t.Parallel()
	h, tenants := twoTenants(t)
	for _, x := range tenants {
		if w := x.do(h, "operator", "POST", "/v1/curated", fmt.Sprintf(`{"question":"How long can I return a kite?","answer":"Within %s."}`, x.mark)); w.Code != http.StatusCreated {
			t.Fatal(w.Body)
		}
	}
	const operations = 10_000
	for n := range operations {
		i := rand.N(2)
		mine, other := tenants[i], tenants[1-i]
		lamp, user := rand.N(6), fmt.Sprintf("u%d", rand.N(4))
		shared, own := fmt.Sprintf("conv_shared_%d", rand.N(4)), fmt.Sprintf("conv_%s_%d", mine.id, rand.N(4))
		operation := rand.N(13)
		if n%80 == 0 { // each publish waits for the replica
			operation = 13
		}
		var w *httptest.ResponseRecorder
		switch operation {
		case 0, 1, 2:
			w = mine.do(h, "ask", "POST", "/query", fmt.Sprintf(`{"question":"Within how many days can I return lamp %d?","user_id":%q}`, lamp, user))
			if strings.Contains(w.Body.String(), mine.mark) {
				mine.answered++
			}
		case 3:
			w = mine.do(h, "ask", "POST", "/query", fmt.Sprintf(`{"question":"How many days does the warranty of lamp %d last longer?","user_id":%q,"conversation_id":%q}`,
				lamp, user, []string{shared, own}[rand.N(2)]))
		case 4:
			w = mine.do(h, "ask", "POST", "/v1/chat/completions", fmt.Sprintf(
				`{"model":"kefu-auto","user":%q,"messages":[{"role":"user","content":"Within how many days can I return lamp %d?"}]}`, user, lamp))
		case 5:
			w = mine.do(h, "ask", "GET", "/v1/conversations?user_id="+user, "")
		case 6: // another's conversation answers exactly like a missing one
			theirs := fmt.Sprintf("conv_%s_%d", other.id, rand.N(4))
			w = mine.do(h, "ask", "GET", "/v1/conversations/"+theirs+"?user_id="+user, "")
			missing := mine.do(h, "ask", "GET", "/v1/conversations/missing?user_id="+user, "")
			like(t, "conversation", w, missing)
		case 7:
			w = mine.do(h, "operator", "GET", "/v1/users/"+user+"?tenant="+string(other.id), "")
		case 8:
			w = mine.do(h, "operator", "GET", "/v1/usage?tenant="+string(other.id), "")
		case 9:
			list := []string{"answers", "gaps", "documents", "releases", "handoffs", "curated"}[rand.N(6)]
			w = mine.do(h, "console", "GET", "/v1/"+list+"?tenant="+string(other.id), "")
		case 10:
			w = mine.do(h, "console", "POST", "/v1/search?tenant="+string(other.id), fmt.Sprintf(`{"question":"Within how many days can I return lamp %d?"}`, lamp))
		case 11: // a person is offered to somebody who names what is theirs alone
			w = mine.do(h, "ask", "POST", "/query", fmt.Sprintf(`{"question":"Do you rent kites for %s and %d minutes?","user_id":%q,"conversation_id":%q}`, mine.mark, n, user, own))
		case 12: // another's handoff answers exactly like a missing one
			list := mine.do(h, "operator", "GET", "/v1/handoffs", "")
			if id := handoffID.FindStringSubmatch(list.Body.String()); id != nil {
				mine.handoff = id[1]
			}
			method := []string{"GET", "PATCH"}[rand.N(2)]
			w = mine.do(h, "operator", method, "/v1/handoffs/"+other.handoff+"?tenant="+string(other.id), `{"state":"taken"}`)
			missing := mine.do(h, "operator", method, "/v1/handoffs/missing", `{"state":"taken"}`)
			if other.handoff != "" {
				like(t, "handoff", w, missing)
			}
		case 13:
			w = mine.write(t, h, other, n)
		}
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("operation %d: %d %s", n, w.Code, w.Body)
		}
		if text := w.Body.String(); strings.Contains(text, other.mark) || strings.Contains(text, "conv_"+string(other.id)) && !strings.Contains(text, "problem") {
			t.Fatalf("operation %d: %s was told of %s: %s", n, mine.id, other.id, text)
		}
	}
	for _, x := range tenants {
		if x.answered < operations/25 {
			t.Errorf("%s got %d answers of its own: nothing was compared", x.id, x.answered)
		}
		if x.handoff == "" {
			t.Errorf("%s had no handoff of its own: nothing was compared", x.id)
		}
		for _, kind := range changes {
			if x.changed[kind] == 0 {
				t.Errorf("%s never did a %s of its own: nothing was compared", x.id, kind)
			}
		}
	}
}
