package tool

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestArgumentsAreChecked(t *testing.T) {
	r := registry(t, declared(t, HTTPConfig{
		Spec: Spec{Name: "t", Parameters: json.RawMessage(`{"type":"object","properties":{
			"id":{"type":"string","pattern":"^LN[0-9]+$","minLength":3,"maxLength":8},
			"n":{"type":"integer","minimum":1,"maximum":5},
			"lang":{"type":"string","enum":["en","zh"]},
			"tags":{"type":"array","items":{"type":"string"},"maxItems":2},
			"gift":{"type":"boolean"}},"required":["id"]}`)},
		Method: "POST", URL: "https://shop.example/x",
	}, nil))
	tests := []struct {
		why       string
		arguments string
		want      string // part of what the model is told; "" for none
	}{
		{"the required one", `{"id":"LN1"}`, ""},
		{"all of them", `{"id":"LN12","n":5,"lang":"zh","tags":["a","b"],"gift":true}`, ""},
		{"a whole number written with a point", `{"id":"LN1","n":2.0}`, ""},
		{"none", ``, "id"},
		{"an empty object", `{}`, "id"},
		{"no object", `["LN1"]`, "object"},
		{"null", `null`, "object"},
		{"no JSON", `{"id":`, "not valid JSON"},
		{"two objects", `{"id":"LN1"}{"id":"LN2"}`, "not valid JSON"},
		{"another type", `{"id":5}`, "/properties/id"},
		{"another pattern", `{"id":"XX1"}`, "^LN[0-9]+$"},
		{"too short", `{"id":"LN"}`, "/properties/id"},
		{"too long", `{"id":"LN1234567"}`, "/properties/id"},
		{"half a number", `{"id":"LN1","n":1.5}`, "integer"},
		{"too small", `{"id":"LN1","n":0}`, "minimum"},
		{"too large", `{"id":"LN1","n":99999999999999999999}`, "maximum"},
		{"not of the list", `{"id":"LN1","lang":"de"}`, "enum"},
		{"an item of another type", `{"id":"LN1","tags":[1]}`, "/properties/tags"},
		{"too many items", `{"id":"LN1","tags":["a","b","c"]}`, "maxItems"},
		{"one that is not declared", `{"id":"LN1","admin":true}`, "admin"},
		{"far too much", `{"id":"` + strings.Repeat("a", maxArguments) + `"}`, "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			values, err := parse(tt.arguments)
			if err == nil {
				err = r.Validate("t", values)
			}
			if (err == nil) != (tt.want == "") {
				t.Fatalf("error = %v, want %q", err, tt.want)
			}
			if err != nil && (code(err) != CodeArguments || !strings.Contains(publicOf(err), tt.want)) {
				t.Errorf("the model is told %q, want %q in it", publicOf(err), tt.want)
			}
		})
	}
}

func TestLongNumbersStayAsTheyAre(t *testing.T) {
	values, err := parse(`{"n":12345678901234567890}`)
	if text, ok := (Input{Arguments: values}).value("n"); err != nil || !ok || text != "12345678901234567890" {
		t.Errorf("n = %q, %v", text, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `{"order_id":"10023"}`, `{"order_id":1e400}`, `[{}]`, "", `{"order_id":"\ud800"}`} {
		f.Add(s)
	}
	s, err := compile(json.RawMessage(orderSchema))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parse(text)
		if err != nil {
			return
		}
		if err := s.validate(values); err != nil && code(err) != CodeArguments {
			t.Errorf("validate(%q) = %v", text, err)
		}
	})
}
