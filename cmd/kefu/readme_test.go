package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kefu/internal/config"
)

func TestTheReadmeListsEverySettingAsItIs(t *testing.T) {
	readme := read(t, "../../README.md")
	var table strings.Builder
	configMarkdown(&table, config.Reference())
	for line := range strings.Lines(table.String()) {
		if !strings.Contains(readme, strings.TrimRight(line, "\n")) {
			t.Errorf("README.md lacks the row %s(kefu config --markdown prints the table)", line)
		}
	}
}

func TestBothReadmesNameOnlySettingsAndCommandsThatExist(t *testing.T) {
	known := map[string]bool{"KEFU_CONFIG": true}
	for _, s := range config.Reference() {
		known[s.Env], known[s.Env+"_FILE"] = true, true
	}
	root := newRoot(strings.NewReader(""), &strings.Builder{}, &strings.Builder{})
	for _, path := range []string{"../../README.md", "../../README.zh-CN.md"} {
		text := read(t, path)
		for _, name := range regexp.MustCompile(`\bKEFU_[A-Z_]+\b`).FindAllString(text, -1) {
			if !known[name] {
				t.Errorf("%s names %s, which is no setting", path, name)
			}
		}
		for _, m := range regexp.MustCompile(`bin/kefu((?: [a-z]+)+)`).FindAllStringSubmatch(text, -1) {
			words := strings.Fields(m[1])
			if _, rest, err := root.Find(words); err != nil || slices.Equal(rest, words) {
				t.Errorf("%s shows 'kefu%s', which is no command", path, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`make ([a-z]+)`).FindAllStringSubmatch(text, -1) {
			if !strings.Contains(read(t, "../../Makefile"), "\n"+m[1]+":") {
				t.Errorf("%s shows 'make %s', which is no target", path, m[1])
			}
		}
	}
}

func TestTheConfigurationThatTheReadmesShowIsTaken(t *testing.T) {
	for _, path := range []string{"../../README.md", "../../README.zh-CN.md"} {
		blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read(t, path), -1)
		if len(blocks) == 0 {
			t.Errorf("%s shows no kefu.yaml", path)
		}
		for _, block := range blocks {
			configuredModels(t, block[1], "OPENAI_API_KEY=o", "ANTHROPIC_API_KEY=a", "DEEPSEEK_API_KEY=d", "OPENAI_SECOND_KEY=s")
		}
	}
}

func TestTheReadmesHaveTheSameSections(t *testing.T) {
	headings := func(path string) []string {
		var levels []string
		for _, m := range regexp.MustCompile(`(?m)^(#+) `).FindAllStringSubmatch(codeless(read(t, path)), -1) {
			levels = append(levels, m[1])
		}
		return levels
	}
	if en, zh := headings("../../README.md"), headings("../../README.zh-CN.md"); !slices.Equal(en, zh) {
		t.Errorf("levels of the headings differ:\n%v\n%v", en, zh)
	}
}

// codeless drops fenced code, where # begins a comment.
func codeless(text string) string {
	return regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
