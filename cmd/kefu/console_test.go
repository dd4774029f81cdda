package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"kefu/internal/e2e"
)

// signIn spends a sign-in link and returns the session's cookie, empty where
// it was refused.
func signIn(t *testing.T, s *e2e.Server, link string) string {
	t.Helper()
	_, token, ok := strings.Cut(strings.TrimSpace(link), "#link=")
	if !ok {
		t.Fatalf("%q is no sign-in link", link)
	}
	resp := operate(t, s, http.MethodPost, "/v1/sessions", `{"link":"`+token+`"}`, "")
	if resp.StatusCode != http.StatusCreated {
		return ""
	}
	return resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
}

// operated is a response that was read to its end.
type operated struct {
	*http.Response
	body string
}

// operate makes a request of the console's.
func operate(t *testing.T, s *e2e.Server, method, path, body, cookie string) operated {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Kefu-Console", "1")
	req.Header.Set("Cookie", cookie)
	resp, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return operated{resp, string(text)}
}

func TestEachStartPrintsALinkUntilSomebodyHasSignedIn(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	link := func(s *e2e.Server) string {
		line := s.Log.Await(t, "/console")
		return line[strings.Index(line, "http"):]
	}
	first := site.Serve()
	unused := link(first)
	first.Stop()
	again := site.Serve()
	if signIn(t, again, unused) == "" {
		t.Error("a link is refused after a restart")
	}
	if second := link(again); signIn(t, again, second) == "" || signIn(t, again, second) != "" {
		t.Error("a link should work once")
	}
	again.Stop()
	third := site.Serve()
	if shown := strings.TrimSpace(link(third)); shown != third.URL+"/console" {
		t.Errorf("a later start shows %s, want no link", shown)
	}
	healthy(t, third.Log)
}

func TestTheCommandLineSignsPeopleInAndOut(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Must("tenants", "create", "acme")
	server := site.Serve()
	cookie := signIn(t, server, site.Must("console", "link", "--tenant", "acme", "-q"))
	if got := operate(t, server, http.MethodGet, "/v1/session", "", cookie).StatusCode; got != http.StatusOK {
		t.Fatalf("the session = %d, want 200", got)
	}
	if got := operate(t, server, http.MethodGet, "/v1/keys", "", cookie).StatusCode; got != http.StatusForbidden {
		t.Errorf("an operator's keys = %d, want 403", got)
	}
	var list []struct{ ID, Tenant, Role string }
	if err := json.Unmarshal([]byte(site.Must("console", "sessions", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Tenant != "acme" || list[0].Role != "operator" {
		t.Fatalf("sessions = %+v, want an operator of acme", list)
	}
	site.Must("console", "end", list[0].ID)
	if got := operate(t, server, http.MethodGet, "/v1/session", "", cookie).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("after its end the session = %d, want 401", got)
	}

	if out := site.Must("console", "link", "--url", "https://help.example.com/", "-q"); !regexp.MustCompile(`^https://help\.example\.com/console#link=\w{52}\n$`).MatchString(out) {
		t.Errorf("link = %q", out)
	}
	for code, args := range map[int][]string{
		2: {"console", "link", "--url", "help.example.com"},
		1: {"console", "link", "--tenant", "nobody"},
	} {
		if r := site.Run(args...); r.Code != code {
			t.Errorf("kefu %s: exit status %d, want %d: %s", strings.Join(args, " "), r.Code, code, r.Stderr)
		}
	}
}

// What one server is told, all others know.
func TestASessionHoldsOnEveryReplicaUntilItIsEnded(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	one, other := site.Serve(), site.Serve()
	cookie := signIn(t, one, site.Must("console", "link", "-q"))
	if got := operate(t, other, http.MethodGet, "/v1/session", "", cookie).StatusCode; got != http.StatusOK {
		t.Errorf("on the other server = %d, want 200", got)
	}
	if got := operate(t, other, http.MethodDelete, "/v1/session", "", cookie).StatusCode; got != http.StatusNoContent {
		t.Errorf("sign out there = %d, want 204", got)
	}
	if got := operate(t, one, http.MethodGet, "/v1/session", "", cookie).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("here afterwards = %d, want 401", got)
	}
}

func TestSignInsFromOneAddressAreThrottled(t *testing.T) {
	t.Parallel()
	server := newShop(t).Serve()
	var last operated
	began := time.Now()
	for range 11 {
		last = operate(t, server, http.MethodPost, "/v1/sessions", `{"link":"guess"}`, "")
	}
	if last.StatusCode != http.StatusTooManyRequests && time.Since(began) < 5*time.Second {
		t.Errorf("the eleventh attempt = %d, want 429", last.StatusCode)
	}
}
