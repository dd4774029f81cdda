package deploy_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kefu/internal/testenv"
)

type rule struct {
	Record, Alert, Expr string
	Labels              map[string]string
	Annotations         map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, file := range glob(t, "prometheus/rules/*.yml") {
		var content struct {
			Groups []struct{ Rules []rule }
		}
		readYAML(t, file, &content)
		for _, g := range content.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	return files
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(testenv.Promtool(t), args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolAcceptsConfigurationAndRules(t *testing.T) {
	promtool(t, "check", "config", filepath.Join(root, "prometheus.yml"))
	promtool(t, append([]string{"check", "rules", "--lint=all"}, glob(t, "prometheus/rules/*.yml")...)...)
}

// Each alert fires when it should and is silent when it should be.
func TestAlertsFireAndAreSilent(t *testing.T) {
	files := glob(t, "prometheus/tests/*.yml")
	promtool(t, append([]string{"test", "rules"}, files...)...)
	var tests strings.Builder
	for _, file := range files {
		tests.WriteString(read(t, file))
	}
	for _, r := range rules(t) {
		if r.Alert != "" && !strings.Contains(tests.String(), `alertname="`+r.Alert+`"`) {
			t.Errorf("no test makes %s fire", r.Alert)
		}
	}
}

func TestEveryAlertNamesWhatToDo(t *testing.T) {
	var books []string
	uids := dashboardUIDs(t)
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if !strings.HasPrefix(r.Alert, "Kefu") {
			t.Errorf("%s does not begin with Kefu", r.Alert)
		}
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity = %q, want critical or warning", r.Alert, s)
		}
		for _, name := range []string{"summary", "description"} {
			if r.Annotations[name] == "" {
				t.Errorf("%s has no %s", r.Alert, name)
			}
		}
		book := r.Annotations["runbook_url"]
		books = append(books, filepath.Base(book))
		text := read(t, filepath.Join(root, book))
		for _, heading := range []string{"# Kefu", "\n## Impact\n", "\n## Diagnosis\n", "\n## Mitigation\n"} {
			if !strings.Contains(text, heading) {
				t.Errorf("%s lacks %q", book, heading)
			}
		}
		if uid := strings.TrimPrefix(r.Annotations["dashboard_url"], "/d/"); !slices.Contains(uids, uid) {
			t.Errorf("%s: there is no dashboard %q", r.Alert, uid)
		}
	}
	for _, file := range glob(t, "runbooks/*.md") {
		if !slices.Contains(books, filepath.Base(file)) {
			t.Errorf("%s belongs to no alert", file)
		}
	}
}

func TestRulesNameOnlyMetricsThatExist(t *testing.T) {
	known := registered(t)
	for _, r := range rules(t) {
		for _, name := range metricsIn(r.Expr) {
			if !known[name] {
				t.Errorf("%s%s: there is no metric %s", r.Record, r.Alert, name)
			}
		}
		if trapped.MatchString(r.Expr) {
			t.Errorf("%s%s: le with a whole number finds nothing when scraped as OpenMetrics", r.Record, r.Alert)
		}
	}
}
