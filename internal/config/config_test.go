package config_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"kefu/internal/config"
	"kefu/internal/desk"
)

const key = "0123456789abcdef0123456789abcdef"

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsAreValidWithoutFileAndEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, config.Default()) {
		t.Errorf("config = %+v, want the defaults", c)
	}
}

func TestEnvironmentWinsOverFileWinsOverDefault(t *testing.T) {
	path := write(t, "kefu.yaml", `
# the shop
addr: localhost:9000
cache:
  memory_entries: 1_000   # as in the tutorial
  jitter: 0.2
models: {cheap: small, timeout: 5s}
log:
handoff:
  phone: 400-800-1234
`)
	c, err := config.Load(path, []string{"KEFU_CACHE_JITTER=0.3", "KEFU_ANSWER_DEADLINE=", "OPENAI_API_KEY=sk-1", "HOME=/x"})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Addr, want.Cache.MemoryEntries, want.Cache.Jitter = "localhost:9000", 1000, 0.3
	want.Models.Cheap, want.Models.Timeout, want.Models.OpenAIKey = "small", 5*time.Second, "sk-1"
	want.Handoff.Phone = "400-800-1234"
	if !reflect.DeepEqual(c, want) {
		t.Errorf("config = %+v\nwant %+v", c, want)
	}
}

func TestFileIsFoundByVariableAndByDefaultName(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(config.DefaultFile, []byte("addr: 127.0.0.1:1"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := write(t, "other.yaml", "addr: 127.0.0.1:2")
	for _, tt := range []struct {
		name, path string
		environ    []string
		want       string
	}{
		{"by its default name", "", nil, "127.0.0.1:1"},
		{"by KEFU_CONFIG", "", []string{"KEFU_CONFIG=" + other}, "127.0.0.1:2"},
		{"by the argument before KEFU_CONFIG", config.DefaultFile, []string{"KEFU_CONFIG=" + other}, "127.0.0.1:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Load(tt.path, tt.environ)
			if err != nil || c.Addr != tt.want {
				t.Errorf("addr = %q, %v, want %q", c.Addr, err, tt.want)
			}
		})
	}
}

func TestAFileThatWouldBePassedOverOrMisreadIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, want := range map[string]string{"kefu.yml": "kefu.yml: it is not read; name it kefu.yaml", "kefu.yaml": "kefu.yaml: it is not UTF-8"} {
		if err := os.WriteFile(name, []byte("chat:\n  title: \xbf\xcd\xb7\xfe\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load("", nil)
		expect(t, err, "", want)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFaultsInTheFileNameTheirPlaceAndWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct{ name, yaml, field, want string }{
		{"a misspelt key", "addr: 127.0.0.1:1\ncache:\n  memory_entires: 5\n", "cache.memory_entires", `FILE:3:3: unknown key "cache.memory_entires"; did you mean "cache.memory_entries"?`},
		{"a misspelt section", "modls:\n  cheap: x\n", "modls", `FILE:1:1: unknown key "modls"; did you mean "models"?`},
		{"a key in no section", "jitter: 0.1\n", "jitter", `FILE:1:1: unknown key "jitter"; allowed are addr, `},
		{"a key unlike any other", "redis:\n  eviction_policy: lru\n", "redis.eviction_policy", `FILE:2:3: unknown key "redis.eviction_policy"; allowed are redis.url and redis.timeout`},
		{"a key that is like no other", "foo: 1\n", "foo", `FILE:1:1: unknown key "foo"; allowed are addr, `},
		{"neither true nor false", "cache:\n  semantic: maybe\n", "cache.semantic", `FILE:2:13: cache.semantic: want true or false, got "maybe"`},
		{"words for a number", "cache:\n  memory_entries: many\n", "cache.memory_entries", `FILE:2:19: cache.memory_entries: want a whole number, got "many"`},
		{"a number beyond its range", "answer:\n  passages: 12\n", "answer.passages", `FILE:2:13: answer.passages: want 3 to 6, got 12`},
		{"a duration without a unit", "models:\n  timeout: 30\n", "models.timeout", `FILE:2:12: models.timeout: want a duration such as 500ms, 30s or 2h, got "30"`},
		{"a word outside the list", "log: {level: loud}\n", "log.level", `FILE:1:14: log.level: want debug, info, warn or error, got "loud"`},
		{"a list for a single value", "addr: [a, b]\n", "addr", `FILE:1:7: addr: want a single value`},
		{"a value for a section", "cache: 5\n", "cache", `FILE:1:8: cache: want keys with values`},
		{"a key given twice", "addr: a:1\naddr: b:1\n", "", `FILE:2:1: not valid YAML: mapping key "addr" already defined`},
		{"broken YAML", "cache:\n  - {", "", `FILE:2:5: not valid YAML: `},
		{"a second document", "addr: 127.0.0.1:1\n---\naddr: 127.0.0.1:2\n", "", `only one YAML document is read`},
		{"settings that do not fit together", "http:\n  write_timeout: 10s\n", "http.write_timeout", `FILE:2:18: http.write_timeout: want more than answer.deadline (1m), got 10s`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "kefu.yaml", tt.yaml)
			_, err := config.Load(path, nil)
			expect(t, err, tt.field, strings.ReplaceAll(tt.want, "FILE", path))
		})
	}
}

func TestAllFaultsOfAFileAreToldAtOnce(t *testing.T) {
	for _, tt := range []struct{ name, yaml, field, want string }{
		{
			"faults of keys and of single values",
			"cache:\n  memory_entires: 5\n  semantic: maybe\nmodels:\n  a:\n    provider: acme\n    deployments: [{weight: many}, {wight: 1}]\nfoo: [1]\n", "cache.memory_entires",
			`FILE:2:3: unknown key "cache.memory_entires"; did you mean "cache.memory_entries"?
FILE:3:13: cache.semantic: want true or false, got "maybe"
FILE:6:15: models.a.provider: want openai, anthropic or gemini, got "acme"
FILE:7:28: models.a.deployments[0].weight: want a whole number, got "many"
FILE:7:36: unknown key "models.a.deployments[1].wight"; did you mean "models.a.deployments[1].weight"?
FILE:8:1: unknown key "foo"; allowed are addr, `,
		},
		{
			"faults of values that must fit together", "handoff:\n  email: nobody\nhttp:\n  write_timeout: 10s\n", "http.write_timeout",
			`FILE:4:18: http.write_timeout: want more than answer.deadline (1m), got 10s
FILE:2:10: handoff.email: want an address such as help@example.com, got "nobody"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "kefu.yaml", tt.yaml)
			_, err := config.Load(path, nil)
			expect(t, err, tt.field, strings.ReplaceAll(tt.want, "FILE", path))
		})
	}
}

// expect holds err to be a fault of the user's input that names field and says
// want.
func expect(t *testing.T, err error, field, want string) {
	t.Helper()
	var e *desk.Error
	if !errors.As(err, &e) {
		t.Fatalf("error = %v, want a *desk.Error", err)
	}
	if e.Kind != desk.Invalid || e.Code == "" || e.Field != field {
		t.Errorf("kind, code, field = %v, %q, %q, want Invalid and field %q", e.Kind, e.Code, e.Field, field)
	}
	if !strings.Contains(e.Public, want) {
		t.Errorf("message = %q\nwant %q", e.Public, want)
	}
}

func TestFaultsInTheEnvironmentNameTheVariable(t *testing.T) {
	empty, missing := write(t, "empty", "\n"), filepath.Join(t.TempDir(), "none")
	for _, tt := range []struct{ name, variable, field, want string }{
		{"a misspelt variable", "KEFU_CACHE_MEMORY_ENTRIE=1", "KEFU_CACHE_MEMORY_ENTRIE", "unknown variable KEFU_CACHE_MEMORY_ENTRIE; did you mean KEFU_CACHE_MEMORY_ENTRIES?"},
		{"a standard name with our prefix", "KEFU_REDIS_URL=redis://x", "KEFU_REDIS_URL", "did you mean REDIS_URL?"},
		{"a variable unlike any other", "KEFU_FROBNICATE=1", "KEFU_FROBNICATE", "unknown variable KEFU_FROBNICATE; the README lists all variables"},
		{"the port of other programs", "KEFU_PORT=9000", "KEFU_PORT", "unknown variable KEFU_PORT"},
		{"a file for what is no secret", "KEFU_ADDR_FILE=/x", "KEFU_ADDR_FILE", "did you mean KEFU_ADDR?"},
		{"a bad value", "KEFU_CACHE_JITTER=2", "cache.jitter", "KEFU_CACHE_JITTER: cache.jitter: want 0 to 0.5, got 2"},
		{"no number at all", "KEFU_CACHE_JITTER=NaN", "cache.jitter", "want a number such as 0.1"},
		{"a short key", "KEFU_API_KEY=abc", "api_key", "KEFU_API_KEY: api_key: want at least 32 characters, got 3"},
		{"a secret that could be guessed", "KEFU_WIDGET_IDENTITY_SECRET=abc", "widget.identity_secret", "KEFU_WIDGET_IDENTITY_SECRET: widget.identity_secret: want at least 32 characters, as 'openssl rand -hex 32' prints them, got 3"},
		{"a missing secret file", "OPENAI_API_KEY_FILE=" + missing, "models.openai_api_key", "OPENAI_API_KEY_FILE " + missing + ": no such file or directory"},
		{"an empty secret file", "OPENAI_API_KEY_FILE=" + empty, "models.openai_api_key", empty + " is empty"},
		{"a missing configuration file", "KEFU_CONFIG=" + missing, "", "configuration file " + missing + ": no such file or directory"},
		{"vectors in PostgreSQL without one", "KEFU_RETRIEVAL_VECTOR_INDEX=pgvector", "retrieval.vector_index", "KEFU_RETRIEVAL_VECTOR_INDEX: retrieval.vector_index: pgvector is an extension of PostgreSQL: set DATABASE_URL too, or memory"},
		{"another cache", "REDIS_URL=http://cache", "redis.url", "REDIS_URL: redis.url: want a URL that begins with redis://, rediss:// or unix://"},
		{"another database", "DATABASE_URL=mysql://root:hunter2@db", "database.url", "DATABASE_URL: database.url: want a URL that begins with postgres:// or postgresql://"},
		{"a password that ends the address", "DATABASE_URL=postgres://kefu:hunter2/x@db/kefu", "database.url", "DATABASE_URL: database.url: this is no URL with a host; of a password, # is written %23"},
		{"a password with a percent sign", "DATABASE_URL=postgres://kefu:hunter2%x@db/kefu", "database.url", "% %25"},
		{"a password with a fragment", "REDIS_URL=redis://:hunter2@x#y@cache:6379", "redis.url", "REDIS_URL: redis.url: this is no URL with a host"},
		{"no host", "REDIS_URL=redis://", "redis.url", "this is no URL with a host"},
		{"a webhook that cannot be signed", "KEFU_HANDOFF_WEBHOOK_URL=https://example.com/hook", "handoff.webhook_secret", "at least 16 characters"},
		{"an e-mail address that is none", "KEFU_HANDOFF_EMAIL=help", "handoff.email", "want an address such as help@example.com"},
		{"a proxy by name", "KEFU_HTTP_TRUSTED_PROXIES=10.0.0.0/8, proxy.local", "http.trusted_proxies", `got "proxy.local"`},
		{"more suggestions than a customer reads", "KEFU_CHAT_SUGGESTIONS_ZH=1,2,3,4,5,6,7", "chat.suggestions_zh", "want at most 6 questions, got 7"},
		{"a website with a path", "KEFU_WIDGET_ORIGINS=https://shop.example.com/en", "widget.origins", `got "https://shop.example.com/en"`},
		{"a website that anybody on the way can change", "KEFU_WIDGET_ORIGINS=http://shop.example.com", "widget.origins", "want websites such as https://shop.example.com"},
		{"every website", "KEFU_WIDGET_ORIGINS=*", "widget.origins", `got "*"`},
		{"one address for two listeners", "KEFU_OPS_ADDR=127.0.0.1:8000", "ops_addr", "already taken by addr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			_, err := config.Load("", []string{tt.variable})
			expect(t, err, tt.field, tt.want)
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("error %q shows a password", err)
			}
		})
	}
}

func TestAllFaultsOfTheEnvironmentAreToldAtOnceWithThoseOfTheFile(t *testing.T) {
	t.Chdir(t.TempDir())
	path := write(t, "kefu.yaml", "answer:\n  attempts: many\n")
	_, err := config.Load(path, []string{"KEFU_LOG_LEVEL=loud", "KEFU_CACHE_JITTER=2", "KEFU_FROBNICATE=1", "KEFU_GIZMO=1", "KEFU_API_KEY_FILE=" + path + ".none"})
	expect(t, err, "answer.attempts", "kefu.yaml:2:13: answer.attempts: want a whole number")
	for _, want := range []string{"\nKEFU_LOG_LEVEL: ", "\nKEFU_CACHE_JITTER: ", "\nunknown variable KEFU_FROBNICATE", "\nunknown variable KEFU_GIZMO", "KEFU_API_KEY_FILE "} {
		expect(t, err, "answer.attempts", want)
	}
}

func TestAFileMayBeginWithAByteOrderMark(t *testing.T) {
	c, err := config.Load(write(t, "kefu.yaml", "\ufeffaddr: 127.0.0.1:9000\r\ncache:\r\n  memory_entries: 5\r\n"), nil)
	if err != nil || c.Addr != "127.0.0.1:9000" || c.Cache.MemoryEntries != 5 {
		t.Errorf("addr = %q, memory_entries = %d, %v", c.Addr, c.Cache.MemoryEntries, err)
	}
}

func TestOnlyLoopbackIsLocal(t *testing.T) {
	for addr, open := range map[string]bool{
		"127.0.0.1:8000": true, "127.8.8.8:8000": true, "localhost:8000": true, "[::1]:8000": true, "127.0.0.1:0": true,
		":8000": false, "0.0.0.0:8000": false, "[::]:8000": false, "192.168.1.2:8000": false, "kefu.internal:8000": false,
	} {
		c := config.Default()
		c.Addr = addr
		if got := c.Local(); got != open {
			t.Errorf("%s is local = %v, want %v", addr, got, open)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestSecretsComeFromFilesAsWell(t *testing.T) {
	t.Chdir(t.TempDir())
	file := write(t, "key", key+"\n")
	c, err := config.Load("", []string{"KEFU_API_KEY_FILE=" + file, "KEFU_ADDR=:8000"})
	if err != nil || c.APIKey.Value() != key {
		t.Fatalf("key = %q, %v, want the file's", c.APIKey.Value(), err)
	}
	_, err = config.Load("", []string{"KEFU_API_KEY_FILE=" + file, "KEFU_API_KEY=" + key})
	expect(t, err, "api_key", "both KEFU_API_KEY and KEFU_API_KEY_FILE are set")
}

func TestServiceLinksOfKubernetesAreNotRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := config.Load("", []string{
		"KEFU_SERVICE_HOST=10.0.0.1", "KEFU_SERVICE_PORT=80", "KEFU_SERVICE_PORT_HTTP=80", "KEFU_PORT=tcp://10.0.0.1:80",
		"KEFU_PORT_80_TCP=tcp://10.0.0.1:80", "KEFU_PORT_80_TCP_ADDR=10.0.0.1", "KEFU_REDIS_SERVICE_HOST=10.0.0.2",
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	c := config.Default()
	c.APIKey = key
	c.Models.OpenAIKey = "sk-hunter2"
	c.Database.URL = "postgres://kefu:hunter2@db:5432/hunter2?password=hunter2"
	c.Handoff.WebhookURL = "https://hooks.example.com/hunter2"
	c.Sentry.DSN = "https://hunter2@o1.ingest.sentry.io/hunter2"

	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "config", c, "key", c.APIKey)
	for name, text := range map[string]string{
		"Redacted": c.Redacted(), "%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c),
		"String": c.APIKey.String(), "slog": log.String(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, key) {
			t.Errorf("%s shows a secret: %s", name, text)
		}
	}
	for _, want := range []string{`url: "postgres://db:5432"`, `openai_api_key: "[redacted]"`, "  memory_entries: 10000\n"} {
		if !strings.Contains(c.Redacted(), want) {
			t.Errorf("Redacted() lacks %s:\n%s", want, c.Redacted())
		}
	}
}

func TestRedactedWithoutSecretsIsAConfigurationFile(t *testing.T) {
	path := write(t, "kefu.yaml", config.Default().Redacted())
	c, err := config.Load(path, nil)
	if err != nil || !reflect.DeepEqual(c, config.Default()) {
		t.Errorf("read back = %+v, %v, want the defaults", c, err)
	}
}

func TestReferenceIsCompleteAndNamesFollowTheKeys(t *testing.T) {
	standard := map[string]bool{"OPENAI_API_KEY": true, "OPENAI_BASE_URL": true, "ANTHROPIC_API_KEY": true, "ANTHROPIC_BASE_URL": true, "GEMINI_API_KEY": true, "GEMINI_BASE_URL": true, "REDIS_URL": true, "DATABASE_URL": true, "SENTRY_DSN": true}
	seen := map[string]bool{}
	for _, s := range config.Reference() {
		if s.Env == "" && strings.Contains(s.Key, ".NAME.") {
			continue
		}
		if want := "KEFU_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_")); s.Env != want && !standard[s.Env] {
			t.Errorf("%s: variable = %s, want %s or a standard name", s.Key, s.Env, want)
		}
		if s.Help == "" || seen[s.Env] || seen[s.Key] {
			t.Errorf("%+v: want help and names of its own", s)
		}
		seen[s.Env], seen[s.Key] = true, true
		if s.Secret && s.Default != "" {
			t.Errorf("%s: a secret has the default %q", s.Key, s.Default)
		}
	}
}

func TestEnvExampleShowsEverySettingWithItsDefault(t *testing.T) {
	text, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# "), "=")
		if ok && !strings.Contains(name, " ") {
			shown[name] = value
		}
	}
	for _, s := range config.Reference() {
		if s.Env == "" {
			continue
		}
		if value, ok := shown[s.Env]; !ok || value != s.Default {
			t.Errorf("%s = %q (present: %v), want the default %q", s.Env, value, ok, s.Default)
		}
		delete(shown, s.Env)
		if s.Secret {
			if _, ok := shown[s.Env+"_FILE"]; !ok {
				t.Errorf("%s_FILE is not shown", s.Env)
			}
			delete(shown, s.Env+"_FILE")
		}
	}
	for name := range shown {
		t.Errorf("%s is no setting", name)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("addr: 127.0.0.1:1\ncache: {jitter: 0.2}\n")
	f.Add("models: {timeout: 5s, a: {provider: openai, base_url: 'http://h', key_env: K}}\nchains: {simple: [a, offline]}\n")
	f.Add("? [a]\n: b\n")
	f.Add("a: &x {b: *x}\n<<: *x\n")
	f.Add("addr: |\n  x\n--- !!binary\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := config.Load(write(t, "kefu.yaml", text), nil)
		var e *desk.Error
		if err != nil && (!errors.As(err, &e) || e.Kind != desk.Invalid || e.Public == "") {
			t.Errorf("error = %#v, want an explained *desk.Error", err)
		}
	})
}
