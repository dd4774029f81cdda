package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

// asking is an Answerer that wants its answer confirmed once.
type asking struct{ asked []desk.Ask }

func (a *asking) Answer(_ context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
	a.asked = append(a.asked, ask)
	out := answer()
	use := desk.ToolUse{Tool: "cancel_order", Title: "Cancel an order", Write: true, Outcome: desk.ToolWaiting}
	if ask.Confirmation == "" {
		out.Outcome = desk.Waiting
		out.Confirm = []desk.Confirmation{{
			Tool: "cancel_order", Question: "Cancel order 10002?", Token: "t0ken", Expires: time.Date(2026, 11, 26, 12, 0, 0, 0, time.FixedZone("", 8*3600)),
		}}
	} else {
		use.Outcome, use.Duration = desk.ToolDone, 12*time.Millisecond
	}
	return out, emit(desk.Event{Type: desk.EventTool, Tool: &use})
}

const confirmations = `"confirmations":[{"tool":"cancel_order","question":"Cancel order 10002?","token":"t0ken","expires":"2026-11-26T04:00:00Z"}]`

func TestAnActionIsConfirmedByTheNextRequest(t *testing.T) {
	a := &asking{}
	f := serve(t, httpapi.Config{}, a)
	if r := f.query(t, `{"question":"cancel order 10002"}`); r.StatusCode != http.StatusOK || !strings.Contains(r.body, confirmations) {
		t.Errorf("reply = %d %s, want %s", r.StatusCode, r.body, confirmations)
	}
	r := f.query(t, `{"question":"cancel order 10002","confirmation":"t0ken"}`)
	if r.StatusCode != http.StatusOK || strings.Contains(r.body, "confirmations") || a.asked[1].Confirmation != "t0ken" {
		t.Errorf("reply = %d %s after %+v", r.StatusCode, r.body, a.asked[1])
	}
	long, _ := json.Marshal(map[string]string{"question": "x", "confirmation": strings.Repeat("a", 40_000)})
	if p := f.query(t, string(long)).problem(t); p.Code != "value_too_long" || p.Field != "confirmation" {
		t.Errorf("problem = %+v", p)
	}
}

func TestUsesOfToolsAreStreamed(t *testing.T) {
	f := serve(t, httpapi.Config{}, &asking{})
	r := f.query(t, `{"question":"cancel order 10002","stream":true}`)
	for _, want := range []string{
		"event: tool\ndata: {\"tool\":\"cancel_order\",\"title\":\"Cancel an order\",\"write\":true,\"outcome\":\"waiting\",\"duration_ms\":0}\n",
		confirmations,
	} {
		if !strings.Contains(r.body, want) {
			t.Errorf("stream lacks %s:\n%s", want, r.body)
		}
	}
}

func TestOpenAIClientsConfirmToo(t *testing.T) {
	a := &asking{}
	f := serve(t, httpapi.Config{}, a)
	const messages = `"messages":[{"role":"user","content":"cancel order 10002"}]`
	if r := f.do(t, "POST", "/v1/chat/completions", `{`+messages+`}`); !strings.Contains(r.body, confirmations) {
		t.Errorf("reply = %s", r.body)
	}
	f.do(t, "POST", "/v1/chat/completions", `{`+messages+`,"kefu":{"confirmation":"t0ken"}}`)
	if a.asked[1].Confirmation != "t0ken" {
		t.Errorf("asked = %+v", a.asked[1])
	}
}
