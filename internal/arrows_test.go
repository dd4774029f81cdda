// Package internal_test keeps the plan of the house: which package may import
// which.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed lists, for each package below internal, the packages of ours that
// it may import. A new package needs a line here, a new arrow a reason.
var allowed = map[string]string{
	"desk":    "",
	"lang":    "desk",
	"pattern": "",
	"mask":    "desk pattern",
	"guard":   "desk lang",
	"seal":    "desk",

	"llm":           "desk",
	"llm/price":     "desk",
	"llm/token":     "",
	"llm/wire":      "llm",
	"llm/openai":    "desk llm llm/wire",
	"llm/anthropic": "desk llm llm/wire",
	"llm/gemini":    "desk llm llm/wire",
	"llm/llmtest":   "desk llm llm/wire llmsim",
	"llm/offline":   "desk lang llm",
	"gateway":       "desk llm llm/price llm/token",

	"retrieval":      "desk lang",
	"knowledge":      "desk retrieval",
	"match":          "desk lang",
	"topic":          "lang",
	"gaps":           "desk lang match",
	"curated":        "desk",
	"followup":       "desk lang",
	"route":          "desk lang pattern",
	"abstain":        "desk lang retrieval",
	"grounding":      "desk lang",
	"ingest":         "desk ingest/child ingest/docx ingest/pdf ingest/sitemap lang llm llm/token",
	"ingest/child":   "",
	"ingest/docx":    "",
	"ingest/pdf":     "",
	"ingest/sitemap": "",

	"access":    "desk",
	"admission": "desk",
	"budget":    "desk",
	"cache":     "desk seal",
	"limit":     "desk",
	"handoff":   "desk",
	"answer":    "abstain admission budget cache desk followup grounding knowledge lang llm mask match retrieval tool",

	"httpapi":   "desk limit",
	"web":       "",
	"telemetry": "desk llm",
	"config":    "desk",
	"store":     "access budget desk knowledge llm retrieval seal",
	"eval":      "abstain desk eval/page grounding guard ingest ingest/child lang llm mask match retrieval route",
	"eval/page": "",

	"egress":   "desk",
	"tool":     "desk llm",
	"tool/mcp": "desk llm tool",

	"llmsim":        "",
	"llmsim/orders": "",
	"testenv":       "",
	"e2e":           "llmsim testenv",
}

func TestImportsFollowThePlan(t *testing.T) {
	for _, p := range packages(t) {
		name, inside := strings.CutPrefix(p.ImportPath, "kefu/internal/")
		if !inside {
			continue
		}
		plan, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the plan", name)
			continue
		}
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, "kefu/internal/")
			if ours && !slices.Contains(strings.Fields(plan), other) {
				t.Errorf("%s imports %s, which the plan does not allow", name, other)
			}
		}
	}
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "kefu/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
