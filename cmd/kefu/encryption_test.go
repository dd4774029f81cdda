package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kefu/internal/cache"
	"kefu/internal/e2e"
	"kefu/internal/llmsim"
	"kefu/internal/testenv"
)

func TestConversationsAreEncryptedAtRestAndStillExportedAndDeleted(t *testing.T) {
	t.Parallel()
	const said = "How long do I have to return the heirloom teapot?"
	plain := newShop(t)
	site := plain.With("KEFU_DATABASE_ENCRYPTION_KEYS_FILE=keys")
	site.Write("keys", strings.Repeat("5c", 32)+"\n")
	key := strings.TrimSpace(site.Must("keys", "create", "--role", "operator", "-q"))
	server := site.Serve()
	a := converse(t, server, "ann", "c1", said)
	rating, err := json.Marshal(map[string]string{"rating": "down", "comment": "heirloom, I said", "user_id": "ann"})
	if err != nil {
		t.Fatal(err)
	}
	e2e.Eventually(t, "the answer is rated", func() bool {
		resp, err := server.Client.Post(server.URL+"/v1/answers/"+a.ID+"/feedback", "application/json", bytes.NewReader(rating))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode < http.StatusMultipleChoices
	})
	holds(t, "the export", as(t, server, key, "/v1/users/ann"), "heirloom teapot", "heirloom, I said")
	holds(t, "the gaps", site.Must("kb", "gaps"), "heirloom teapot")
	files, err := filepath.Glob(filepath.Join(site.Dir, "data", "kefu.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("database files: %v, %v", files, err)
	}
	for _, file := range files {
		if raw, err := os.ReadFile(file); err != nil || bytes.Contains(raw, []byte("heirloom")) {
			t.Errorf("%s holds what was said (%v)", file, err)
		}
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
	site.Write("keys", strings.Repeat("7e", 32)+"\n"+strings.Repeat("5c", 32)+"\n")
	holds(t, "an update with a new key", site.Must("migrate"), "3 rows encrypted")
	site.Write("keys", strings.Repeat("7e", 32))
	holds(t, "the gaps", site.Must("kb", "gaps"), "heirloom teapot")
	site.Write("other", strings.Repeat("6d", 32))
	for _, without := range []*e2e.Site{plain, plain.With("KEFU_DATABASE_ENCRYPTION_KEYS_FILE=other")} {
		if r := without.Run("serve"); r.Code != 4 || !strings.Contains(r.Stderr, "database.encryption_keys") {
			t.Errorf("without the key: exit status %d, %s", r.Code, r.Stderr)
		}
	}
	if r := plain.With("KEFU_DATABASE_ENCRYPTION_KEYS=hunter2").Run("serve"); r.Code != 2 && r.Code != 1 || strings.Contains(r.Stderr, "hunter2") {
		t.Errorf("with no key at all: exit status %d, %s", r.Code, r.Stderr)
	}
}

func TestNothingThatWasSaidStandsPlainInRedis(t *testing.T) {
	t.Parallel()
	redis := testenv.Redis(t)
	client, err := cache.Dial(redis, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	site := newShop(t, append(e2e.NewVendor(t, llmsim.Config{}).Env(), "REDIS_URL="+redis, "KEFU_CACHE_MEMORY_ENTRIES=0",
		"KEFU_MODELS_COMPLETION_TTL=1h", "KEFU_DATABASE_ENCRYPTION_KEYS="+strings.Repeat("5c", 32))...)
	server := site.Serve()
	for _, q := range []string{simpleEN, complexZH} {
		hitsRedis(t, server, q)
	}
	values := 0
	for _, k := range client.Keys(t.Context(), "*").Val() {
		value, err := client.Get(t.Context(), k).Result()
		if err != nil || value == "1" { // counts, and claims
			continue
		}
		values++
		for _, part := range []string{"return", "days", "退货", "运费", "Outcome"} {
			if strings.Contains(k+value, part) {
				t.Errorf("%s holds %q", k, part)
			}
		}
	}
	if values < 3 {
		t.Errorf("%d values in Redis, want answers and completions", values)
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}
