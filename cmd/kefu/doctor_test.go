package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
	"kefu/internal/testenv"
)

// diagnosis is what the doctor says, by what it is of.
func diagnosis(t *testing.T, site *e2e.Site) (map[string]struct{ Health, Says, Advice string }, e2e.Result) {
	t.Helper()
	r := site.Run("doctor", "--json")
	var list []struct{ Of, Health, Says, Advice string }
	if err := json.Unmarshal([]byte(r.Stdout), &list); err != nil {
		t.Fatalf("doctor: %v\n%s%s", err, r.Stdout, r.Stderr)
	}
	found := map[string]struct{ Health, Says, Advice string }{}
	for _, f := range list {
		found[f.Of] = struct{ Health, Says, Advice string }{f.Health, f.Says, f.Advice}
	}
	return found, r
}

func TestTheDoctorFindsAHealthyInstallationWell(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	redis := testenv.Redis(t)
	site := e2e.NewSite(t, "OPENAI_API_KEY=any", "OPENAI_BASE_URL="+vendor.URL()+"/v1", "ANTHROPIC_API_KEY=any", "ANTHROPIC_BASE_URL="+vendor.URL(),
		"GEMINI_API_KEY=any", "GEMINI_BASE_URL="+vendor.URL()+"/v1beta", "REDIS_URL="+redis, "KEFU_HANDOFF_EMAIL=help@example.com", "KEFU_ADDR=127.0.0.1:1")
	site.Write("docs/returns.md", "# Returns\n\nYou can return an item within 30 days.\n")
	site.Must("kb", "load", "docs")
	found, r := diagnosis(t, site)
	for of, f := range found {
		if f.Health != "ok" && of != "redis memory" { // the tests' own has no limit
			t.Errorf("%s: %+v, want ok", of, f)
		}
	}
	if f := found["redis memory"]; f.Health != "warning" || !strings.Contains(f.Advice, "allkeys-lru") {
		t.Errorf("a Redis without a limit: %+v, want a warning", f)
	}
	if r.Code != 0 || len(found) != 16 {
		t.Errorf("exit status %d after %d findings, want 0 after 16: %s", r.Code, len(found), r.Stdout)
	}
	if n := vendor.Calls("/chat/completions") + vendor.Calls("/messages"); n != 0 {
		t.Errorf("%d calls were paid for", n)
	}
}

func TestTheDoctorSaysWhatSearchesTheEmbeddings(t *testing.T) {
	t.Parallel()
	site := e2e.NewSite(t, "DATABASE_URL="+testenv.Pgvector(t))
	site.Write("docs/returns.md", "# Returns\n\nYou can return an item within 30 days.\n")
	site.Must("kb", "load", "docs")
	found, _ := diagnosis(t, site)
	if f := found["vectors"]; f.Health != "ok" || !strings.HasPrefix(f.Says, "each server searches 1 passage in memory") {
		t.Errorf("in memory: %+v", f)
	}
	found, _ = diagnosis(t, site.With("KEFU_RETRIEVAL_VECTOR_INDEX=pgvector"))
	if f := found["vectors"]; f.Health != "ok" || !strings.HasPrefix(f.Says, "pgvector 0.") || !strings.HasSuffix(f.Says, ", in step with the release: 1 passage") {
		t.Errorf("in PostgreSQL: %+v", f)
	}

	db := site.DB()
	defer db.Close()
	if _, err := db.Exec(`UPDATE versions SET chunks = 20001`); err != nil {
		t.Fatal(err)
	}
	found, r := diagnosis(t, site)
	if f := found["vectors"]; f.Health != "warning" || !strings.Contains(f.Says, "20001 passages") || !strings.Contains(f.Advice, "KEFU_RETRIEVAL_VECTOR_INDEX=pgvector") {
		t.Errorf("more than is good in memory: %+v", f)
	}
	if r.Code != 0 {
		t.Errorf("exit status %d of warnings alone", r.Code)
	}
}

func TestTheDoctorSaysWhatIsBrokenAndWhatToDo(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, "/v1/models"): // no Kefu
			w.WriteHeader(http.StatusTeapot)
		case strings.Contains(r.URL.Path, "retired"):
			w.WriteHeader(http.StatusNotFound)
		case strings.Contains(r.URL.Path, "moved"):
			http.Redirect(w, r, "https://elsewhere.example", http.StatusMovedPermanently)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(other.Close)
	site := e2e.NewSite(t, "OPENAI_API_KEY=any", "OPENAI_BASE_URL="+other.URL+"/v1", "KEFU_MODELS_CHEAP=retired", "ANTHROPIC_API_KEY=any",
		"GEMINI_API_KEY=any", "GEMINI_BASE_URL="+other.URL+"/v1/models/moved",
		"ANTHROPIC_BASE_URL=http://127.0.0.1:1", "REDIS_URL=redis://127.0.0.1:1/0", "KEFU_ADDR="+strings.TrimPrefix(other.URL, "http://"))
	found, r := diagnosis(t, site)
	for of, want := range map[string][3]string{
		"server":                 {"failure", "taken by something", "KEFU_ADDR"},
		"redis":                  {"warning", "refused", "Is it running"},
		"knowledge":              {"warning", "empty", "kefu kb load"},
		"model retired":          {"failure", "model_gone", "Where none is known, look at the base URL, " + other.URL + "/v1: "},
		"model gemini-3.8-flash": {"failure", "301", "look at the base URL, " + other.URL + "/v1/models/moved: "},
		"model gpt-6.1-terra":    {"failure", "unauthorised", "Look at the key"},
		"model claude-haiku-5-5": {"failure", "unreachable", "http://127.0.0.1:1"},
		"prices":                 {"warning", "retired has no known price", ""},
		"person":                 {"warning", "no way to reach one", "KEFU_HANDOFF_EMAIL"},
	} {
		if f := found[of]; f.Health != want[0] || !strings.Contains(f.Says, want[1]) || !strings.Contains(f.Advice, want[2]) {
			t.Errorf("%s: %+v, want %q", of, f, want)
		}
	}
	if r.Code != 4 || !strings.Contains(r.Stderr, "broken: ") || !strings.Contains(r.Stderr, "model retired") {
		t.Errorf("exit status %d, %s, want 4 and what is broken", r.Code, r.Stderr)
	}
}

func TestTheDoctorTellsWhatRedisRefuses(t *testing.T) {
	at, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(at)
	t.Cleanup(func() { client.Close() })
	if err := client.Do(t.Context(), "ACL", "SETUSER", "reader", "reset", "on", ">secret", "~*", "+@all", "-@write").Err(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, user, says, advice string }{
		{"a wrong password", "reader:wrong", "refuses: WRONGPASS", "user, password"},
		{"a user who may not write", "reader:secret", "keeps nothing: NOPERM", "may its user write"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, _ := diagnosis(t, e2e.NewSite(t, fmt.Sprintf("REDIS_URL=redis://%s@%s/%d", tt.user, at.Addr, at.DB), "KEFU_ADDR=127.0.0.1:1"))
			if f := found["redis"]; f.Health != "warning" || !strings.Contains(f.Says, tt.says) || !strings.Contains(f.Advice, tt.advice) {
				t.Errorf("redis: %+v, want %q and %q", f, tt.says, tt.advice)
			}
		})
	}
}
