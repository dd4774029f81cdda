// Package deploy_test checks everything in this directory that can be checked
// without a container engine and without Grafana, which no test here starts:
// that the files parse, name only what exists, and that every query of a
// dashboard returns data from the real program.
package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/redis/go-redis/v9"

	"kefu/internal/config"
	"kefu/internal/e2e"
	"kefu/internal/testenv"
)

func TestMain(m *testing.M) { e2e.Main(m) }

// root is the top of the repository.
const root = ".."

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, path)), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

type compose struct {
	Services map[string]service
	Secrets  map[string]struct{ File string }
	Volumes  map[string]any
}

type service struct {
	Image       string
	Build       *struct{ Context, Target string }
	Restart     string
	Profiles    []string
	Environment map[string]string
	Secrets     []string
	Ports       []string
	Volumes     []string
	Command     []string
	Healthcheck *struct{ Test []string }
	DependsOn   any `yaml:"depends_on"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	readYAML(t, filepath.Join(root, "docker-compose.yml"), &c)
	return c
}

var substitution = regexp.MustCompile(`\$\{\w+:-([^}]*)\}`)

// substituted is a value as compose sees it when .env sets nothing.
func substituted(s string) string { return substitution.ReplaceAllString(s, "$1") }

func TestComposeGivesKefuSettingsThatItTakes(t *testing.T) {
	known := map[string]bool{"KEFU_CONFIG": true} // names the file, and is none in it
	for _, s := range config.Reference() {
		known[s.Env] = true
		if s.Secret {
			known[s.Env+"_FILE"] = true
		}
	}
	dir := secrets(t)
	var environ []string
	for name, value := range readCompose(t).Services["kefu"].Environment {
		if !known[name] {
			t.Errorf("%s is not a setting", name)
		}
		environ = append(environ, name+"="+strings.Replace(substituted(value), "/run/secrets", dir, 1))
	}
	t.Chdir(t.TempDir()) // no kefu.yaml here
	if _, err := config.Load("", environ); err != nil {
		t.Errorf("Kefu would not start: %v", err)
	}
}

// secrets runs secrets.sh on a copy of this directory.
func secrets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets.sh"), []byte(read(t, "secrets.sh")), 0o700); err != nil {
		t.Fatal(err)
	}
	run := func() {
		if out, err := exec.Command("sh", filepath.Join(dir, "secrets.sh")).CombinedOutput(); err != nil {
			t.Fatalf("secrets.sh: %v\n%s", err, out)
		}
	}
	run()
	before := read(t, filepath.Join(dir, "secrets", "kefu_api_key"))
	run()
	if after := read(t, filepath.Join(dir, "secrets", "kefu_api_key")); after != before {
		t.Error("secrets.sh replaced a secret")
	}
	return filepath.Join(dir, "secrets")
}

func TestEverySecretIsMadeAndUsed(t *testing.T) {
	c := readCompose(t)
	dir := secrets(t)
	used := map[string]bool{}
	for name, s := range c.Services {
		for _, secret := range s.Secrets {
			used[secret] = true
			if _, ok := c.Secrets[secret]; !ok {
				t.Errorf("%s uses the undeclared secret %s", name, secret)
			}
		}
	}
	for name, secret := range c.Secrets {
		if !used[name] {
			t.Errorf("secret %s is not used", name)
		}
		file := filepath.Join(dir, filepath.Base(secret.File))
		info, err := os.Stat(file)
		if err != nil || filepath.Dir(secret.File) != "deploy/secrets" {
			t.Errorf("secrets.sh does not make %s: %v", secret.File, err)
			continue
		}
		if info.Mode().Perm()&0o044 != 0o044 {
			t.Errorf("%s has mode %o, which a container's user cannot read", secret.File, info.Mode().Perm())
		}
	}
	if out, err := exec.Command("git", "-C", root, "ls-files", "deploy/secrets").Output(); err == nil && strings.TrimSpace(string(out)) != "deploy/secrets/.gitignore" {
		t.Errorf("secrets are in the repository:\n%s", out)
	}
}

func TestServicesAreFitForProduction(t *testing.T) {
	c := readCompose(t)
	volumes := map[string]bool{}
	for name, s := range c.Services {
		if s.Restart != "unless-stopped" {
			t.Errorf("%s: restart = %q, want unless-stopped", name, s.Restart)
		}
		if s.Healthcheck == nil && name != "llmsim" {
			t.Errorf("%s has no health check", name)
		}
		checkImage(t, name, substituted(s.Image))
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s on every interface", name, port)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if !strings.HasPrefix(source, "./") {
				volumes[source] = true
			} else if _, err := os.Stat(filepath.Join(root, source)); err != nil {
				t.Errorf("%s mounts %s: %v", name, source, err)
			}
		}
	}
	for name := range c.Volumes {
		if !volumes[name] {
			t.Errorf("volume %s is not used", name)
		}
	}
	for name := range volumes {
		if _, ok := c.Volumes[name]; !ok {
			t.Errorf("volume %s is not declared", name)
		}
	}
	if p := c.Services["llmsim"].Profiles; !slices.Equal(p, []string{"sim"}) {
		t.Errorf("profiles of llmsim = %v, want sim: nobody runs a simulator by accident", p)
	}
	for _, name := range []string{"kefu", "redis", "postgres", "prometheus", "grafana"} {
		if _, ok := c.Services[name]; !ok {
			t.Errorf("there is no service %s", name)
		}
	}
}

func checkImage(t *testing.T, where, image string) {
	t.Helper()
	_, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if !ok || tag == "" || tag == "latest" {
		t.Errorf("%s: image %q is not pinned by a tag", where, image)
	}
}

// The arguments of redis-server are settings; a real one takes each of them.
func TestRedisTakesItsSettings(t *testing.T) {
	command := readCompose(t).Services["redis"].Command
	if len(command) == 0 || command[0] != "redis-server" || len(command)%2 != 1 {
		t.Fatalf("command = %q", command)
	}
	client := redis.NewClient(&redis.Options{Addr: testenv.OwnRedis(t).Addr()})
	defer client.Close()
	for pair := range slices.Chunk(command[1:], 2) {
		if err := client.ConfigSet(t.Context(), strings.TrimPrefix(pair[0], "--"), pair[1]).Err(); err != nil {
			t.Errorf("%s %q: %v", pair[0], pair[1], err)
		}
	}
	if policy := client.ConfigGet(t.Context(), "maxmemory-policy").Val()["maxmemory-policy"]; policy != "allkeys-lru" {
		t.Errorf("maxmemory-policy = %s, want allkeys-lru", policy)
	}
}

func TestPrometheusScrapesTheOpsListener(t *testing.T) {
	var prometheus struct {
		ScrapeConfigs []struct {
			Job    string `yaml:"job_name"`
			Static []struct {
				Targets []string
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, filepath.Join(root, "prometheus.yml"), &prometheus)
	_, port, _ := strings.Cut(readCompose(t).Services["kefu"].Environment["KEFU_OPS_ADDR"], ":")
	if job := prometheus.ScrapeConfigs[0]; job.Job != "kefu" || job.Static[0].Targets[0] != "kefu:"+port {
		t.Errorf("job = %+v, want kefu:%s", job, port)
	}
}

func TestGrafanaIsProvisionedWithWhatIsMounted(t *testing.T) {
	var sources struct {
		Datasources []struct{ Type, URL string }
	}
	readYAML(t, "grafana/provisioning/datasources/prometheus.yml", &sources)
	if len(sources.Datasources) != 1 || sources.Datasources[0].Type != "prometheus" || sources.Datasources[0].URL != "http://prometheus:9090" {
		t.Errorf("data sources = %+v", sources.Datasources)
	}
	var dashboards struct {
		Providers []struct {
			Options struct{ Path string }
		}
	}
	readYAML(t, "grafana/provisioning/dashboards/kefu.yml", &dashboards)
	mounted := slices.ContainsFunc(readCompose(t).Services["grafana"].Volumes, func(v string) bool {
		return v == "./deploy/grafana/dashboards:"+dashboards.Providers[0].Options.Path+":ro"
	})
	if !mounted {
		t.Errorf("nothing is mounted at %s", dashboards.Providers[0].Options.Path)
	}
}

func TestImageIsPinnedUnprivilegedAndComplete(t *testing.T) {
	dockerfile := read(t, filepath.Join(root, "Dockerfile"))
	stages := regexp.MustCompile(`(?m)^FROM (\S+)(?: AS (\S+))?$`).FindAllStringSubmatch(dockerfile, -1)
	if len(stages) < 2 {
		t.Fatalf("stages = %q", stages)
	}
	for _, s := range stages {
		checkImage(t, "Dockerfile", s[1])
	}
	if last := stages[len(stages)-1][1]; !strings.HasSuffix(last, ":nonroot") {
		t.Errorf("the image runs as root: %s", last)
	}
	for _, want := range []string{"CGO_ENABLED=0", "-X main.version=", `HEALTHCHECK`, `CMD ["/usr/local/bin/kefu", "health"]`} {
		if !strings.Contains(dockerfile, want) {
			t.Errorf("the Dockerfile lacks %s", want)
		}
	}
	if version := read(t, filepath.Join(root, "cmd/kefu/version.go")); !strings.Contains(version, "var version = ") {
		t.Error("there is no main.version for the linker to set")
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-\s]\S*) `).FindAllStringSubmatch(dockerfile, -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("COPY %s: %v", m[1], err)
		}
	}
	if sim := readCompose(t).Services["llmsim"].Build; !slices.ContainsFunc(stages, func(s []string) bool { return s[2] == sim.Target }) {
		t.Errorf("there is no stage %s", sim.Target)
	}
}

// TestSupplyEveryModuleIsPinnedByItsHash also of what the tests and the tools
// need: no other bytes than those that were reviewed are ever built.
func TestSupplyEveryModuleIsPinnedByItsHash(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", filepath.Join(root, "go.mod")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct{ Path, Version string }
		Replace []any
	}
	if err := json.Unmarshal(out, &mod); err != nil || len(mod.Require) == 0 {
		t.Fatalf("go.mod: %v, %d modules", err, len(mod.Require))
	}
	if len(mod.Replace) > 0 {
		t.Errorf("go.mod replaces modules: %v", mod.Replace)
	}
	sums := "\n" + read(t, filepath.Join(root, "go.sum"))
	for _, m := range mod.Require {
		for _, what := range []string{" h1:", "/go.mod h1:"} {
			if !strings.Contains(sums, "\n"+m.Path+" "+m.Version+what) {
				t.Errorf("go.sum has no hash of %s %s%s", m.Path, m.Version, strings.TrimSuffix(what, " h1:"))
			}
		}
	}
	for _, tool := range regexp.MustCompile(`(?m):= (\S+/\S+)@(\S+)$`).FindAllStringSubmatch(read(t, filepath.Join(root, "Makefile")), -1) {
		if !regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(tool[2]) {
			t.Errorf("the Makefile takes %s in the version %s", tool[1], tool[2])
		}
	}
}

// What .dockerignore lets through is what the binaries are built from.
func TestBuildContextHoldsEveryPackage(t *testing.T) {
	allowed := map[string]bool{}
	for line := range strings.Lines(read(t, filepath.Join(root, ".dockerignore"))) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			allowed[name] = true
		}
	}
	list := exec.Command("go", "list", "-deps", "./cmd/kefu", "./cmd/llmsim")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		if path, ours := strings.CutPrefix(pkg, "kefu/"); ours {
			if top, _, _ := strings.Cut(path, "/"); !allowed[top] {
				t.Errorf("%s is not in the build context", pkg)
			}
		}
	}
}
