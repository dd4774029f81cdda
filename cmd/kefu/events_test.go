package main_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAnAdministratorHearsWhatHappensAndNothingThatWasSaid(t *testing.T) {
	site := newShop(t)
	s := site.Serve()
	cookie := signIn(t, s, site.Must("console", "link", "-q"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/ops/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Kefu-Console", "1")
	req.Header.Set("Cookie", cookie)
	resp, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status = %d", resp.StatusCode)
	}
	const question = "Can I pay with Bitcoin?"
	go func() { // one is composed, one comes from the cache
		for range 2 {
			if status, _, err := s.Post(t.Context(), "application/json", []byte(`{"question":"`+question+`"}`)); status != http.StatusOK {
				t.Errorf("asked: %d, %v", status, err)
			}
		}
	}()
	var all strings.Builder
	in := bufio.NewScanner(resp.Body)
	hit := func() bool {
		return strings.Count(all.String(), "event: answer") == 2 && strings.Contains(all.String(), `"tier":"memory"`)
	}
	for !hit() && in.Scan() {
		all.WriteString(in.Text() + "\n")
	}
	holds(t, "events", all.String(), "event: begin", "event: publish", "event: cache", "event: route", `"outcome":"abstained","reason":"no_answer"`)
	if strings.Contains(all.String(), "Bitcoin") {
		t.Errorf("a text was told: %s", all.String())
	}
	began := time.Now()
	s.Stop()
	for in.Scan() {
		all.WriteString(in.Text() + "\n")
	}
	holds(t, "events at the end", all.String(), `{"reason":"shutdown"}`)
	if took := time.Since(began); site.Late(took, 10*time.Second) {
		t.Errorf("the end took %s with a listener", took)
	}
}
