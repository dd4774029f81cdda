package main_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// The embedding models of this test, as kb status names them.
const (
	offlineSpace  = "offline-hash-512-v3"
	providerSpace = "text-embedding-3-small@1536"
)

func TestAnotherEmbedderEmbedsEverythingAgainAndNeverMixesSpaces(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Must("kb", "load", "docs")
	all := status(t, site).Chunks

	vendor := e2e.NewVendor(t, llmsim.Config{})
	online := site.With(vendor.Env()...)
	holds(t, "kb status before the switch", online.Must("kb", "status"),
		providerSpace+": 0 of 5 chunks embedded", offlineSpace+": 5 chunks, not in use")
	if n := vendor.Calls("/embeddings"); n != 0 {
		t.Errorf("kb status made %d calls", n)
	}

	server := online.Serve()
	server.Log.Await(t, `"msg":"embedding"`) // progress
	e2e.Eventually(t, "every chunk is embedded again", func() bool {
		return status(t, online).Embedded[providerSpace] == all
	})
	text := online.Must("kb", "status")
	holds(t, "kb status after the switch", text, providerSpace+": 5 of 5 chunks embedded", offlineSpace+": 5 chunks, not in use")
	var progress struct {
		Model       string
		Done, Total int
	}
	if err := json.Unmarshal([]byte(server.Log.Await(t, `"msg":"embedding"`)), &progress); err != nil {
		t.Fatal(err)
	}
	if progress.Model != providerSpace || progress.Done != all || progress.Total != all {
		t.Errorf("progress = %+v, want all %d chunks", progress, all)
	}
	calls := vendor.Calls("/embeddings")
	if calls == 0 {
		t.Error("the provider embedded nothing")
	}
	if a := server.Ask(complexEN); a.Provider != "openai" || !a.Grounded {
		t.Errorf("%+v, want a grounded answer of the provider", a)
	}
	if n := vendor.Calls("/embeddings"); n != calls+1 {
		t.Errorf("a complex question made %d embedding calls, want 1", n-calls)
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)

	// The question's own text has the same vector: any other space would show.
	question := strings.TrimSpace("标准包裹的退货运费为4.95欧元。加急包裹的退货运费为9.95欧元。")
	for _, s := range []*e2e.Site{online, site} {
		var found []struct {
			Text   string
			Vector float64
		}
		if err := json.Unmarshal([]byte(s.Must("kb", "search", "--json", question)), &found); err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 || !strings.Contains(found[0].Text, "4.95") || found[0].Vector < 0.5 || found[0].Vector > 1.0001 {
			t.Errorf("search = %+v, want the passage itself with a high similarity", found)
		}
	}

	calls = vendor.Calls("/embeddings")
	back := site.Serve()
	if a := back.Ask(complexEN); a.Provider != "offline" || !a.Grounded || a.CacheHit {
		t.Errorf("after switching back: %+v, want an answer composed anew", a)
	}
	s := status(t, site)
	if s.Embedder != offlineSpace || s.Embedded[offlineSpace] != all || s.Embedded[providerSpace] != all {
		t.Errorf("status after switching back = %+v, want both spaces whole", s)
	}
	if strings.Contains(back.Log.String(), `"msg":"embedding"`) {
		t.Error("switching back embedded something again")
	}
	if n := vendor.Calls("/embeddings"); n != calls {
		t.Errorf("switching back made %d calls", n-calls)
	}
}

// Documents come first, vectors when there are some.
func TestALoadWhileTheEmbedderIsDownIsServedAndCompletedLater(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{Failures: llmsim.Failures{"invalid_api_key": 1}})
	site := newShop(t, vendor.Env()...)
	r := site.Run("kb", "load", "docs")
	if r.Code != 4 {
		t.Errorf("exit status %d, want 4", r.Code)
	}
	holds(t, "stdout", r.Stdout, "3 added", "5 chunks without an embedding")
	holds(t, "stderr", r.Stderr, "embedding model cannot be reached")
	if s := status(t, site); s.Chunks != 5 || s.Embedded[providerSpace] != 0 {
		t.Errorf("status = %+v", s)
	}

	vendor.Behave(llmsim.Config{})
	server := site.Serve()
	if a := server.Ask(simpleEN); !a.Grounded {
		t.Errorf("%+v, want an answer without vectors too", a)
	}
	e2e.Eventually(t, "the missing vectors are there", func() bool {
		return status(t, site).Embedded[providerSpace] == 5
	})
}

func TestAnEmbedderThatHangsDelaysTheFirstStartBrieflyAndIsAskedAgain(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{Hang: 1})
	site := newShop(t, vendor.Env()...)
	server := site.Serve()
	if server.Healthy > 25*time.Second { // a full round of attempts takes 50 s
		t.Errorf("healthy after %v, want some 10 s", server.Healthy)
	}
	if s := status(t, site); s.Chunks != 5 || s.Embedded[providerSpace] != 0 {
		t.Errorf("status = %+v, want the documents without vectors", s)
	}

	vendor.Behave(llmsim.Config{})
	if a := server.Ask(simpleEN); !a.Grounded {
		t.Errorf("%+v, want an answer without vectors too", a)
	}
	e2e.Eventually(t, "the missing vectors are there", func() bool {
		return status(t, site).Embedded[providerSpace] == 5
	})
}

func TestEmbeddingsOfAModelCountMore(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	online, site := newShop(t, vendor.Env()...), newShop(t)
	search := func(s *e2e.Site, env ...string) string {
		return s.With(env...).Must("kb", "search", "--json", complexEN)
	}
	for name, tt := range map[string]struct {
		site   *e2e.Site
		is, no string
	}{"a model's": {online, "0.5", "0.25"}, "the offline ones": {site, "0.25", "0.5"}} {
		tt.site.Must("kb", "load", "docs")
		got := search(tt.site)
		if got != search(tt.site, "KEFU_RETRIEVAL_VECTOR_WEIGHT="+tt.is) || got == search(tt.site, "KEFU_RETRIEVAL_VECTOR_WEIGHT="+tt.no) {
			t.Errorf("%s: %s, want the weight %s", name, got, tt.is)
		}
	}
}
