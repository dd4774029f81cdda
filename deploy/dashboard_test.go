package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	dto "github.com/prometheus/client_model/go"
	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/telemetry"
)

type dashboard struct {
	UID         string
	Title       string
	Description string
	Editable    bool
	Templating  struct {
		List []struct{ Name, Type string }
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  source
	GridPos     struct{ H, W, X, Y int }
	FieldConfig struct{ Defaults struct{ Unit string } }
	Targets     []target
}

type source struct{ Type, UID string }

type target struct {
	Expr         string
	LegendFormat string
	RefID        string
	Datasource   source
}

func dashboards(t *testing.T) []dashboard {
	t.Helper()
	var all []dashboard
	for _, file := range glob(t, "grafana/dashboards/*.json") {
		var d dashboard
		if err := json.Unmarshal([]byte(read(t, file)), &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, d)
	}
	return all
}

func dashboardUIDs(t *testing.T) []string {
	var uids []string
	for _, d := range dashboards(t) {
		uids = append(uids, d.UID)
	}
	return uids
}

// queries calls f with every panel that shows data.
func queries(t *testing.T, f func(where string, p panel)) {
	t.Helper()
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			if p.Type != "row" {
				f(d.UID+": "+p.Title, p)
			}
		}
	}
}

// A runbook names panels in italics, but for the pages of the console.
func TestRunbooksNamePanelsThatExist(t *testing.T) {
	var titles []string
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			titles = append(titles, p.Title)
		}
	}
	named := regexp.MustCompile(`\*([A-Z][^*\n]+)\*( in the console)?`)
	for _, file := range glob(t, "runbooks/*.md") {
		for _, m := range named.FindAllStringSubmatch(read(t, file), -1) {
			if m[2] == "" && !slices.Contains(titles, m[1]) {
				t.Errorf("%s: there is no panel %q", file, m[1])
			}
		}
	}
}

func TestDashboardsAreWhole(t *testing.T) {
	uids := dashboardUIDs(t)
	slices.Sort(uids)
	if len(slices.Compact(slices.Clone(uids))) != len(uids) {
		t.Errorf("uids are not unique: %v", uids)
	}
	for _, d := range dashboards(t) {
		if d.UID == "" || d.Title == "" || d.Description == "" || d.Editable {
			t.Errorf("%s: want a uid, a title, a description, and editable false", d.UID)
		}
		var names []string
		for _, v := range d.Templating.List {
			names = append(names, v.Name)
		}
		if !slices.Equal(names, []string{"datasource", "job", "instance"}) {
			t.Errorf("%s: variables = %v", d.UID, names)
		}
		ids := map[int]bool{}
		for _, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: id %d is taken twice", d.UID, p.ID)
			}
			ids[p.ID] = true
		}
		checkLayout(t, d)
	}
	queries(t, func(where string, p panel) {
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("%s: want a title, a description, a unit and a query", where)
		}
		for _, s := range append([]source{p.Datasource}, sources(p)...) {
			if s.Type != "prometheus" || s.UID != "${datasource}" {
				t.Errorf("%s: data source = %v, want the variable", where, s)
			}
		}
		for _, q := range p.Targets {
			if q.LegendFormat == "" {
				t.Errorf("%s: query %s has no legend", where, q.RefID)
			}
		}
	})
}

func sources(p panel) []source {
	var all []source
	for _, q := range p.Targets {
		all = append(all, q.Datasource)
	}
	return all
}

// checkLayout wants panels within the 24 columns that do not lie on each other.
func checkLayout(t *testing.T, d dashboard) {
	t.Helper()
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		g := p.GridPos
		if g.X+g.W > 24 {
			t.Errorf("%s: %s is cut off at the right", d.UID, p.Title)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%s: %s lies on %s", d.UID, p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

var (
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}`)
	// A bound of 5 is stored as le="5.0" when scraped as OpenMetrics.
	trapped = regexp.MustCompile(`\ble="\d+"`)
)

func TestQueriesAreWellFormed(t *testing.T) {
	types := metricTypes(t)
	queries(t, func(where string, p panel) {
		for _, q := range p.Targets {
			if trapped.MatchString(q.Expr) {
				t.Errorf("%s: le with a whole number finds nothing", where)
			}
			for _, m := range selector.FindAllStringSubmatchIndex(q.Expr, -1) {
				name, labels := q.Expr[m[2]:m[3]], q.Expr[m[4]:m[5]]
				checkMatchers(t, where, name, labels)
				typ, ok := types[strings.TrimSuffix(name, "_bucket")]
				if ok && (typ == dto.MetricType_COUNTER || typ == dto.MetricType_HISTOGRAM) {
					checkCounter(t, where, name, q.Expr[:m[0]], q.Expr[m[1]:])
				}
			}
		}
	})
	checkPromQL(t)
}

func checkMatchers(t *testing.T, where, name, labels string) {
	t.Helper()
	want := []string{`job=~"$job"`, `instance=~"$instance"`}
	switch {
	case name == "ALERTS": // of all replicas and jobs
		want = []string{`alertname=~"Kefu.+"`}
	case strings.Contains(name, ":"): // recorded per job
		want = want[:1]
	}
	for _, w := range want {
		if !strings.Contains(labels, w) {
			t.Errorf("%s: %s lacks %s", where, name, w)
		}
	}
}

// checkCounter wants the rate of a counter over what the resolution of the
// graph asks for, or its increase within a fixed time.
func checkCounter(t *testing.T, where, name, before, after string) {
	t.Helper()
	rate := strings.HasSuffix(before, "rate(") && strings.HasPrefix(after, "[$__rate_interval]")
	increase := strings.HasSuffix(before, "increase(") && regexp.MustCompile(`^\[\d+[hd]\]`).MatchString(after)
	if !rate && !increase {
		t.Errorf("%s: the counter %s is not read by rate over $__rate_interval", where, name)
	}
}

// checkPromQL gives every query to promtool as a recording rule.
func checkPromQL(t *testing.T) {
	t.Helper()
	type record struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var records []record
	queries(t, func(_ string, p panel) {
		for _, q := range p.Targets {
			records = append(records, record{fmt.Sprintf("panel:%d:%s", p.ID, strings.ToLower(q.RefID)), filled(q.Expr)})
		}
	})
	content, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": records}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "panels.yml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=none", file)
}

// filled is a query with the variables replaced as Grafana would.
func filled(expr string) string {
	return strings.NewReplacer("$__rate_interval", "10s", "$job", "kefu", "$instance", ".*").Replace(expr)
}

func TestDashboardsNameOnlyMetricsThatExist(t *testing.T) {
	known := registered(t)
	queries(t, func(where string, p panel) {
		for _, q := range p.Targets {
			for _, name := range metricsIn(q.Expr) {
				if !known[name] {
					t.Errorf("%s: there is no metric %s", where, name)
				}
			}
		}
	})
}

// Kefu exports nothing that nobody looks at.
func TestEveryMetricIsShownOrAlertedOn(t *testing.T) {
	used := map[string]bool{}
	queries(t, func(_ string, p panel) {
		for _, q := range p.Targets {
			for _, name := range metricsIn(q.Expr) {
				used[strings.TrimSuffix(name, "_bucket")] = true
			}
		}
	})
	for _, r := range rules(t) {
		for _, name := range metricsIn(r.Expr) {
			used[strings.TrimSuffix(name, "_bucket")] = true
		}
	}
	used["kefu_redis_pool_stale_total"] = true // explains timeouts, by hand
	for name := range metricTypes(t) {
		if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") && !used[name] {
			t.Errorf("%s is neither shown nor alerted on", name)
		}
	}
}

// metricTypes are the metrics that telemetry registers, by name.
func metricTypes(t *testing.T) map[string]dto.MetricType {
	t.Helper()
	tel, err := telemetry.New(telemetry.Config{
		Logger: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Models: []telemetry.Model{{Name: "m", Provider: "p", Tier: llm.Cheap}}, PricesChecked: time.Now(),
		QuestionRules: []string{"r"}, PersonalTypes: []string{"EMAIL"},
	})
	if err != nil {
		t.Fatal(err)
	}
	// These have no series before their first observation.
	tel.CollectRedis(func() *redis.PoolStats { return &redis.PoolStats{} })
	tel.CollectSyncs(func(context.Context) ([]desk.Sync, error) {
		return []desk.Sync{{Kind: desk.FromFiles, At: time.Now(), Due: time.Now()}}, nil
	})
	tel.CollectAdmission(func() (places, inside, waiting int) { return 0, 0, 0 })
	tel.CollectBudgets(func(context.Context, time.Time) ([]desk.BudgetState, error) {
		return []desk.BudgetState{{Budget: desk.Budget{Subject: desk.SubjectTenant, Period: desk.PerDay, Cap: 1}}}, nil
	})
	tel.Request("/query", "POST", 200, time.Second)
	tel.Decided(t.Context(), desk.Decision{Step: desk.StepFallback, From: "m", To: "m", Reason: string(llm.Unavailable)})
	once, cancel := context.WithCancel(t.Context())
	up := func(context.Context) error { cancel(); return nil }
	if err := tel.Watch(once, time.Second, telemetry.Checks{"redis": up}); err != nil {
		t.Fatal(err)
	}
	families, err := tel.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]dto.MetricType{}
	for _, f := range families {
		types[f.GetName()] = f.GetType()
	}
	return types
}

// registered are all names that a query may use.
func registered(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{"up": true, "ALERTS": true}
	for name, typ := range metricTypes(t) {
		known[name] = true
		if typ == dto.MetricType_HISTOGRAM {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				known[name+suffix] = true
			}
		}
	}
	for _, r := range rules(t) {
		if r.Record != "" {
			known[r.Record] = true
		}
	}
	return known
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	braces   = regexp.MustCompile(`\{[^}]*\}`)
	ranges   = regexp.MustCompile(`\[[^\]]*\]`)
	grouping = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	word     = regexp.MustCompile(`[0-9][0-9a-z.]*|([a-zA-Z_:][a-zA-Z0-9_:]*)(\s*\()?`)
	keywords = []string{"and", "or", "unless", "offset", "bool"}
)

// metricsIn returns the names of the metrics in a PromQL expression.
func metricsIn(expr string) []string {
	for _, re := range []*regexp.Regexp{quoted, braces, ranges, grouping} {
		expr = re.ReplaceAllString(expr, " ")
	}
	var names []string
	for _, m := range word.FindAllStringSubmatch(expr, -1) {
		name, function := m[1], m[2] != ""
		if name != "" && !function && !slices.Contains(keywords, name) {
			names = append(names, name)
		}
	}
	return names
}

func TestMetricsInFindsNames(t *testing.T) {
	expr := `sum by (job, le) (rate(a_bucket{job=~"$job",x="y and z"}[5m] offset 1d)) / on (job) group_left () job:b:rate5m > 1.5e3 or vector(0)`
	if got, want := metricsIn(expr), []string{"a_bucket", "job:b:rate5m"}; !slices.Equal(got, want) {
		t.Errorf("metrics = %v, want %v", got, want)
	}
}
