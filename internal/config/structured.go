package config

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Schema is a JSON Schema, as JSON.
type Schema string

func (s Schema) String() string { return string(s) }

// Command is a program and its arguments.
type Command []string

func (c Command) String() string { return asJSON([]string(c)) }

// Values are texts by name, in which ${VARIABLE} stands for the value of a
// variable or, as VARIABLE_FILE, of a file.
type Values map[string]string

// String shows the references to variables alone: what else is written there
// may be a secret.
func (v Values) String() string {
	shown := make(map[string]string, len(v))
	for name, value := range v {
		shown[name] = "[redacted]"
		if rest := reference.ReplaceAllString(value, ""); strings.TrimSpace(rest) == "" || rest == "Bearer " || rest == "Basic " {
			shown[name] = value
		}
	}
	return asJSON(shown)
}

// GoString keeps %#v from showing what String hides.
func (v Values) GoString() string { return v.String() }

var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// variables lists those that the values refer to.
func (v Values) variables() []string {
	var names []string
	for _, value := range v {
		for _, m := range reference.FindAllStringSubmatch(value, -1) {
			names = append(names, m[1])
		}
	}
	return names
}

// fillIn returns the values with their variables put in. key is their setting.
func (v Values) fillIn(key string, env map[string]string) (map[string]string, error) {
	filled := make(map[string]string, len(v))
	var fault error
	for _, name := range slices.Sorted(maps.Keys(v)) {
		filled[name] = reference.ReplaceAllStringFunc(v[name], func(ref string) string {
			variable := ref[2 : len(ref)-1]
			text, _, err := secret(env, setting{key: key, env: variable})
			if err == nil && text == "" {
				err = bad(key, "%s is not set", variable)
			}
			if err != nil && fault == nil {
				fault = err
			}
			return text
		})
	}
	return filled, fault
}

// jsonOf is a YAML node as JSON.
func jsonOf(node ast.Node) (string, error) {
	var value any
	if err := yaml.NodeToValue(node, &value); err != nil {
		return "", errors.New("not valid YAML")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "", errors.New("want YAML that can be written as JSON")
	}
	return string(text), nil
}

func parseStructured(t reflect.Type, text string) (reflect.Value, error) {
	if t == reflect.TypeFor[Schema]() {
		if !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
			return reflect.Value{}, errors.New("a JSON Schema, written as YAML or JSON")
		}
		return reflect.ValueOf(Schema(text)), nil
	}
	into := reflect.New(t)
	if err := json.Unmarshal([]byte(text), into.Interface()); err != nil {
		if t == reflect.TypeFor[Command]() {
			return reflect.Value{}, errors.New("a list of texts such as [program, --flag]")
		}
		return reflect.Value{}, errors.New("texts by name such as {Authorization: Bearer ${TOKEN}}")
	}
	return into.Elem(), nil
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts always encode
	}
	return string(text)
}
