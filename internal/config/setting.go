package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kefu/internal/desk"
)

// Setting is one row of the reference.
type Setting struct {
	Key     string // path in kefu.yaml, "cache.memory_entries"
	Env     string // variable, empty: none; a secret's value may also stand in the file named by Env+"_FILE"
	Default string
	Allowed string // "1..20", "debug, info, warn or error"; empty: see Help
	Secret  bool
	Help    string
}

// Reference lists every setting in the order of the Config struct. Those of
// what has a name, and of a model's deployments, stand once, with NAME for it.
func Reference() []Setting {
	c := Default()
	c.Models.Named = []Model{{Name: "NAME", Deployments: []Deployment{{}}}}
	c.Tools = []Tool{{Name: "NAME"}}
	c.MCP = []MCPServer{{Name: "NAME", Tools: []MCPTool{{Name: "TOOL", server: "NAME"}}}}
	var rows []Setting
	for _, s := range walk(nil, nil, reflect.ValueOf(&c).Elem()) {
		row := Setting{Key: strings.ReplaceAll(s.key, "[0]", "[]"), Env: s.env, Allowed: s.allowed(), Secret: s.secret(), Help: s.help}
		if s.env != "" {
			row.Default = s.String()
		}
		rows = append(rows, row)
	}
	return rows
}

// Redacted returns the settings in the form of kefu.yaml, without secrets. Of a
// named model it shows what was set.
func (c Config) Redacted() string {
	var b strings.Builder
	var above []string // the sections around the line before
	for _, s := range settingsOf(&c) {
		sections, name := s.path[:len(s.path)-1], s.path[len(s.path)-1]
		for depth, section := range sections {
			if depth >= len(above) || above[depth] != section {
				title := section + ":"
				if strings.HasPrefix(section, "[") { // an item of a list
					title = "-"
				}
				fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", depth), title)
				above = nil
			}
		}
		above = sections
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat("  ", len(sections)), name, s.yaml())
	}
	return b.String()
}

// setting is one field of a Config, which it can read and write.
type setting struct {
	path           []string // key, section by section
	key, env, help string
	bounds         string // "1..20"; empty: none
	oneof          []string
	field          reflect.Value
}

// settingsOf lists the settings of c, those of its named models as far as they
// are set.
func settingsOf(c *Config) []setting {
	return slices.DeleteFunc(walk(nil, nil, reflect.ValueOf(c).Elem()), func(s setting) bool {
		return s.env == "" && s.field.IsZero()
	})
}

func walk(found []setting, path []string, v reflect.Value) []setting {
	for i := range v.NumField() {
		tag, field := v.Type().Field(i).Tag, v.Field(i)
		if v.Type().Field(i).Anonymous {
			found = walk(found, path, field)
			continue
		}
		if field.Type() == reflect.TypeFor[[]Deployment]() {
			for j := range field.Len() {
				found = walk(found, append(slices.Clip(path), "deployments", fmt.Sprintf("[%d]", j)), field.Index(j))
			}
			continue
		}
		if tag.Get("key") == "" && field.Kind() == reflect.Slice {
			for j := range field.Len() {
				if named, ok := field.Index(j).Addr().Interface().(interface{ settings() []setting }); ok {
					found = append(found, named.settings()...)
				}
			}
		}
		if tag.Get("key") == "" {
			continue
		}
		here := append(slices.Clip(path), tag.Get("key"))
		if field.Kind() == reflect.Struct {
			found = walk(found, here, field)
			continue
		}
		found = append(found, setting{
			path: here, key: strings.ReplaceAll(strings.Join(here, "."), ".[", "["), env: tag.Get("env"), help: tag.Get("help"),
			bounds: tag.Get("range"), oneof: strings.Fields(tag.Get("oneof")), field: field,
		})
	}
	return found
}

// structured reports values that are written as YAML of their own and read as
// JSON.
func (s setting) structured() bool {
	switch s.field.Interface().(type) {
	case Schema, Values, Command:
		return true
	}
	return false
}

func (s setting) secret() bool { return s.field.Type() == reflect.TypeFor[Secret]() }

func (s setting) String() string {
	switch v := s.field.Interface().(type) {
	case time.Duration:
		return short(v)
	case []string:
		return strings.Join(v, ", ")
	case fmt.Stringer:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// short writes 1h for what Duration.String calls 1h0m0s.
func short(d time.Duration) string {
	text := d.String()
	if d != 0 && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d != 0 && d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func (s setting) yaml() string {
	switch {
	case s.structured():
		return s.String() // JSON, which is YAML too
	case s.field.Kind() == reflect.String:
		return strconv.Quote(s.String())
	case s.field.Kind() == reflect.Slice:
		return "[" + s.String() + "]"
	}
	return s.String()
}

func (s setting) allowed() string {
	if s.bounds != "" {
		return s.bounds
	}
	return list(s.oneof, " or ")
}

// set parses text, which came from a file or a variable, into the field.
func (s setting) set(text string) *desk.Error {
	v, err := parse(s.field.Type(), text)
	if err != nil {
		return bad(s.key, "want %v, got %q", err, text)
	}
	s.field.Set(v)
	return s.check()
}

// check holds the value against what the tags allow.
func (s setting) check() *desk.Error {
	if len(s.oneof) > 0 {
		if slices.Contains(s.oneof, s.field.String()) {
			return nil
		}
		return bad(s.key, "want %s, got %q", s.allowed(), s.field.String())
	}
	low, high, bounded := strings.Cut(s.bounds, "..")
	if n := number(s.field); bounded && (n < s.bound(low) || n > s.bound(high)) {
		return bad(s.key, "want %s to %s, got %s", low, high, s)
	}
	return nil
}

// bound parses one end of the range; the tags are constants, held by a test.
func (s setting) bound(text string) float64 {
	v, err := parse(s.field.Type(), text)
	if err != nil {
		panic(fmt.Sprintf("config: range of %s: want %v, got %q", s.key, err, text))
	}
	return number(v)
}

// number is the value of a numeric field, 0 of any other.
func number(v reflect.Value) float64 {
	switch {
	case v.CanFloat():
		return v.Float()
	case v.CanInt():
		return float64(v.Int())
	}
	return 0
}

// parse reads text as a value of type t. The error names what is wanted.
func parse(t reflect.Type, text string) (reflect.Value, error) {
	switch t {
	case reflect.TypeFor[Schema](), reflect.TypeFor[Values](), reflect.TypeFor[Command]():
		return parseStructured(t, text)
	case reflect.TypeFor[string](), reflect.TypeFor[Secret]():
		return reflect.ValueOf(text).Convert(t), nil
	case reflect.TypeFor[[]string]():
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
		if len(words) == 0 {
			words = nil // as where nothing is set
		}
		return reflect.ValueOf(words), nil
	case reflect.TypeFor[bool]():
		if text != "true" && text != "false" {
			return reflect.Value{}, errors.New("true or false")
		}
		return reflect.ValueOf(text == "true"), nil
	case reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return reflect.Value{}, errors.New("a duration such as 500ms, 30s or 2h")
		}
		return reflect.ValueOf(d), nil
	case reflect.TypeFor[int]():
		n, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
		if err != nil {
			return reflect.Value{}, errors.New("a whole number")
		}
		return reflect.ValueOf(n), nil
	case reflect.TypeFor[float64]():
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) {
			return reflect.Value{}, errors.New("a number such as 0.1")
		}
		return reflect.ValueOf(f), nil
	}
	panic("config: no parser for " + t.String())
}

// list joins words as in "a, b or c".
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + last + words[n]
}
