package price

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
)

func table(t *testing.T) *Table {
	t.Helper()
	tab, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestCost(t *testing.T) {
	tests := []struct {
		name  string
		model string
		usage desk.Usage
		want  desk.MicroUSD
	}{
		{"a million prompt tokens cost the listed price", "gpt-4o-mini", desk.Usage{Prompt: 1_000_000}, 150_000},
		{"prompt and completion add up", "gpt-4o-mini", desk.Usage{Prompt: 1000, Completion: 100}, 150 + 60},
		{"cached tokens are cheaper", "gpt-4o-mini", desk.Usage{Prompt: 1000, Cached: 800}, 30 + 60},
		{"a fraction of a millionth is rounded up", "gpt-4o-mini", desk.Usage{Prompt: 1}, 1},
		{"exact amounts are not rounded up", "gpt-6-luna", desk.Usage{Prompt: 30}, 3},
		{"no tokens cost nothing", "gpt-4o-mini", desk.Usage{}, 0},
		{"at the threshold the first tier holds", "gpt-6-luna", desk.Usage{Prompt: 272_000}, 27_200},
		{"above it the whole request costs the second", "gpt-6-luna", desk.Usage{Prompt: 272_001, Completion: 1000}, 54_401 + 750},
		{"more cached than prompt tokens cannot earn money", "gpt-4o-mini", desk.Usage{Prompt: 1000, Cached: 9000}, 75},
		{"embeddings have no completion", "text-embedding-3-small", desk.Usage{Prompt: 50}, 1},
	}
	tab := table(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, ok := tab.Lookup(tt.model)
			if !ok {
				t.Fatalf("%s has no price", tt.model)
			}
			if got := p.Cost(tt.usage); got != tt.want {
				t.Errorf("Cost(%+v) = %d, want %d", tt.usage, got, tt.want)
			}
			if worst := p.Worst(tt.usage.Prompt, tt.usage.Completion); worst < p.Cost(tt.usage) {
				t.Errorf("Worst = %d, below the cost", worst)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	tab := table(t)
	tests := []struct {
		name, model string
		want        string // "" for unknown
	}{
		{"an exact name", "claude-haiku-4-5", "claude-haiku-4-5"},
		{"a snapshot with dashes", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"},
		{"a snapshot without dashes", "claude-haiku-4-5-20251001", "claude-haiku-4-5"},
		{"a longer name is another model", "gpt-4o-mini-audio", ""},
		{"an unknown model has no price", "llama-9", ""},
		{"no name has no price", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, ok := tab.Lookup(tt.model); p.Model != tt.want || ok != (tt.want != "") {
				t.Errorf("Lookup(%q) = %q, %t, want %q", tt.model, p.Model, ok, tt.want)
			}
		})
	}
}

func TestAPriceHoldsFromItsFirstToItsLastDay(t *testing.T) {
	tab := table(t)
	for day, want := range map[string]desk.MicroUSD{
		"2026-11-23T12:00:00Z": 750_000, "2026-12-31T23:59:59Z": 750_000, "2027-01-01T00:00:00Z": 1_500_000,
	} {
		now, _ := time.Parse(time.RFC3339, day)
		if p, _ := tab.at("gemini-3.8-flash", now); p.Rate.Input != want {
			t.Errorf("input price on %s = %d, want %d", day, p.Rate.Input, want)
		}
	}
}

func TestDefaultTableIsComplete(t *testing.T) {
	rows := table(t).Rows()
	if len(rows) < 25 {
		t.Fatalf("%d rows, want at least 25", len(rows))
	}
	for _, p := range rows {
		if p.Rate.Input <= 0 || p.Source == "" || p.Vendor == "" || p.Checked.IsZero() {
			t.Errorf("%s lacks price, source, vendor or day: %+v", p.Model, p)
		}
		if p.Rate.Cached > p.Rate.Input {
			t.Errorf("%s: cached tokens cost more than fresh ones", p.Model)
		}
	}
}

func TestTheTableIsStaleAfterThirtyDays(t *testing.T) {
	tab := table(t)
	if tab.Stale(tab.Checked().AddDate(0, 0, 30)) {
		t.Error("stale after 30 days")
	}
	if !tab.Stale(tab.Checked().AddDate(0, 0, 31)) {
		t.Error("not stale after 31 days")
	}
}

func TestATableIsWrittenAsItIsRead(t *testing.T) {
	want := table(t)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Load(write(t, string(text))); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read again: %v; the text is %s", err, text)
	}
	for _, beside := range []string{"0001-01-01", `"tiers":null`, `"note":""`} {
		if strings.Contains(string(text), beside) {
			t.Errorf("the text holds %s", beside)
		}
	}
}

func TestLoadCorrectsTheDefaultTable(t *testing.T) {
	file := write(t, `{"checked":"2027-02-01","prices":[
		{"model":"gpt-4o-mini","input":0.1,"output":0.5},
		{"model":"house-model","vendor":"house","input":0.07,"cached":0.01,"output":0}]}`)
	tab, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := tab.Lookup("gpt-4o-mini"); p.Rate != (Rate{100_000, 100_000, 500_000}) {
		t.Errorf("corrected rate = %+v", p.Rate)
	}
	if p, ok := tab.Lookup("house-model"); !ok || p.Rate != (Rate{70_000, 10_000, 0}) {
		t.Errorf("added rate = %+v, %t", p.Rate, ok)
	}
	if _, ok := tab.Lookup("gpt-6-luna"); !ok {
		t.Error("a model that the file does not name lost its price")
	}
	if got := tab.Checked().Format(time.DateOnly); got != "2027-02-01" {
		t.Errorf("checked = %s, want the file's day", got)
	}
	if p, _ := table(t).Lookup("gpt-4o-mini"); p.Rate.Input != 150_000 {
		t.Error("loading a file changed the default table")
	}
}

func TestWhatAFileDoesNotSayOfAModelStays(t *testing.T) {
	tab, err := Load(write(t, `{"prices":[
		{"model":"gpt-6-luna","input":0.1,"output":0.5},
		{"model":"gpt-6-luna-2026-08-01","input":0.2,"output":0.6},
		{"model":"claude-haiku-4-5","input":1,"output":2,"vendor":"house","window":8192,"max_output":1024},
		{"model":"house-model","input":1,"output":2}]}`))
	if err != nil {
		t.Fatal(err)
	}
	luna, _ := table(t).Lookup("gpt-6-luna")
	if luna.Window == 0 || luna.MaxOutput == 0 || luna.Tiers == nil {
		t.Fatalf("the embedded table says too little of the model: %+v", luna)
	}
	for model, want := range map[string]Price{
		"gpt-6-luna":            {Vendor: luna.Vendor, Window: luna.Window, MaxOutput: luna.MaxOutput},
		"gpt-6-luna-2026-08-01": {Vendor: luna.Vendor, Window: luna.Window, MaxOutput: luna.MaxOutput},
		"claude-haiku-4-5":      {Vendor: "house", Window: 8192, MaxOutput: 1024},
		"house-model":           {},
	} {
		got, _ := tab.Lookup(model)
		if got.Vendor != want.Vendor || got.Window != want.Window || got.MaxOutput != want.MaxOutput {
			t.Errorf("%s: %+v, want vendor, window and longest completion of %+v", model, got, want)
		}
		if got.Model != model || got.Tiers != nil || got.Source != "" || got.Confirmed {
			t.Errorf("%s: %+v, want a price that is the file's alone", model, got)
		}
	}
}

func TestLoadNamesWhatIsWrong(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"not JSON", `{`, "unexpected EOF"},
		{"an unknown field", `{"prices":[{"model":"m","input":1,"output":1,"inptu":2}]}`, "inptu"},
		{"no model", `{"prices":[{"input":1,"output":1}]}`, "prices[0]"},
		{"a missing price is not zero", `{"prices":[{"model":"m","input":1}]}`, "output prices are required"},
		{"a negative price", `{"prices":[{"model":"m","input":-1,"output":1}]}`, "-1"},
		{"a bad day", `{"prices":[{"model":"m","input":1,"output":1,"from":"soon"}]}`, "from"},
		{"tiers out of order", `{"prices":[{"model":"m","input":1,"output":1,"tiers":[{"above":0,"input":1,"output":1}]}]}`, "tiers must grow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, tt.text)
			_, err := Load(file)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("Load = %v, want the file and %q", err, tt.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a missing file is no error")
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
