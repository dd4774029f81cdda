package testenv

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

const prometheusInstall = "apt-get install prometheus, or brew install prometheus"

// Promtool returns the path of promtool, which comes with Prometheus.
func Promtool(t testing.TB) string {
	t.Helper()
	path, err := find("promtool", prometheusInstall)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Prometheus starts a server that scrapes the targets (job to host:port, path
// /metrics) every second and evaluates the rule files as often, and returns
// its base URL. It lives until t ends.
func Prometheus(t testing.TB, targets map[string]string, ruleFiles ...string) string {
	t.Helper()
	path, err := find("prometheus", prometheusInstall)
	if err != nil {
		t.Fatal(err)
	}
	config, err := prometheusConfig(targets, ruleFiles)
	if err != nil {
		t.Fatal(err)
	}
	s, err := launch("prometheus", func(dir, addr string) (*server, error) {
		file := filepath.Join(dir, "prometheus.yml")
		return &server{
			path: path,
			args: []string{
				"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
				"--web.listen-address=" + addr, "--enable-feature=exemplar-storage", "--log.level=warn",
			},
			ready: prometheusReady,
		}, os.WriteFile(file, config, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	return "http://" + s.addr
}

// prometheusConfig is JSON, which is YAML too.
func prometheusConfig(targets map[string]string, ruleFiles []string) ([]byte, error) {
	type static struct {
		Targets []string `json:"targets"`
	}
	type scrape struct {
		Job    string   `json:"job_name"`
		Static []static `json:"static_configs"`
	}
	rules := make([]string, len(ruleFiles))
	for i, file := range ruleFiles {
		abs, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		rules[i] = abs
	}
	scrapes := []scrape{}
	for job, addr := range targets {
		scrapes = append(scrapes, scrape{job, []static{{[]string{addr}}}})
	}
	return json.Marshal(map[string]any{
		"global": map[string]string{
			"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s",
		},
		"rule_files":     rules,
		"scrape_configs": scrapes,
	})
}

// prometheusReady asks the server where it keeps its data.
func prometheusReady(ctx context.Context, s *server) error {
	if _, err := httpGet(ctx, "http://"+s.addr+"/-/ready"); err != nil {
		return err
	}
	flags, err := httpGet(ctx, "http://"+s.addr+"/api/v1/status/flags")
	if err != nil {
		return err
	}
	if flags.Data["storage.tsdb.path"] != filepath.Join(s.dir, "data") {
		return fmt.Errorf("another server listens on %s", s.addr)
	}
	return nil
}

type promFlags struct {
	Data map[string]string `json:"data"`
}

func httpGet(ctx context.Context, url string) (promFlags, error) {
	var flags promFlags
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return flags, err
	}
	req.Close = true // an idle connection would be a goroutine left behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return flags, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return flags, fmt.Errorf("%s: %s", url, resp.Status)
	}
	json.NewDecoder(resp.Body).Decode(&flags) // /-/ready has no JSON
	return flags, nil
}
