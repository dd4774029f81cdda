// Package config reads every setting of Kefu once, at the start: defaults, then
// kefu.yaml, then the environment. What it returns has been checked, so that
// nothing else in the program looks at files or variables.
package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kefu/internal/desk"
)

// MinAPIKey is the length of the shortest bootstrap key, in characters.
const MinAPIKey = 32

// MinIdentitySecret is the length of the shortest widget.identity_secret, in
// characters.
const MinIdentitySecret = 32

// Config holds all settings. The tags are the only place that names them: key
// is the path in kefu.yaml, env the variable, range and oneof the allowed
// values, help one line for the reference. Every Secret can also be given as a
// file, by the variable's name followed by _FILE.
type Config struct {
	Addr       string `key:"addr" env:"KEFU_ADDR" help:"address to serve; any but a loopback one needs keys"`
	OpsAddr    string `key:"ops_addr" env:"KEFU_OPS_ADDR" help:"second listener, for /metrics alone and without a key; empty: /metrics is served on addr"`
	APIKey     Secret `key:"api_key" env:"KEFU_API_KEY" help:"key of the administrator, at least 32 characters; others are made with it, or with kefu keys create"`
	DataDir    string `key:"data_dir" env:"KEFU_DATA_DIR" help:"directory of the SQLite database"`
	PricesFile string `key:"prices_file" env:"KEFU_PRICES_FILE" help:"price table that replaces rows of the embedded one"`

	Log          Log          `key:"log"`
	HTTP         HTTP         `key:"http"`
	Limit        Limit        `key:"limit"`
	Admission    Admission    `key:"admission"`
	Console      Console      `key:"console"`
	Chat         Chat         `key:"chat"`
	Widget       Widget       `key:"widget"`
	Question     Question     `key:"question"`
	Guard        Guard        `key:"guard"`
	Mask         Mask         `key:"mask"`
	Database     Database     `key:"database"`
	Redis        Redis        `key:"redis"`
	Cache        Cache        `key:"cache"`
	Models       Models       `key:"models"`
	Chains       Chains       `key:"chains"`
	Answer       Answer       `key:"answer"`
	Router       Router       `key:"router"`
	Agent        Agent        `key:"agent"`
	Conversation Conversation `key:"conversation"`
	Retention    Retention    `key:"retention"`
	Retrieval    Retrieval    `key:"retrieval"`
	Knowledge    Knowledge    `key:"knowledge"`
	Handoff      Handoff      `key:"handoff"`
	Sentry       Sentry       `key:"sentry"`

	// Tools and MCP are what kefu.yaml describes, in its order.
	Tools []Tool
	MCP   []MCPServer
}

// Log says what is logged and how.
type Log struct {
	Level  string `key:"level" env:"KEFU_LOG_LEVEL" oneof:"debug info warn error" help:"least important level that is logged"`
	Format string `key:"format" env:"KEFU_LOG_FORMAT" oneof:"json text" help:"form of the log lines"`
}

// HTTP bounds what one connection may take.
type HTTP struct {
	ReadHeaderTimeout time.Duration `key:"read_header_timeout" env:"KEFU_HTTP_READ_HEADER_TIMEOUT" range:"100ms..1m" help:"time for a request's headers to arrive"`
	ReadTimeout       time.Duration `key:"read_timeout" env:"KEFU_HTTP_READ_TIMEOUT" range:"100ms..10m" help:"time for a whole request to arrive"`
	WriteTimeout      time.Duration `key:"write_timeout" env:"KEFU_HTTP_WRITE_TIMEOUT" range:"1s..1h" help:"time for a reply, counted from the request's headers; more than answer.deadline"`
	IdleTimeout       time.Duration `key:"idle_timeout" env:"KEFU_HTTP_IDLE_TIMEOUT" range:"1s..1h" help:"time an unused connection is kept"`
	ShutdownGrace     time.Duration `key:"shutdown_grace" env:"KEFU_HTTP_SHUTDOWN_GRACE" range:"0s..10m" help:"time for running requests to end after SIGTERM"`
	MaxBodyBytes      int           `key:"max_body_bytes" env:"KEFU_HTTP_MAX_BODY_BYTES" range:"1024..16777216" help:"size of the largest request body"`
	TrustedProxies    []string      `key:"trusted_proxies" env:"KEFU_HTTP_TRUSTED_PROXIES" help:"addresses and networks of reverse proxies in front, as 10.0.0.0/8, whose X-Forwarded-For says who calls; empty: who is connected calls"`
}

// Limit bounds what one caller may ask.
type Limit struct {
	RequestsPerMinute        int `key:"requests_per_minute" env:"KEFU_LIMIT_REQUESTS_PER_MINUTE" range:"0..1000000" help:"requests a minute of one key; 0: unlimited"`
	TokensPerMinute          int `key:"tokens_per_minute" env:"KEFU_LIMIT_TOKENS_PER_MINUTE" range:"0..1000000000" help:"tokens a minute that answers to one key may take; 0: unlimited"`
	Concurrent               int `key:"concurrent" env:"KEFU_LIMIT_CONCURRENT" range:"0..100000" help:"requests of one key under way at a time, in all replicas together; 0: unlimited"`
	UserRequestsPerMinute    int `key:"user_requests_per_minute" env:"KEFU_LIMIT_USER_REQUESTS_PER_MINUTE" range:"0..1000000" help:"requests a minute of one user, where the caller names them; 0: unlimited"`
	VisitorRequestsPerMinute int `key:"visitor_requests_per_minute" env:"KEFU_LIMIT_VISITOR_REQUESTS_PER_MINUTE" range:"0..1000000" help:"requests a minute of one address that shows a website's key (role widget); 0: unlimited"`
	AddressRequestsPerMinute int `key:"address_requests_per_minute" env:"KEFU_LIMIT_ADDRESS_REQUESTS_PER_MINUTE" range:"0..1000000" help:"requests a minute of one address that shows no key; 0: unlimited"`
}

// Admission bounds how many answers are composed at a time.
type Admission struct {
	Concurrency int           `key:"concurrency" env:"KEFU_ADMISSION_CONCURRENCY" range:"0..100000" help:"answers composed at a time, in each replica, as long as the processors keep up; cached ones do not count; 0: any number"`
	Queue       float64       `key:"queue" env:"KEFU_ADMISSION_QUEUE" range:"0..10" help:"questions that may wait for a place, as a share of concurrency; the rest are refused with 503 and Retry-After; batches never wait"`
	Wait        time.Duration `key:"wait" env:"KEFU_ADMISSION_WAIT" range:"10ms..1m" help:"longest wait for a place, at most a quarter of answer.deadline"`
}

// Console says how long operators stay signed in.
type Console struct {
	Link    time.Duration `key:"link" env:"KEFU_CONSOLE_LINK" range:"1m..168h" help:"time in which a sign-in link can be used, once"`
	Idle    time.Duration `key:"idle" env:"KEFU_CONSOLE_IDLE" range:"5m..24h" help:"time without a request after which an operator is signed out"`
	Session time.Duration `key:"session" env:"KEFU_CONSOLE_SESSION" range:"5m..720h" help:"time after which an operator must sign in again"`
}

// Chat is what the company makes of the chat page and the widget.
type Chat struct {
	Title         string   `key:"title" env:"KEFU_CHAT_TITLE" help:"name above the chat, as Acme help; empty: Kefu"`
	SuggestionsEN []string `key:"suggestions_en" env:"KEFU_CHAT_SUGGESTIONS_EN" help:"questions that the chat suggests in English, at most 6; empty: those of a shop"`
	SuggestionsZH []string `key:"suggestions_zh" env:"KEFU_CHAT_SUGGESTIONS_ZH" help:"questions that the chat suggests in Chinese, at most 6; empty: those of a shop"`
}

// Suggestions are those of each language that has some.
func (c Chat) Suggestions() map[string][]string {
	all := map[string][]string{"en": c.SuggestionsEN, "zh": c.SuggestionsZH}
	maps.DeleteFunc(all, func(_ string, questions []string) bool { return len(questions) == 0 })
	return all
}

func (c *Config) checkChat() error {
	if n := utf8.RuneCountInString(c.Chat.Title); n > 60 {
		return bad("chat.title", "want at most 60 characters, got %d", n)
	}
	for key, questions := range map[string][]string{"chat.suggestions_en": c.Chat.SuggestionsEN, "chat.suggestions_zh": c.Chat.SuggestionsZH} {
		if n := len(questions); n > 6 {
			return bad(key, "want at most 6 questions, got %d", n)
		}
		for _, q := range questions {
			if n := utf8.RuneCountInString(q); n > c.Question.MaxCharacters {
				return bad(key, "a question of %d characters would be refused, see question.max_characters", n)
			}
		}
	}
	return nil
}

// Widget is the chat on other websites.
type Widget struct {
	Origins        []string `key:"origins" env:"KEFU_WIDGET_ORIGINS" help:"websites that may show the chat widget, and ask from scripts of their own, as https://shop.example.com or https://*.example.com; empty: none"`
	IdentitySecret Secret   `key:"identity_secret" env:"KEFU_WIDGET_IDENTITY_SECRET" help:"at least 32 characters, the same for all replicas, from which the key of each website gets the secret that its server signs its users with; empty: visitors cannot say who they are"`
}

// Question bounds what a customer may write.
type Question struct {
	MaxCharacters int `key:"max_characters" env:"KEFU_QUESTION_MAX_CHARACTERS" range:"1..100000" help:"length of the longest question"`
}

// Guard says what is done about questions that may be attacks.
type Guard struct {
	Mode string `key:"mode" env:"KEFU_GUARD_MODE" oneof:"off shadow enforce" help:"questions that try to change the instructions: enforce refuses them or answers with care, shadow only records, off does not look"`
}

// Mask adds to what is masked before a text leaves the process.
type Mask struct {
	Patterns string `key:"patterns" env:"KEFU_MASK_PATTERNS" help:"further personal data, as NAME=regular expression, with a semicolon between two, such as MEMBER=\\bM-\\d{8}\\b"`
}

// Database is where the truth lives.
type Database struct {
	URL Secret `key:"url" env:"DATABASE_URL" help:"PostgreSQL, as postgres://user:password@host/name; empty: SQLite in data_dir"`
	// EncryptionKeys are read by seal.Parse.
	EncryptionKeys Secret `key:"encryption_keys" env:"KEFU_DATABASE_ENCRYPTION_KEYS" help:"keys of 32 bytes in base64 or hexadecimal, of which the first encrypts what customers say before it is stored and all decrypt it; empty: it is stored as it is"`
}

// Redis is the shared cache.
type Redis struct {
	URL     Secret        `key:"url" env:"REDIS_URL" help:"shared cache, as redis://host:6379/0; empty: none"`
	Timeout time.Duration `key:"timeout" env:"KEFU_REDIS_TIMEOUT" range:"1ms..5s" help:"limit of one Redis operation, after which the request goes on without"`
}

// Cache sizes the two tiers of answers, and says who shares them.
type Cache struct {
	MemoryEntries int           `key:"memory_entries" env:"KEFU_CACHE_MEMORY_ENTRIES" range:"0..10000000" help:"answers kept in memory; 0: none"`
	MemoryTTL     time.Duration `key:"memory_ttl" env:"KEFU_CACHE_MEMORY_TTL" range:"1s..720h" help:"life of an answer in memory"`
	Semantic      bool          `key:"semantic" env:"KEFU_CACHE_SEMANTIC" help:"give an answer in memory also to nearly the same question, when numbers, names, negation, units, region, order and what is asked for agree"`
	RedisTTL      time.Duration `key:"redis_ttl" env:"KEFU_CACHE_REDIS_TTL" range:"1s..8760h" help:"life of an answer in Redis"`
	Jitter        float64       `key:"jitter" env:"KEFU_CACHE_JITTER" range:"0..0.5" help:"share of its life by which an entry may end earlier, so that hot ones do not end together"`
	Refresh       float64       `key:"refresh" env:"KEFU_CACHE_REFRESH" range:"0..0.5" help:"share of its life at whose end a hot answer is composed anew while it is still given, unless a budget is nearly used; 0: never"`
	WarmUp        int           `key:"warm_up" env:"KEFU_CACHE_WARM_UP" range:"0..1000" help:"questions of each tenant, the most asked of the last week, whose answers are composed after a release that made them invalid, unless a budget is nearly used"`
}

// Answer bounds the work on one answer.
type Answer struct {
	Deadline     time.Duration `key:"deadline" env:"KEFU_ANSWER_DEADLINE" range:"1s..10m" help:"time for an answer, retries and fallbacks included"`
	Attempts     int           `key:"attempts" env:"KEFU_ANSWER_ATTEMPTS" range:"1..20" help:"provider calls for an answer at most, embeddings included"`
	Passages     int           `key:"passages" env:"KEFU_ANSWER_PASSAGES" range:"3..6" help:"passages put before the strong model"`
	PromptTokens int           `key:"prompt_tokens" env:"KEFU_ANSWER_PROMPT_TOKENS" range:"500..200000" help:"tokens the passages may take in a prompt"`
	Compress     string        `key:"compress" env:"KEFU_ANSWER_COMPRESS" oneof:"extractive model off" help:"how passages are shortened before a language model reads them: extractive keeps the sentences that hold the question's words, model asks the cheap model which matter, for a call more"`
	Abstain      float64       `key:"abstain" env:"KEFU_ANSWER_ABSTAIN" range:"0..1" help:"with the offline embedder: how far the passages found must speak for an answer before the offline model gives one; a language model is asked from a fifth of it on; 0: no matter"`
}

// Router says by what questions are told to be simple or complex.
type Router struct {
	Weights string `key:"weights" env:"KEFU_ROUTER_WEIGHTS" help:"file of weights that 'kefu router train' wrote; empty: those of the program"`
}

// Conversation says how far back follow-ups are understood from.
type Conversation struct {
	Turns int `key:"turns" env:"KEFU_CONVERSATION_TURNS" range:"0..20" help:"earlier questions that a follow-up may lean on; 0: every question is taken as it stands"`
}

// Retention says how long things are kept.
type Retention struct {
	Conversations time.Duration `key:"conversations" env:"KEFU_RETENTION_CONVERSATIONS" range:"1h..87600h" help:"time for which conversations are kept"`
	Answers       time.Duration `key:"answers" env:"KEFU_RETENTION_ANSWERS" range:"1h..87600h" help:"time for which recorded answers are kept, with their questions and traces"`
	Ledger        time.Duration `key:"ledger" env:"KEFU_RETENTION_LEDGER" range:"1500h..87600h" help:"time for which calls to providers and what budgets spent are kept; they hold no text"`
}

// Retrieval weighs the two kinds of search.
type Retrieval struct {
	VectorIndex  string  `key:"vector_index" env:"KEFU_RETRIEVAL_VECTOR_INDEX" oneof:"memory pgvector" help:"who searches embeddings: each replica, which holds all of them in memory, or PostgreSQL by its extension vector (0.8 or newer), for more than some 20,000 chunks; pgvector needs database.url"`
	VectorWeight float64 `key:"vector_weight" env:"KEFU_RETRIEVAL_VECTOR_WEIGHT" range:"0..1" help:"share of the similarity of embeddings in a passage's score, words in common have the rest; 0: 0.25 for the built-in embedder, which goes by words too, and 0.5 for a model's"`
}

// Knowledge says where the knowledge base comes from and how replicas agree.
type Knowledge struct {
	Path      string   `key:"path" env:"KEFU_KNOWLEDGE_PATH" help:"folder that is loaded when the knowledge base is empty at the start; none: nothing"`
	Releases  int      `key:"releases" env:"KEFU_KNOWLEDGE_RELEASES" range:"1..1000" help:"releases that can be rolled back to, the newest included"`
	Inside    []string `key:"inside" env:"KEFU_KNOWLEDGE_INSIDE" help:"hosts whose pages may be read at addresses inside the network and by http, as wiki:8080; all others must be on the public internet and https"`
	LocalOnly []string `key:"local_only" env:"KEFU_KNOWLEDGE_LOCAL_ONLY" help:"globs of files and folders, as legal or hr/*.docx, whose documents are shown to private models alone; as if each said local_only: true, from its next load"`
	// LocalOnlyTopics is read by topic.Parse.
	LocalOnlyTopics string        `key:"local_only_topics" env:"KEFU_KNOWLEDGE_LOCAL_ONLY_TOPICS" help:"topics for private models alone, as medical=diagnosis,诊断; legal=lawsuit,诉讼: documents with one of the words are local-only from their next load, and so are questions with one"`
	Lease           time.Duration `key:"lease" env:"KEFU_KNOWLEDGE_LEASE" range:"1s..5m" help:"time after which a silent replica must catch up before it serves"`
}

// Handoff is how a customer reaches a person.
type Handoff struct {
	URL           string `key:"url" env:"KEFU_HANDOFF_URL" help:"page where a customer reaches a person"`
	Email         string `key:"email" env:"KEFU_HANDOFF_EMAIL" help:"address where a customer reaches a person"`
	Phone         string `key:"phone" env:"KEFU_HANDOFF_PHONE" help:"number where a customer reaches a person"`
	WebhookURL    Secret `key:"webhook_url" env:"KEFU_HANDOFF_WEBHOOK_URL" help:"endpoint that is told of each handoff"`
	WebhookSecret Secret `key:"webhook_secret" env:"KEFU_HANDOFF_WEBHOOK_SECRET" help:"key of the HMAC-SHA256 signature of what is sent there, at least 16 characters"`
}

// Sentry receives errors and traces.
type Sentry struct {
	DSN              Secret  `key:"dsn" env:"SENTRY_DSN" help:"Sentry project; empty: nothing is sent"`
	Environment      string  `key:"environment" env:"KEFU_SENTRY_ENVIRONMENT" help:"environment shown in Sentry"`
	TracesSampleRate float64 `key:"traces_sample_rate" env:"KEFU_SENTRY_TRACES_SAMPLE_RATE" range:"0..1" help:"share of the requests that are traced; errors are always sent"`
}

// Default returns the settings of a start without file and environment.
func Default() Config {
	return Config{
		Addr:    "127.0.0.1:8000",
		DataDir: "./data",
		Log:     Log{Level: "info", Format: "json"},
		HTTP: HTTP{
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       15 * time.Second,
			WriteTimeout:      75 * time.Second,
			IdleTimeout:       2 * time.Minute,
			ShutdownGrace:     25 * time.Second,
			MaxBodyBytes:      64 << 10,
		},
		Limit: Limit{RequestsPerMinute: 60, VisitorRequestsPerMinute: 20},
		// A thousand streams take about 250 MiB.
		Admission: Admission{Concurrency: 1000, Queue: 0.5, Wait: 5 * time.Second},
		Console:   Console{Link: 15 * time.Minute, Idle: time.Hour, Session: 12 * time.Hour},
		Question:  Question{MaxCharacters: 4000},
		Guard:     Guard{Mode: "enforce"},
		Redis:     Redis{Timeout: 50 * time.Millisecond},
		Cache:     Cache{MemoryEntries: 10_000, MemoryTTL: time.Hour, Semantic: true, RedisTTL: 7 * 24 * time.Hour, Jitter: 0.1, Refresh: 0.1},
		Models: Models{
			Cheap: "gpt-6-luna", Strong: "gpt-6.1-terra",
			AnthropicCheap: "claude-haiku-5-5", AnthropicStrong: "claude-sonnet-5-5",
			GeminiCheap: "gemini-3.1-flash-lite", GeminiStrong: "gemini-3.8-flash",
			Embedding: "text-embedding-3-small",
			Timeout:   30 * time.Second, FirstDelta: 10 * time.Second, Idle: 15 * time.Second,
			LimitWait: 2 * time.Second, ConnectionIdle: 90 * time.Second,
			Retries: 2, Backoff: time.Second, BackoffFactor: 2, MaxBackoff: 8 * time.Second,
			BreakerFaults: 3, BreakerCoolDown: 30 * time.Second,
			MaxTokens: 800,
		},
		Answer:       Answer{Deadline: time.Minute, Attempts: 4, Passages: 5, PromptTokens: 3000, Compress: "extractive", Abstain: 0.5},
		Agent:        Agent{Steps: 6, Calls: 12, Attempts: 10, ConfirmWithin: 15 * time.Minute},
		Conversation: Conversation{Turns: 3},
		Retention:    Retention{Conversations: 30 * 24 * time.Hour, Answers: 90 * 24 * time.Hour, Ledger: 400 * 24 * time.Hour},
		Retrieval:    Retrieval{VectorIndex: "memory"},
		Knowledge:    Knowledge{Path: "kb", Releases: 20, Lease: 5 * time.Second},
		Sentry:       Sentry{Environment: "production", TracesSampleRate: 0.1},
	}
}

// Validate checks each value by itself and those that must fit together. The
// error joins a *desk.Error of kind Invalid for each fault, whose Field is the
// setting's key.
func (c *Config) Validate() error {
	var faults []error
	for _, s := range settingsOf(c) {
		if err := s.check(); err != nil {
			faults = append(faults, err)
		}
	}
	for _, check := range []func(*Config) error{
		(*Config).checkAddresses, (*Config).checkWidget, (*Config).checkChat, (*Config).checkTimes, (*Config).checkModels, (*Config).checkKnowledge, (*Config).checkHandoff, (*Config).checkServers, (*Config).checkAgent,
	} {
		faults = append(faults, check(c))
	}
	return errors.Join(faults...)
}

func (c *Config) checkKnowledge() error {
	for _, glob := range c.Knowledge.LocalOnly {
		if _, err := path.Match(glob, ""); err != nil || strings.Trim(glob, "/") == "" || strings.Contains(glob, "**") {
			return bad("knowledge.local_only", "%q is no glob; want names of files or folders, with * for a part of one and without **, since they match at every depth", glob)
		}
	}
	return nil
}

func (c *Config) checkWidget() error {
	if n := len(c.Widget.IdentitySecret); n > 0 && n < MinIdentitySecret {
		return bad("widget.identity_secret", "want at least %d characters, as 'openssl rand -hex 32' prints them, got %d", MinIdentitySecret, n)
	}
	for _, origin := range c.Widget.Origins {
		u, err := url.Parse(strings.Replace(origin, "://*.", "://any.", 1))
		own := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
		if err != nil || u.Scheme != "https" && !own || u.Host == "" || u.Scheme+"://"+u.Host != u.String() || strings.ContainsAny(u.Host, "*;, ") {
			return bad("widget.origins", "want websites such as https://shop.example.com, without a path, got %q", origin)
		}
	}
	return nil
}

// Proxies are http.trusted_proxies as networks.
func (c *Config) Proxies() []netip.Prefix {
	var proxies []netip.Prefix
	for _, text := range c.HTTP.TrustedProxies {
		if p, err := network(text); err == nil {
			proxies = append(proxies, p)
		}
	}
	return proxies
}

// network reads an address or a network.
func network(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.Prefix(ip.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

func (c *Config) checkAddresses() error {
	for _, text := range c.HTTP.TrustedProxies {
		if _, err := network(text); err != nil {
			return bad("http.trusted_proxies", "want addresses or networks such as 10.0.0.0/8, got %q", text)
		}
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return bad("addr", "want host:port such as 127.0.0.1:8000, got %q", c.Addr)
	}
	if n := len([]rune(c.APIKey.Value())); n > 0 && n < MinAPIKey {
		return bad("api_key", "want at least %d characters, got %d", MinAPIKey, n)
	}
	if c.OpsAddr == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.OpsAddr); err != nil {
		return bad("ops_addr", "want host:port such as 127.0.0.1:9100, got %q", c.OpsAddr)
	}
	if c.OpsAddr == c.Addr {
		return bad("ops_addr", "%s is already taken by addr", c.OpsAddr)
	}
	return nil
}

// Local reports whether only this machine reaches Addr. An empty host is every
// interface.
func (c *Config) Local() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func (c *Config) checkTimes() error {
	if c.Models.MaxBackoff < c.Models.Backoff {
		return bad("models.max_backoff", "want at least models.backoff (%s), got %s", short(c.Models.Backoff), short(c.Models.MaxBackoff))
	}
	if c.HTTP.WriteTimeout <= c.Answer.Deadline {
		return bad("http.write_timeout", "want more than answer.deadline (%s), got %s", short(c.Answer.Deadline), short(c.HTTP.WriteTimeout))
	}
	return nil
}

func (c *Config) checkHandoff() error {
	if err := checkURL("handoff.url", c.Handoff.URL, "http", "https"); err != nil {
		return err
	}
	if e := c.Handoff.Email; e != "" {
		if a, err := mail.ParseAddress(e); err != nil || a.Address != e {
			return bad("handoff.email", "want an address such as help@example.com, got %q", e)
		}
	}
	if err := checkURL("handoff.webhook_url", c.Handoff.WebhookURL.Value(), "http", "https"); err != nil {
		return err
	}
	if c.Handoff.WebhookURL != "" && len(c.Handoff.WebhookSecret) < 16 {
		return bad("handoff.webhook_secret", "want at least 16 characters, since the webhook is signed with it")
	}
	return nil
}

func (c *Config) checkServers() error {
	if err := checkURL("database.url", c.Database.URL.Value(), "postgres", "postgresql"); err != nil {
		return err
	}
	if c.Retrieval.VectorIndex == "pgvector" && c.Database.URL == "" {
		return bad("retrieval.vector_index", "pgvector is an extension of PostgreSQL: set DATABASE_URL too, or memory")
	}
	if err := checkURL("redis.url", c.Redis.URL.Value(), "redis", "rediss", "unix"); err != nil {
		return err
	}
	return checkURL("sentry.dsn", c.Sentry.DSN.Value(), "http", "https")
}

// checkURL accepts an empty value. Its message never repeats the value, which
// may hold a password.
func checkURL(key, value string, schemes ...string) error {
	if value == "" {
		return nil
	}
	scheme, _, found := strings.Cut(value, "://")
	if !found || !slices.Contains(schemes, strings.ToLower(scheme)) {
		beginnings := make([]string, len(schemes))
		for i, scheme := range schemes {
			beginnings[i] = scheme + "://"
		}
		return bad(key, "want a URL that begins with %s", list(beginnings, " or "))
	}
	u, err := url.Parse(value)
	whole := err == nil && (u.Host != "" || u.Scheme == "unix" && u.Path != "")
	if !whole || u.Fragment != "" && !strings.HasPrefix(u.Scheme, "http") { // the rest of a password
		return bad(key, "this is no URL with a host; of a password, # is written %%23, / %%2F, ? %%3F, @ %%40 and %% %%25")
	}
	return nil
}

func bad(key, format string, args ...any) *desk.Error {
	return &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: key, Public: key + ": " + fmt.Sprintf(format, args...)}
}
