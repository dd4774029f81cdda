package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"kefu/internal/e2e"
)

func TestAQuestionWithoutAnAnswerAndOneRatedDownAreGaps(t *testing.T) {
	site := e2e.NewSite(t)
	site.Write("docs/warranty.csv", "question,answer\nHow long is the warranty of the smart lamp?,The smart lamp has a warranty of 36 months.\n")
	site.Must("kb", "load", "docs")
	s := site.Serve()
	converse(t, s, "ann", "", "Can I pay with Bitcoin?")
	a := converse(t, s, "ann", "", "How long is the warranty of the smart lamp?")
	e2e.Eventually(t, "the answer is rated", func() bool {
		return rate(t, s, a.ID, `{"rating":"down","reason":"outdated","comment":"ask ann@example.com","user_id":"ann"}`) == http.StatusNoContent
	})
	var gaps []struct {
		Question        string
		Count, Disliked int
	}
	if err := json.Unmarshal([]byte(site.Must("kb", "gaps", "--json")), &gaps); err != nil {
		t.Fatal(err)
	}
	if len(gaps) != 2 || gaps[0].Disliked != 1 || gaps[1].Question != "Can I pay with Bitcoin?" || gaps[1].Count != 1 {
		t.Errorf("gaps = %+v, want the warranty, which was asked last, and Bitcoin", gaps)
	}
	holds(t, "kb gaps", site.Must("kb", "gaps", "--top", "1"), "ASKED", "the warranty of the smart lamp?")
	_, metrics := s.Get("/metrics")
	holds(t, "metrics", metrics, `kefu_feedback_total{rating="down",reason="outdated"} 1`, `kefu_feedback_total{rating="up",reason="none"} 0`)
}

func TestAGapThatSomebodyHasFilledSaysSo(t *testing.T) {
	site := newShop(t)
	s := site.Serve()
	for _, question := range []string{"Can I pay with Bitcoin?", "Do you deliver to Mars?"} {
		s.Ask(question)
	}
	cookie := signIn(t, s, site.Must("console", "link", "-q"))
	gaps := func() map[string]bool {
		var list struct {
			Data []struct {
				Question string
				Curated  bool
			}
		}
		if err := json.Unmarshal([]byte(operate(t, s, http.MethodGet, "/v1/gaps", "", cookie).body), &list); err != nil {
			t.Fatal(err)
		}
		curated := map[string]bool{}
		for _, g := range list.Data {
			curated[g.Question] = g.Curated
		}
		return curated
	}
	e2e.Eventually(t, "both are recorded", func() bool { return len(gaps()) == 2 })
	text := `{"name":"bitcoin.csv","text":"question,answer\nCan I pay with Bitcoin?,\"No, by card or bank transfer.\"\n"}`
	if r := operate(t, s, http.MethodPost, "/v1/documents", text, cookie); r.StatusCode != http.StatusCreated {
		t.Fatal(r.body)
	}
	if got := gaps(); !got["Can I pay with Bitcoin?"] || got["Do you deliver to Mars?"] {
		t.Errorf("curated = %v, want Bitcoin alone", got)
	}
	if a := s.Ask("Can I pay with Bitcoin?"); !a.Grounded || a.Handoff != nil {
		t.Errorf("answer = %+v, want what was written", a)
	}
}

// rate says what a user thinks of an answer, and returns the status.
func rate(t *testing.T, s *e2e.Server, answer, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/answers/"+answer+"/feedback", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}
