package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

// shopKey is the key of a website, and what its server signs with.
type shopKey struct {
	ID, Key       string
	SigningSecret string `json:"signing_secret"`
}

// signs is what a page sends to say who asks.
func (s shopKey) signs(user string, until time.Time) string {
	return fmt.Sprintf(`"user_id":%q,"expires":%d,"user_hash":%q`, user, until.Unix(), access.SignUser(s.SigningSecret, desk.UserID(user), until))
}

// newShops is an API for the websites of two tenants, and who asked last.
func newShops(t *testing.T) (o *office, mine, other shopKey, got *desk.Ask) {
	t.Helper()
	got = new(desk.Ask)
	o = newOffice(t, says(answer()))
	o.fixture = serve(t, httpapi.Config{
		Keys: access.New(o.db, "", quietLog), Identities: access.NewIdentities("0123456789abcdef0123456789abcdef"), Feedback: masked{o.db.Answers()}, Idempotency: o.db.Idempotency(),
		Admin: &httpapi.Admin{Tenants: o.db.Tenants(), Keys: o.db.Keys(), Budgets: o.db.Budgets(), Audit: o.db.Audit(), Usage: o.db, Users: o.db.Users(), Answers: o.db.Answers(), Gaps: oneGap{}, Handoffs: o.db.Handoffs()},
	}, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		*got = ask
		return answer(), nil
	}))
	for tenant, into := range map[string]*shopKey{"default": &mine, "acme": &other} {
		r := o.as(t, "admin", "POST", "/v1/keys", `{"role":"widget","tenant":"`+tenant+`"}`)
		if err := json.Unmarshal([]byte(r.body), into); err != nil || len(into.SigningSecret) != 64 {
			t.Fatalf("a key for the website of %s = %d %s", tenant, r.StatusCode, r.body)
		}
	}
	return o, mine, other, got
}

func TestAQuestionCountsForTheUserWhomTheWebsitesServerSigned(t *testing.T) {
	o, mine, other, got := newShops(t)
	hour := time.Now().Add(time.Hour)
	signed := mine.signs("alice", hour)
	for name, tt := range map[string]struct{ who, code, field string }{
		"unsigned":                  {`"user_id":"alice"`, "user_hash_missing", "user_hash"},
		"forged":                    {fmt.Sprintf(`"user_id":"alice","expires":%d,"user_hash":"%064d"`, hour.Unix(), 0), "user_hash_invalid", "user_hash"},
		"without its time":          {strings.Replace(signed, fmt.Sprint(hour.Unix()), "null", 1), "user_hash_invalid", "user_hash"},
		"another user's":            {strings.Replace(signed, "alice", "bob", 1), "user_hash_invalid", "user_hash"},
		"another tenant's":          {other.signs("alice", hour), "user_hash_invalid", "user_hash"},
		"expired":                   {mine.signs("alice", time.Now().Add(-time.Second)), "user_hash_expired", "expires"},
		"signed, choosing a model":  {signed + `,"model":"haiku"`, "field_forbidden", "model"},
		"too long, though it holds": {mine.signs(strings.Repeat("a", 129), hour), "value_too_long", "user_id"},
	} {
		r := o.query(t, `{"question":"hi",`+tt.who+`}`, "X-API-Key", mine.Key)
		if p := r.problem(t); p.Code != tt.code || p.Field != tt.field || got.Text != "" {
			t.Errorf("%s = %d %+v, asked %q; want %s", name, r.StatusCode, p, got.Text, tt.code)
		}
	}
	for _, user := range []string{"alice", "客户"} {
		r := o.query(t, `{"question":"hi",`+mine.signs(user, hour)+`}`, "X-API-Key", mine.Key)
		if want := (desk.Scope{Tenant: "default", Key: desk.KeyID(mine.ID), User: desk.UserID(user)}); r.StatusCode != http.StatusOK || got.Scope != want {
			t.Errorf("signed = %d for %+v, want %+v", r.StatusCode, got.Scope, want)
		}
	}
	if r := o.query(t, `{"question":"hi"}`, "X-API-Key", mine.Key); r.StatusCode != http.StatusOK || got.Scope.User != desk.Anonymous {
		t.Errorf("a stranger = %d for %+v", r.StatusCode, got.Scope)
	}
	if r := o.as(t, "ask", "POST", "/query", `{"question":"hi","user_id":"bob"}`); r.StatusCode != http.StatusOK || got.Scope.User != "bob" {
		t.Errorf("a server with a key of its own = %d for %+v", r.StatusCode, got.Scope)
	}
	for _, secret := range []string{mine.SigningSecret, access.SignUser(mine.SigningSecret, "alice", hour)} {
		if strings.Contains(o.log.String(), secret) {
			t.Error("the log holds a secret or a signature")
		}
	}
}

func TestASignedUserRatesInTheirOwnName(t *testing.T) {
	o, mine, other, _ := newShops(t)
	a := recorded(t, o)
	rate := func(who string) reply {
		return o.do(t, "POST", "/v1/answers/"+string(a.ID)+"/feedback", `{"rating":"up",`+who+`}`, "X-API-Key", mine.Key)
	}
	hour := time.Now().Add(time.Hour)
	if r := rate(other.signs("alice", hour)); r.problem(t).Code != "user_hash_invalid" {
		t.Errorf("with another tenant's signature = %s", r.body)
	}
	if r := rate(mine.signs("alice", hour)); r.StatusCode != http.StatusNoContent {
		t.Fatalf("with a signature = %d %s", r.StatusCode, r.body)
	}
	data, err := o.db.Users().Export(t.Context(), desk.Scope{Tenant: "default", User: "alice"})
	if err != nil || len(data.Feedback) != 1 {
		t.Errorf("kept of alice: %+v, %v", data.Feedback, err)
	}
}

func TestAKeyThatIsRotatedHasAnotherSigningSecretAndARevokedOneNone(t *testing.T) {
	o, mine, _, _ := newShops(t)
	signed := `{"question":"hi",` + mine.signs("alice", time.Now().Add(time.Hour)) + `}`
	var next shopKey
	if err := json.Unmarshal([]byte(o.as(t, "admin", "POST", "/v1/keys/"+mine.ID+"/rotate", `{}`).body), &next); err != nil || next.SigningSecret == mine.SigningSecret || len(next.SigningSecret) != 64 {
		t.Fatalf("rotated = %+v, %v", next, err)
	}
	if r := o.query(t, signed, "X-API-Key", next.Key); r.problem(t).Code != "user_hash_invalid" {
		t.Errorf("the old signature with the new key = %s", r.body)
	}
	if r := o.query(t, signed, "X-API-Key", mine.Key); r.StatusCode != http.StatusOK {
		t.Errorf("the old signature with the old key, while both hold = %d", r.StatusCode)
	}
	o.as(t, "admin", "DELETE", "/v1/keys/"+mine.ID, "")
	if r := o.query(t, signed, "X-API-Key", mine.Key); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("the signature of a revoked key = %d", r.StatusCode)
	}
	if body := o.as(t, "admin", "POST", "/v1/keys", `{"role":"ask"}`).body; strings.Contains(body, "signing_secret") {
		t.Errorf("a key that is kept on a server = %s", body)
	}
}
