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
		e2e.Eventually(t, 15*time.Second, "what became of the webhook is noted", func() bool {
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
