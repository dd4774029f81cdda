package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestACuratedAnswerAnswersAtOnceAlsoWhereTheCacheKnewNone(t *testing.T) {
	site := newShop(t)
	s := site.Serve()
	cookie := signIn(t, s, site.Must("console", "link", "-q"))
	const question = "Can I pay with Bitcoin?"
	asked := func(want string, when string) {
		t.Helper()
		for range 2 { // composed, then of the cache
			a := s.Ask(question)
			if want == "" && (a.Grounded || a.Handoff == nil) || want != "" && (!a.Grounded || a.Handoff != nil || !strings.Contains(a.Answer, want)) {
				t.Errorf("%s the answer is %+v, want %q", when, a, want)
			}
		}
	}
	write := func(method, path, answer string, status int) (id string) {
		t.Helper()
		r := operate(t, s, method, path, `{"question":"`+question+`","answer":"`+answer+`"}`, cookie)
		if r.StatusCode != status {
			t.Fatalf("%s %s = %d %s", method, path, r.StatusCode, r.body)
		}
		var made struct{ ID string }
		if err := json.Unmarshal([]byte(r.body), &made); err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	asked("", "before")
	id := write(http.MethodPost, "/v1/curated", "Only by card or bank transfer.", http.StatusCreated)
	asked("Only by card", "once it is written")
	write(http.MethodPut, "/v1/curated/"+id, "Since May also with Bitcoin.", http.StatusOK)
	asked("Since May", "once it is changed")
	if r := operate(t, s, http.MethodDelete, "/v1/curated/"+id, "", cookie); r.StatusCode != http.StatusOK {
		t.Fatal(r.body)
	}
	asked("", "once it is deleted")
}
