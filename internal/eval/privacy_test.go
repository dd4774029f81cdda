package eval_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"kefu/internal/eval"
	"kefu/internal/mask"
)

// measured runs an evaluation of nothing but the given files.
func measured(t *testing.T, files map[string]string) (eval.Report, map[string]any) {
	t.Helper()
	cfg := config()
	cfg.Masker = mask.New()
	report, err := eval.Run(t.Context(), folder(t, files), cfg)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	return report, tree
}

func TestMaskingIsMeasuredByTypeInCharacters(t *testing.T) {
	_, tree := measured(t, map[string]string{"safety/pii.jsonl": `{"text":"我的邮箱是a@b.example","label":1,"spans":[[5,16,"EMAIL"]]}
{"text":"card 4111111111111111","label":1,"spans":[[5,21,"CREDIT_CARD"]]}
{"text":"a phone nobody finds: 12","label":1,"spans":[[22,24,"PHONE"]]}
{"text":"hidden@negative.example","label":0,"spans":[]}
{"text":"nothing here","label":0,"spans":[]}`})
	pii := tree["pii"].(map[string]any)
	for _, want := range []struct {
		kind, figure string
		value        float64
	}{{"EMAIL", "recall", 1}, {"EMAIL", "precision", 0.5}, {"CREDIT_CARD", "recall", 1}, {"PHONE", "recall", 0}, {"pooled", "cases", 3}} {
		if got := pii[want.kind].(map[string]any)[want.figure]; got != want.value {
			t.Errorf("pii.%s.%s = %v, want %v", want.kind, want.figure, got, want.value)
		}
	}
	if pii["negatives_altered"] != 0.5 {
		t.Errorf("negatives_altered = %v, want 0.5", pii["negatives_altered"])
	}
}

func TestFindingCredentialsIsMeasured(t *testing.T) {
	line := func(text, label string) string {
		return `{"text_b64":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `","label":` + label + "}\n"
	}
	report, _ := measured(t, map[string]string{"safety/secrets.jsonl": line("password: Hunter2!x", "1") + line("nothing", "1") + line("nothing", "0")})
	if got := *report.Secrets; got.Detected != 0.5 || got.FalsePositive != 0 || got.Cases != 2 {
		t.Errorf("secrets = %+v, want half of 2 detected and no false positive", got)
	}
}

func TestASpanOutsideItsTextIsRefused(t *testing.T) {
	cfg := config()
	cfg.Masker = mask.New()
	_, err := eval.Run(t.Context(), folder(t, map[string]string{"safety/pii.jsonl": `{"text":"ab","label":1,"spans":[[0,3,"EMAIL"]]}`}), cfg)
	if err == nil || !strings.Contains(err.Error(), "pii.jsonl:1: span 0–3") {
		t.Errorf("err = %v, want one that names the span", err)
	}
}
