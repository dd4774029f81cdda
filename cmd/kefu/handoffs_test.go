package main_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"kefu/internal/e2e"
)

func TestAHandoffSaysWhetherTheWebhookWasToldAndIsTakenByAnOperator(t *testing.T) {
	refuses := make(chan bool, 1)
	desk := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if <-refuses {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer desk.Close()
	site := newShop(t, "KEFU_HANDOFF_WEBHOOK_URL="+desk.URL, "KEFU_HANDOFF_WEBHOOK_SECRET=a secret of the tests", "KEFU_HANDOFF_EMAIL=help@shop.example")
	s := site.Serve()
	cookie := signIn(t, s, site.Must("console", "link", "-q"))
	type shown struct {
		AnswerID string `json:"answer_id"`
		State    string
		Question string
		Webhook  *string
		Contact  struct{ Email string }
		Turns    []struct{ Question string }
	}
	list := func() map[string]shown {
		var page struct{ Data []shown }
		if err := json.Unmarshal([]byte(operate(t, s, http.MethodGet, "/v1/handoffs?state=open", "", cookie).body), &page); err != nil {
			t.Fatal(err)
		}
		open := map[string]shown{}
		for _, h := range page.Data {
			open[h.Question] = h
		}
		return open
	}
	for question, want := range map[string]string{"Can I pay with Bitcoin?": "delivered", "Do you deliver to Mars?": "failed"} {
		refuses <- want == "failed"
		converse(t, s, "ann", "c-"+want, question)
		e2e.Eventually(t, "what became of the webhook is noted", func() bool {
			h := list()[question]
			return h.Webhook != nil && *h.Webhook == want && h.Contact.Email == "help@shop.example"
		})
	}
	id := list()["Can I pay with Bitcoin?"].AnswerID
	if r := operate(t, s, http.MethodPatch, "/v1/handoffs/"+id, `{"state":"resolved"}`, cookie); r.StatusCode != http.StatusOK {
		t.Fatal(r.body)
	}
	if open := list(); len(open) != 1 {
		t.Errorf("open = %+v, want Mars alone", open)
	}
	var one shown
	if err := json.Unmarshal([]byte(operate(t, s, http.MethodGet, "/v1/handoffs/"+id, "", cookie).body), &one); err != nil || one.State != "resolved" || len(one.Turns) != 1 {
		t.Errorf("handoff = %+v, %v, want it resolved with its conversation", one, err)
	}
}

func TestWhoIsToldFromTheCacheThatThereIsNoAnswerWaitsToo(t *testing.T) {
	t.Parallel()
	told := make(chan struct{}, 8)
	desk := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told <- struct{}{} }))
	defer desk.Close()
	site := newShop(t, "KEFU_HANDOFF_WEBHOOK_URL="+desk.URL, "KEFU_HANDOFF_WEBHOOK_SECRET=a secret of the tests")
	s := site.Serve()
	for i := range 3 {
		if a := s.Ask("Can I pay with Bitcoin?"); a.CacheHit != (i > 0) {
			t.Fatalf("asking %d: %+v", i, a)
		}
	}
	s.Stop() // writes down what it has counted
	s = site.Serve()
	var page struct {
		Data []struct {
			Askings     int
			AskedAt     time.Time `json:"asked_at"`
			LastAskedAt time.Time `json:"last_asked_at"`
		}
	}
	reply := operate(t, s, http.MethodGet, "/v1/handoffs?state=open", "", signIn(t, s, site.Must("console", "link", "-q"))).body
	if err := json.Unmarshal([]byte(reply), &page); err != nil || len(page.Data) != 1 || page.Data[0].Askings != 3 || !page.Data[0].LastAskedAt.After(page.Data[0].AskedAt) {
		t.Errorf("handoffs = %s, %v, want one that was given three times", reply, err)
	}
	if n := len(told); n != 1 {
		t.Errorf("the webhook was told %d times of one answer", n)
	}
}
