package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"kefu/internal/e2e"
)

func TestAQuestionWithoutAnAnswerAndOneRatedDownAreGaps(t *testing.T) {
	site := e2e.NewSite(t)
	site.Write("docs/warranty.csv", "question,answer\nHow long is the warranty of the smart lamp?,The smart lamp has a warranty of 36 months.\n")
	site.Must("kb", "load", "docs")
	s := site.Serve()
	converse(t, s, "ann", "", "Can I pay with Bitcoin?")
	a := converse(t, s, "ann", "", "How long is the warranty of the smart lamp?")
	e2e.Eventually(t, 10*time.Second, "the answer is rated", func() bool {
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
