package tool

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSONIsWrittenByTheLine(t *testing.T) {
	tests := []struct{ why, text, want string }{
		{"an object, in its own order", `{"b":"2","a":"One. Two."}`, "- b: 2\n- a: One. Two."},
		{"nested", `{"items":[{"name":"Glow L2","n":2},{"name":"Aria H1"}],"paid":true}`, "- items 1 name: Glow L2\n- items 1 n: 2\n- items 2 name: Aria H1\n- paid: true"},
		{"an array", `["甲","乙"]`, "- 1: 甲\n- 2: 乙"},
		{"long numbers", `{"n":12345678901234567890,"x":1.50}`, "- n: 12345678901234567890\n- x: 1.50"},
		{"what is empty is left out", `{"a":null,"b":"","c":{},"d":[1]}`, "- d 1: 1"},
		{"nothing in it", `{"orders":[]}`, `{"orders":[]}`},
		{"a text", "Shipped.", "Shipped."},
		{"a text that begins like JSON", "[1] Shipped.", "[1] Shipped."},
		{"two objects", `{"a":1}{"b":2}`, `{"a":1}{"b":2}`},
		{"half an object", `{"a":1`, `{"a":1`},
		{"too deep", strings.Repeat("[", 50) + strings.Repeat("]", 50), strings.Repeat("[", 50) + strings.Repeat("]", 50)},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			if got := lines(tt.text); got != tt.want {
				t.Errorf("lines = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"c"}]}`, "{", "[]]", `{"a":1,"a":2}`, "text"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := lines(text)
		if got != strings.TrimSpace(text) && !json.Valid([]byte(strings.TrimSpace(text))) {
			t.Errorf("%q is no JSON, but became %q", text, got)
		}
	})
}
