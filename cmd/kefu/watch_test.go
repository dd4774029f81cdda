package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
	"kefu/internal/testenv"
)

// sample is the value of a series in the text format, 0 when it is not there.
func sample(metrics, series string) float64 {
	for line := range strings.Lines(metrics) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			value, _, _ = strings.Cut(value, " #") // an exemplar
			if v, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				return v
			}
		}
	}
	return 0
}

// labels are the names of the labels that the series of a metric have.
func labels(metrics, name string) []string {
	names := map[string]bool{}
	for line := range strings.Lines(metrics) {
		rest, ok := strings.CutPrefix(line, name+"{")
		if !ok {
			continue
		}
		inside, _, _ := strings.Cut(rest, "}")
		for pair := range strings.SplitSeq(inside, ",") {
			label, _, _ := strings.Cut(pair, "=")
			names[label] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestTheTutorialsMetricsHaveItsNamesAndLabels(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := newShop(t, vendor.Env()...).Serve()
	server.Ask(simpleEN)
	server.Ask(simpleEN)
	server.Ask(complexZH)
	vendor.Behave(llmsim.Config{Failures: llmsim.Failures{"invalid_api_key": 1}})
	server.Ask(complexEN)

	_, metrics := server.Get("/metrics")
	for name, want := range map[string][]string{
		"llm_requests_total":         {"model", "status"},
		"llm_tokens_total":           {"model", "type"},
		"llm_latency_seconds_bucket": {"le", "model"},
		"llm_latency_seconds_count":  {"model"},
	} {
		if got := labels(metrics, name); !slices.Equal(got, want) {
			t.Errorf("labels of %s = %v, want %v", name, got, want)
		}
	}
	for _, typ := range []string{"# TYPE llm_requests_total counter", "# TYPE llm_tokens_total counter", "# TYPE llm_latency_seconds histogram"} {
		holds(t, "/metrics", metrics, typ+"\n")
	}

	var prompt, completion, chats float64
	for _, e := range vendor.Log() {
		if e.Model == "gpt-6-luna" && e.Status == 200 {
			chats++
			prompt += float64(e.PromptTokens)
			completion += float64(e.CompletionTokens)
		}
	}
	for series, want := range map[string]float64{
		`llm_requests_total{model="gpt-6-luna",status="success"}`:               chats,
		`llm_requests_total{model="gpt-6.1-terra",status="success"}`:            1,
		`llm_requests_total{model="gpt-6.1-terra",status="error"}`:              1,
		`llm_latency_seconds_count{model="gpt-6.1-terra"}`:                      2,
		`llm_tokens_total{model="gpt-6-luna",type="prompt"}`:                    prompt,
		`llm_tokens_total{model="gpt-6-luna",type="completion"}`:                completion,
		`kefu_cache_requests_total{tier="memory",result="hit"}`:                 1,
		`kefu_cache_requests_total{result="hit",tier="memory"}`:                 1,
		`kefu_router_decisions_total{method="rules",route="simple"}`:            1,
		`kefu_router_decisions_total{method="rules",route="complex"}`:           2,
		`kefu_kb_documents{status="ready"}`:                                     3,
		`kefu_answers_total{lang="zh",outcome="answered"}`:                      1,
		`kefu_answers_total{lang="en",outcome="degraded"}`:                      1,
		`http_requests_total{code="200",method="POST",route="/query"}`:          4,
		`kefu_retrieval_seconds_count{stage="search"}`:                          2,
		`llm_model_info{model="gpt-6-luna",provider="openai",tier="cheap"}`:     1,
		`kefu_answer_seconds_count{source="memory"}`:                            1,
		`kefu_answer_seconds_count{source="generated"}`:                         3,
		`llm_model_info{model="offline-extractive",provider="offline",tier=""}`: 1,
	} {
		if strings.HasPrefix(series, `kefu_cache_requests_total{tier`) {
			continue // the labels' order is the library's: by name
		}
		if got := sample(metrics, series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
	if cost := sample(metrics, `llm_cost_usd_total{model="gpt-6-luna",purpose="answer"}`); cost <= 0 {
		t.Errorf("cost of gpt-6-luna = %v, want some", cost)
	}
}

// logged are the keys of an attempt in the log. The first eight are what the
// tutorial's log has; none holds a text.
var logged = []string{
	"timestamp", "event", "prompt_length", "response_length", "model", "tokens", "latency_ms", "cost_usd",
	"level", "msg", "provider", "purpose", "outcome", "attempt", "answer_id", "request_id", "trace_id",
}

func TestTheLogHasOneEventForEachAttemptAndNoTexts(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := newShop(t, append(vendor.Env(), "KEFU_LOG_LEVEL=debug")...).Serve()
	questions := []string{simpleEN, complexEN, simpleZH, complexZH, unknownEN}
	for _, q := range questions {
		server.Ask(q)
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	attempts := 0
	for _, e := range server.Log.Events(t) {
		if e["event"] != "llm_call" {
			continue
		}
		attempts++
		for _, key := range logged[:8] {
			if _, ok := e[key]; !ok {
				t.Errorf("the event has no %s: %v", key, e)
			}
		}
		for key := range e {
			if !slices.Contains(logged, key) {
				t.Errorf("the event has an unexpected %s: %v", key, e)
			}
		}
		if _, err := time.Parse(time.RFC3339Nano, e["timestamp"].(string)); err != nil {
			t.Errorf("timestamp: %v", err)
		}
		if n, ok := e["prompt_length"].(float64); !ok || n == 0 {
			t.Errorf("prompt_length = %v", e["prompt_length"])
		}
	}
	if want := len(vendor.Log()); attempts != want {
		t.Errorf("%d events, want one for each of the provider's %d requests", attempts, want)
	}
	for _, text := range append(questions, "30 days of delivery", "签收后30天") {
		if strings.Contains(server.Log.String(), text) {
			t.Errorf("the log holds the text %q", text)
		}
	}
}

// What a customer may write about themselves, and parts that would betray it.
var personal = map[string]string{
	"an e-mail address":   "jane.doe-4711@mail.example.org",
	"a telephone number":  "+49 151 23456789",
	"a Chinese telephone": "13812345678",
	"a payment card":      "4111 1111 1111 1111",
	"an identity number":  "11010519491231002X",
	"a credential":        "sk-live_Tq7ZvB2mXc9LrWk4Yh1N",
}

func TestPersonalDataOfAQuestionLeavesTheProcessNowhere(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	url := testenv.Redis(t)
	site := newShop(t, append(vendor.Env(), "REDIS_URL="+url, "KEFU_LOG_LEVEL=debug")...)
	server := site.Serve()
	for what, value := range personal {
		for _, question := range []string{
			"My contact is " + value + ". How many days after delivery can I return an item?",
			"我的信息是" + value + "，请比较标准包裹和加急包裹的退货运费，哪个更贵？",
			"Compare the warranty of the Aurora lamp and of the Borealis tablet for " + value,
		} {
			if a := server.Ask(question); a.CacheHit {
				t.Errorf("%s: came from a cache: %+v", what, a)
			}
		}
		if status, _, err := server.Post(t.Context(), "application/json", []byte(`{"question":"`+value+`","email":"`+value+`"}`)); err != nil || status != 400 {
			t.Errorf("an unknown field: status %d %v", status, err)
		}
	}
	redis, asked := redisClient(t, url), 0
	e2e.Eventually(t, "an answer without personal data is in Redis", func() bool {
		asked++ // what a slow Redis does not take is not brought again
		server.Ask(fmt.Sprintf("How many days after delivery can I return %d items?", asked))
		n, err := redis.DBSize(t.Context()).Result()
		return err == nil && n >= 1
	})
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}

	places := map[string]string{"the provider": vendor.Received(), "the log": server.Log.String(), "Redis": dump(t, url)}
	files, err := filepath.Glob(filepath.Join(site.Dir, "data", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no database: %v", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		places[filepath.Base(f)] = string(raw)
	}
	for place, content := range places {
		if content == "" {
			t.Errorf("%s holds nothing at all", place)
		}
		for what, value := range personal {
			for _, form := range []string{value, strings.ReplaceAll(value, " ", "")} {
				if strings.Contains(content, form) {
					t.Errorf("%s holds %s", place, what)
				}
			}
		}
	}
	if !strings.Contains(places["kefu.db"], "EMAIL_1") {
		t.Error("the database holds no masked question: nothing was recorded")
	}
}

// dump is everything in a Redis database.
func dump(t *testing.T, url string) string {
	t.Helper()
	client := redisClient(t, url)
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, k := range keys {
		value, err := client.Get(t.Context(), k).Result()
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(k + "\n" + value + "\n")
	}
	return all.String()
}

func TestTheAskersOwnDataIsRestoredForThemAlone(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	site.Write("docs/contact.md", "# Account e-mail\n\nYou can change the e-mail address of your account under Account > Profile.\n")
	server := site.Serve()
	const address = "jane.doe-4711@mail.example.org"
	body, err := json.Marshal(map[string]string{"question": "How can I change the e-mail address of my account to " + address + "?"})
	if err != nil {
		t.Fatal(err)
	}
	_, mine, err := server.Post(t.Context(), "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mine), "⟦") {
		t.Errorf("the asker sees a placeholder: %s", mine)
	}
	other := server.Ask("How can I change the e-mail address of my account to someone@else.example?")
	if strings.Contains(other.Answer, address) || other.CacheHit {
		t.Errorf("somebody else was given: %+v", other)
	}
}
