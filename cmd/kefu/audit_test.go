package main_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEveryChangeByACommandIsInTheAuditLogWithItsUser(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Must("kb", "load", "docs")
	site.Must("kb", "load", "docs") // changes nothing
	site.Must("kb", "load", "--dry-run", "docs")
	site.Write("faq/pets.md", "# Pets\n\nDogs are welcome.\n")
	site.Must("kb", "sync", "faq", "--source", "faq")
	var docs []struct{ ID, Source string }
	if err := json.Unmarshal([]byte(site.Must("kb", "list", "--json")), &docs); err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if d.Source == "faq" {
			site.Must("kb", "rm", d.ID)
		}
	}
	site.Must("kb", "rollback", "2")
	site.Must("tenants", "create", "acme")
	key := strings.TrimSpace(site.Must("keys", "create", "--tenant", "acme", "--json"))
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(key), &made); err != nil {
		t.Fatalf("%v: %s", err, key)
	}
	site.Must("keys", "rotate", made.ID)
	site.Must("keys", "revoke", made.ID)
	site.Must("budgets", "set", "--tenant", "acme", "--usd", "5")

	var entries []struct{ Actor, Action, Tenant, Target, Detail string }
	if err := json.Unmarshal([]byte(site.Must("audit", "list", "--json")), &entries); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range entries {
		actions = append([]string{e.Action}, actions...)
		if !strings.HasPrefix(e.Actor, "cli") || e.Tenant == "" || e.Target == "" {
			t.Errorf("entry %+v, want its user, its tenant and what it is about", e)
		}
	}
	want := "kb.load kb.sync kb.edit kb.rollback tenant.create key.create key.rotate key.revoke budget.set"
	if got := strings.Join(actions, " "); got != want {
		t.Errorf("actions = %s\nwant      %s", got, want)
	}
	holds(t, "what was synced", site.Must("audit", "list", "--action", "kb.sync"), "faq: 1 added, 0 updated, 0 removed")
}
