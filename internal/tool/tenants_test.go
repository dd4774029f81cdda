package tool

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kefu/internal/desk"
)

func TestAToolIsForItsTenantsAloneAlsoWhereAModelInventsItOrATokenNamesIt(t *testing.T) {
	used := 0
	base, client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		used++
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "cancelled"})
	}))
	cancel := HTTPConfig{
		Spec: Spec{Name: "cancel_order", Effect: Write, Confirm: Text{desk.English: "Cancel order {order_id}?"}, Tenants: []desk.TenantID{"acme", "beta"}},
		URL:  base + "/orders/{order_id}/cancel",
	}
	status := HTTPConfig{Spec: Spec{Name: "order_status"}, URL: base + "/orders/{order_id}"}
	loopFor := func(c HTTPConfig, lines ...string) (*vendor, *Loop) {
		v, m := model(t, lines...)
		return v, NewLoop(registry(t, declared(t, status, client), declared(t, c, client)), m, seal(t), &observed{}, LoopConfig{})
	}
	of := func(tenant desk.TenantID) Session {
		s := session()
		s.Scope.Tenant = tenant
		return s
	}

	v, loop := loopFor(cancel, wants("cancel_order", `{"order_id":"10002"}`), says("There is no such tool."))
	got, err := loop.Run(t.Context(), asked(), of("default"))
	if err != nil || len(got.Confirm) != 0 || !slices.Equal(outcomes(got.Uses), []desk.ToolOutcome{desk.ToolInvalid}) {
		t.Errorf("outcome = %+v, %v, want a tool that there is not", got, err)
	}
	if n := len(v.asked[0].Tools); n != 1 || !strings.Contains(v.last(1), "no tool of this name") {
		t.Errorf("the model was told of %d tools, and then %q", n, v.last(1))
	}

	v, loop = loopFor(cancel, wants("cancel_order", `{"order_id":"10002"}`))
	got, err = loop.Run(t.Context(), asked(), of("acme"))
	if err != nil || len(got.Confirm) != 1 || len(v.asked[0].Tools) != 2 {
		t.Fatalf("outcome = %+v, %v of %d tools, want a question to confirm", got, err, len(v.asked[0].Tools))
	}
	withdrawn := cancel
	withdrawn.Tenants = []desk.TenantID{"beta"}
	_, loop = loopFor(withdrawn, says("It cannot be done."))
	s := of("acme")
	s.Confirmation = got.Confirm[0].Token
	got, err = loop.Run(t.Context(), asked(), s)
	if err != nil || !slices.Equal(outcomes(got.Uses), []desk.ToolOutcome{desk.ToolInvalid}) || used != 0 {
		t.Errorf("outcome = %+v, %v, used %d times, want a tool that there is no more", got, err, used)
	}
}

func TestATenantWithoutToolsIsServedNone(t *testing.T) {
	base, client := serve(t, http.NotFoundHandler())
	_, m := model(t, says(""))
	only := declared(t, HTTPConfig{Spec: Spec{Name: "stock", Tenants: []desk.TenantID{"acme"}}, URL: base + "/{order_id}"}, client)
	loop := NewLoop(registry(t, only), m, seal(t), &observed{}, LoopConfig{})
	if loop.Serves("default") || !loop.Serves("acme") {
		t.Errorf("serves default %v, acme %v", loop.Serves("default"), loop.Serves("acme"))
	}
}
