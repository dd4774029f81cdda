package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"kefu/internal/e2e"
)

// caller makes requests with a key.
type caller struct {
	server *e2e.Server
	key    string
}

func (c caller) do(t *testing.T, method, path, body string) (status int, reply string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.server.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// What a user asks on a website whose server signed for them is theirs: it is
// counted, exported and deleted with them.
func TestAWebsitesSignedUserIsAUserLikeAnyOther(t *testing.T) {
	t.Parallel()
	site := newShop(t).With("KEFU_WIDGET_IDENTITY_SECRET_FILE=secret", "KEFU_LIMIT_USER_REQUESTS_PER_MINUTE=2")
	secret := strings.Repeat("5c", 32)
	site.Write("secret", secret+"\n")
	site.Must("tenants", "create", "acme")
	make := func(role, tenant string) (id, key string) {
		t.Helper()
		var made struct{ ID, Key string }
		if err := json.Unmarshal([]byte(site.Must("keys", "create", "--role", role, "--tenant", tenant, "--json")), &made); err != nil {
			t.Fatal(err)
		}
		return made.ID, made.Key
	}
	id, key := make("widget", "default")
	other, _ := make("widget", "acme")
	_, operators := make("operator", "default")
	server := site.Serve()
	visitor, operator := caller{server, key}, caller{server, operators}
	ask := func(signed string) (int, string) {
		t.Helper()
		return visitor.do(t, http.MethodPost, "/query", `{"question":"How long do I have to return an item?","conversation_id":"c",`+strings.TrimPrefix(strings.TrimSpace(signed), "{"))
	}
	for name, signed := range map[string]string{"another tenant's": site.Must("keys", "sign-user", other, "alice", "--json"), "no": `{"user_id":"alice"}`} {
		if status, body := ask(signed); status != http.StatusForbidden || !strings.Contains(body, `"code":"user_hash_`) {
			t.Errorf("with %s signature = %d %s", name, status, body)
		}
	}
	mine := site.Must("keys", "sign-user", id, "alice", "--json")
	for n, want := range []int{200, 200, 429} {
		if status, body := ask(mine); status != want {
			t.Errorf("question %d = %d, want %d: %s", n+1, status, want, body)
		}
	}
	if status, body := ask(site.Must("keys", "sign-user", id, "bob", "--json")); status != http.StatusOK {
		t.Errorf("another user's question = %d %s", status, body)
	}
	var kept struct {
		Conversations []struct{ Turns []struct{ Question string } }
	}
	e2e.Eventually(t, "alice's questions", func() bool {
		_, body := operator.do(t, http.MethodGet, "/v1/users/alice", "")
		if err := json.Unmarshal([]byte(body), &kept); err != nil {
			t.Fatal(err)
		}
		return len(kept.Conversations) == 1 && len(kept.Conversations[0].Turns) == 2
	})
	if status, body := operator.do(t, http.MethodDelete, "/v1/users/alice", ""); status != http.StatusOK || !strings.Contains(body, `"deleted_turns":2`) {
		t.Errorf("deleting alice = %d %s", status, body)
	}
	server.Stop()
	signing := strings.TrimSpace(site.Must("keys", "secret", id))
	for _, s := range []string{secret, signing} {
		if len(s) != 64 || strings.Contains(server.Log.String(), s) || strings.Contains(site.Must("audit", "list", "--json"), s) {
			t.Errorf("the log or the audit log holds %s", s)
		}
	}
}

func TestOnlyKeysOfWebsitesSign(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	for _, tt := range []struct {
		site *e2e.Site
		args string
		code int
		says string
	}{
		{site, "keys secret key_x", 2, "widget.identity_secret is not set"},
		{site.With("KEFU_WIDGET_IDENTITY_SECRET=" + strings.Repeat("5c", 32)), "keys secret key_x", 1, `no key "key_x"`},
		{site.With("KEFU_WIDGET_IDENTITY_SECRET=" + strings.Repeat("5c", 32)), "keys sign-user key_x 42 --expires 0s", 2, "--expires"},
	} {
		if r := tt.site.Run(strings.Fields(tt.args)...); r.Code != tt.code || !strings.Contains(r.Stderr, tt.says) {
			t.Errorf("%s = %d %s, want %d %s", tt.args, r.Code, r.Stderr, tt.code, tt.says)
		}
	}
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(site.Must("keys", "create", "--json")), &made); err != nil {
		t.Fatal(err)
	}
	r := site.With("KEFU_WIDGET_IDENTITY_SECRET="+strings.Repeat("5c", 32)).Run("keys", "secret", made.ID)
	if want := fmt.Sprintf("the key %s has the role ask", made.ID); r.Code != 2 || !strings.Contains(r.Stderr, want) {
		t.Errorf("a secret of a key for asking = %d %s, want %s", r.Code, r.Stderr, want)
	}
}
