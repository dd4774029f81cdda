package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"kefu/internal/desk"
)

func TestARequestWithAnIdempotencyKeyIsCarriedOutOnce(t *testing.T) {
	var asked atomic.Int32
	gate, entered := make(chan struct{}), make(chan struct{}, 1)
	o := newOffice(t, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		a := answer()
		a.ID = desk.AnswerID(fmt.Sprint("ans_", asked.Add(1)))
		if ask.Text == "slow" {
			entered <- struct{}{}
			<-gate
		}
		if ask.Text == "broken" {
			return desk.Answer{}, &desk.Error{Kind: desk.Unavailable, Code: "models_unavailable"}
		}
		return a, nil
	}))
	ask := func(key, once, body string) reply {
		return o.do(t, "POST", "/query", body, "Authorization", "Bearer "+o.keys[key], "Idempotency-Key", once)
	}
	const first, second = "7f3b8a52-0d4e-4b1c-9a51-000000000001", "7f3b8a52-0d4e-4b1c-9a51-000000000002"
	one, again := ask("ask", first, `{"question":"hi"}`), ask("ask", first, `{"question":"hi"}`)
	if one.StatusCode != 200 || again.body != one.body || again.StatusCode != 200 || again.Header.Get("Idempotency-Replayed") != "true" || asked.Load() != 1 {
		t.Errorf("asked %d times; first %d %s, again %d %s", asked.Load(), one.StatusCode, one.body, again.StatusCode, again.body)
	}
	if r := ask("ask", first, `{"question":"ho"}`); r.StatusCode != 422 || r.problem(t).Code != "idempotency_mismatch" {
		t.Errorf("another body = %d %s, want 422", r.StatusCode, r.body)
	}
	if r := ask("ask acme", first, `{"question":"hi"}`); r.StatusCode != 200 || r.body == one.body {
		t.Errorf("another tenant got %d %s", r.StatusCode, r.body)
	}
	if r := ask("ask", "short", `{"question":"hi"}`); r.StatusCode != 400 || r.problem(t).Code != "idempotency_key_invalid" {
		t.Errorf("a short key = %d %s, want 400", r.StatusCode, r.body)
	}

	done := make(chan int, 1)
	go func() { done <- ask("ask", second, `{"question":"slow"}`).StatusCode }()
	<-entered
	if r := ask("ask", second, `{"question":"slow"}`); r.StatusCode != http.StatusConflict || r.problem(t).Code != "idempotency_in_flight" {
		t.Errorf("under way = %d %s, want 409", r.StatusCode, r.body)
	}
	close(gate)
	if status := <-done; status != 200 {
		t.Errorf("the first = %d, want 200", status)
	}

	before := asked.Load()
	for range 2 { // failures are tried again
		if r := ask("ask", first[:30]+"30", `{"question":"broken"}`); r.StatusCode != 503 {
			t.Errorf("broken = %d, want 503", r.StatusCode)
		}
	}
	if n := asked.Load() - before; n != 2 {
		t.Errorf("asked %d times, want again after a failure", n)
	}

	write := func() reply {
		return o.do(t, "POST", "/v1/keys", `{"name":"once"}`, "Authorization", "Bearer "+o.keys["admin"], "Idempotency-Key", first)
	}
	if a, b := write(), write(); a.StatusCode != 201 || a.body != b.body {
		t.Errorf("made twice: %s and %s", a.body, b.body)
	}
}
