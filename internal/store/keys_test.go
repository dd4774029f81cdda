package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kefu/internal/access"
	"kefu/internal/budget"
	"kefu/internal/desk"
	"kefu/internal/store"
)

var me = desk.Actor{Name: "cli:me", Request: "req_1"}

func codeOf(err error) string {
	var e *desk.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAKeyIsKeptAsAHashAndEndsWhenItIsRevoked(t *testing.T) {
	for name, openDB := range engines {
		t.Run(name, func(t *testing.T) {
			db, ctx := openDB(t), t.Context()
			if _, err := db.Tenants().Create(ctx, me, desk.Tenant{ID: "acme"}); err != nil {
				t.Fatal(err)
			}
			key, secret, err := db.Keys().Create(ctx, me, desk.Key{Tenant: "acme", Name: "website", Role: desk.RoleOperator})
			if err != nil {
				t.Fatal(err)
			}
			rules, changed, err := db.Access(ctx, 0)
			if err != nil || !changed || len(rules.Keys) != 1 || rules.Keys[0].Key != key || rules.Keys[0].Hash != access.Hash(secret) || rules.Asking {
				t.Fatalf("rules = %+v, %v, want the key and its hash", rules, err)
			}
			if _, changed, err = db.Access(ctx, rules.Version); err != nil || changed {
				t.Errorf("changed = %v, %v, want nothing new", changed, err)
			}
			if err := db.Keys().Revoke(ctx, me, key.ID); err != nil {
				t.Fatal(err)
			}
			rules, changed, err = db.Access(ctx, rules.Version)
			if err != nil || !changed || len(rules.Keys) != 0 {
				t.Errorf("rules = %+v, %v, want no key", rules, err)
			}
			listed, err := db.Keys().List(ctx, "acme")
			if err != nil || len(listed) != 1 || listed[0].Revoked.IsZero() {
				t.Errorf("list = %+v, %v, want the revoked key", listed, err)
			}
		})
	}
}

func TestARotatedKeyOverlapsItsSuccessor(t *testing.T) {
	for name, openDB := range engines {
		t.Run(name, func(t *testing.T) {
			db, ctx := openDB(t), t.Context()
			old, _, err := db.Keys().Create(ctx, me, desk.Key{Tenant: desk.DefaultTenant, Name: "bot", Role: desk.RoleAsk})
			if err != nil {
				t.Fatal(err)
			}
			next, secret, err := db.Keys().Rotate(ctx, me, old.ID, time.Hour)
			if err != nil || secret == "" || next.Name != "bot" || next.Role != desk.RoleAsk || next.ID == old.ID {
				t.Fatalf("next = %+v, %v", next, err)
			}
			keys, err := db.Keys().List(ctx, desk.DefaultTenant)
			if err != nil || len(keys) != 2 {
				t.Fatalf("keys = %+v, %v", keys, err)
			}
			for _, k := range keys {
				switch left := time.Until(k.Expires); {
				case k.ID == old.ID && (left < 59*time.Minute || left > time.Hour):
					t.Errorf("the old key has %v, want an hour", left)
				case k.ID == next.ID && !k.Expires.IsZero():
					t.Errorf("the new key expires at %v, want never, as the old one", k.Expires)
				}
			}
			if err := db.Keys().Revoke(ctx, me, old.ID); err != nil {
				t.Fatal(err)
			}
			if _, _, err := db.Keys().Rotate(ctx, me, old.ID, 0); codeOf(err) != "key_revoked" {
				t.Errorf("rotating a revoked key: %v, want key_revoked", err)
			}
		})
	}
}

func TestARotatedKeySpendsFromTheSameBudget(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		first, _, err := db.Keys().Create(ctx, me, desk.Key{Tenant: desk.DefaultTenant, Role: desk.RoleAsk})
		if err != nil {
			t.Fatal(err)
		}
		limit := desk.Budget{Tenant: desk.DefaultTenant, Subject: desk.SubjectKey, Name: string(first.ID), Period: desk.PerDay, Unit: desk.InUSD, Cap: 100, AtCap: desk.RefuseAtCap}
		set, err := db.Budgets().Set(ctx, me, limit)
		if err != nil {
			t.Fatal(err)
		}
		second, _, err := db.Keys().Rotate(ctx, me, first.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		third, _, err := db.Keys().Rotate(ctx, me, second.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		directory := access.New(db, "", quiet())
		if err := directory.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		book := budget.New(directory, db.Budgets(), nil, quiet())
		for _, key := range []desk.Key{first, second, third} {
			if scope := (desk.Scope{Tenant: desk.DefaultTenant, Key: key.ID}); !book.Covers(scope) || book.Sharing(scope) != fmt.Sprintf("|key=%q", first.ID) {
				t.Errorf("the key %s, rotated from %s, spends as %q", key.ID, first.ID, book.Sharing(scope))
			}
		}
		limit.Name, limit.Cap = string(third.ID), 200
		if again, err := db.Budgets().Set(ctx, me, limit); err != nil || again.ID != set.ID || again.Cap != 200 {
			t.Errorf("set for the successor: %+v, %v, want the budget %s changed", again, err, set.ID)
		}
	})
}

func TestABudgetIsForAKeyThatThereIs(t *testing.T) {
	db, ctx := engines["sqlite"](t), t.Context()
	if _, err := db.Tenants().Create(ctx, me, desk.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	foreign, _, err := db.Keys().Create(ctx, me, desk.Key{Tenant: "acme", Role: desk.RoleAsk})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"nope": "key_not_found", string(foreign.ID): "key_not_found", string(desk.BootstrapKey): "", "": ""} {
		_, err := db.Budgets().Set(ctx, me, desk.Budget{
			Tenant: desk.DefaultTenant, Subject: desk.SubjectKey, Name: name, Period: desk.PerDay, Unit: desk.InUSD, Cap: 100, AtCap: desk.RefuseAtCap,
		})
		if got := codeOf(err); got != want {
			t.Errorf("a budget for the key %q: %v, want %q", name, err, want)
		}
	}
}

func TestKeysThatMakeNoSenseAreRefused(t *testing.T) {
	db, ctx := engines["sqlite"](t), t.Context()
	if _, err := db.Tenants().Create(ctx, me, desk.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	for want, key := range map[string]desk.Key{
		"key_role_invalid": {Tenant: "acme", Role: "root"},
		"key_admin_tenant": {Tenant: "acme", Role: desk.RoleAdmin},
		"key_expired":      {Tenant: "acme", Role: desk.RoleAsk, Expires: time.Now().Add(-time.Second)},
		"tenant_not_found": {Tenant: "nobody", Role: desk.RoleAsk},
	} {
		if _, _, err := db.Keys().Create(ctx, me, key); codeOf(err) != want {
			t.Errorf("%+v: %v, want %s", key, err, want)
		}
	}
	if err := db.Keys().Revoke(ctx, me, "key_nobody"); codeOf(err) != "key_not_found" {
		t.Errorf("err = %v, want key_not_found", err)
	}
	for want, id := range map[string]desk.TenantID{"tenant_exists": "acme", "tenant_id_invalid": "Acme Ltd"} {
		if _, err := db.Tenants().Create(ctx, me, desk.Tenant{ID: id}); codeOf(err) != want {
			t.Errorf("%s: %v, want %s", id, err, want)
		}
	}
	if err := db.Tenants().Check(ctx, "nobody"); codeOf(err) != "tenant_not_found" {
		t.Errorf("err = %v, want tenant_not_found", err)
	}
}

func TestEveryChangeOfKeysTenantsAndBudgetsIsInTheAuditLog(t *testing.T) {
	for name, openDB := range engines {
		t.Run(name, func(t *testing.T) {
			db, ctx := openDB(t), t.Context()
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			_, err := db.Tenants().Create(ctx, me, desk.Tenant{ID: "acme"})
			must(err)
			key, secret, err := db.Keys().Create(ctx, me, desk.Key{Tenant: "acme", Role: desk.RoleAsk})
			must(err)
			_, _, err = db.Keys().Rotate(ctx, me, key.ID, 0)
			must(err)
			must(db.Keys().Revoke(ctx, me, key.ID))
			budget, err := db.Budgets().Set(ctx, me, desk.Budget{
				Tenant: "acme", Subject: desk.SubjectTenant, Period: desk.PerDay, Unit: desk.InUSD, Cap: 5, AtCap: desk.RefuseAtCap,
			})
			must(err)
			must(db.Budgets().Remove(ctx, me, budget.ID))
			must(db.Audit().Record(ctx, desk.AuditEntry{Actor: me, Action: "kb.load", Tenant: desk.DefaultTenant}))

			entries, err := db.Audit().List(ctx, desk.AuditQuery{Tenant: "acme", Since: time.Now().Add(-time.Minute), Limit: 10})
			must(err)
			want := []string{"budget.remove", "budget.set", "key.revoke", "key.rotate", "key.create", "tenant.create"}
			for i, e := range entries {
				if i >= len(want) || e.Action != want[i] || e.Actor != me || e.Target == "" || time.Since(e.At) > time.Minute {
					t.Errorf("entry %d = %+v, want %v", i, e, want)
				}
				if e.Detail == secret {
					t.Error("the secret is in the audit log")
				}
			}
			if len(entries) != len(want) {
				t.Errorf("%d entries, want %d", len(entries), len(want))
			}
			if one, err := db.Audit().List(ctx, desk.AuditQuery{Action: "kb.load"}); err != nil || len(one) != 1 {
				t.Errorf("list = %+v, %v, want one", one, err)
			}
		})
	}
}
