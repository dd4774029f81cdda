package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"kefu/internal/e2e"
)

func TestTheRouterIsCorrectedByWhatBecameOfItsDecisions(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	server := site.Serve()
	liked, incomplete := server.Ask(simpleEN), server.Ask("How long is the warranty of the Borealis tablet?")
	server.Ask("How long is the warranty of the Borealis tablet?") // from the cache
	for id, said := range map[string]string{liked.ID: `{"rating":"up"}`, incomplete.ID: `{"rating":"down","reason":"incomplete"}`} {
		e2e.Eventually(t, "the answer is rated", func() bool { return rate(t, server, id, said) == http.StatusNoContent })
	}
	server.Stop()

	got := map[string]string{}
	lines := strings.Split(strings.TrimSpace(site.Must("router", "labels")), "\n")
	for _, line := range lines {
		var l struct{ Text, Label, Lang, Source string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Lang != "en" || l.Source != "rated" {
			t.Errorf("%s: %v", line, err)
		}
		got[l.Text] = l.Label
	}
	if len(lines) != 2 || got[simpleEN] != "simple" || got["How long is the warranty of the Borealis tablet?"] != "complex" {
		t.Errorf("labels = %v, want simple for what was liked and complex for what was incomplete", got)
	}

	const unseen = "How long is the warranty of the Aurora lamp?"
	if a := site.Must("router", "explain", unseen); !strings.HasPrefix(a, "simple") {
		t.Fatalf("before: %s, want simple", a)
	}
	more := lines
	for _, of := range []string{"a lamp", "my tablet", "the charger", "the Aurora", "your lamps", "this tablet"} {
		more = append(more, fmt.Sprintf(`{"text":"How long is the warranty of %s?","label":"complex","lang":"en"}`, of))
	}
	site.Write("labels.jsonl", strings.Join(more, "\n"))
	r := site.Run("router", "train", "--labels", "labels.jsonl", "--out", "router.bin")
	holds(t, "training", r.Stderr, "learned from 8 labels: ", "weights that have not seen them")
	trained := site.With("KEFU_ROUTER_WEIGHTS=" + filepath.Join(site.Dir, "router.bin"))
	if a := trained.Must("router", "explain", unseen); !strings.HasPrefix(a, "complex") {
		t.Errorf("after: %s, want complex", a)
	}
	if a := trained.Serve().Ask(unseen); a.Route != "complex" {
		t.Errorf("the server routes to %s (%s), want complex", a.Route, a.RouteReason)
	}

	site.Write("router.bin", "something else")
	if r := trained.Run("config", "check"); r.Code != 2 || !strings.Contains(r.Stderr, "router.weights") {
		t.Errorf("exit status %d, %s, want 2 and the setting", r.Code, r.Stderr)
	}
}
