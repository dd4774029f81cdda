package tool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"kefu/internal/desk"
)

// maxArguments bounds the arguments of one call, in bytes.
const maxArguments = 16 << 10

// schema checks the arguments of one tool.
type schema struct {
	root     *jsonschema.Schema
	resolved *jsonschema.Resolved
}

func compile(raw json.RawMessage) (*schema, error) {
	var root jsonschema.Schema
	if err := json.Unmarshal(raw, &root); err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	if root.Type != "object" {
		return nil, errors.New(`parameters: want a JSON Schema of type "object"`)
	}
	resolved, err := root.Resolve(nil)
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	return &schema{&root, resolved}, nil
}

// misspelt returns a keyword that the schema does not know and would not
// enforce, "" without one.
func misspelt(s *jsonschema.Schema) string {
	if s == nil {
		return ""
	}
	for keyword := range s.Extra {
		return keyword
	}
	for _, property := range s.Properties {
		if keyword := misspelt(property); keyword != "" {
			return keyword
		}
	}
	return misspelt(s.Items)
}

// scalar reports whether the property is always one that can be written into
// an address.
func (s *schema) scalar(property string) bool {
	p := s.root.Properties[property]
	if p == nil {
		return false
	}
	switch p.Type {
	case "string", "integer", "number", "boolean":
		return true
	}
	return false
}

// parse reads what a model wrote as arguments. An empty text stands for none.
func parse(arguments string) (map[string]any, error) {
	if len(arguments) > maxArguments {
		return nil, invalid("arguments: longer than %d bytes", maxArguments)
	}
	if strings.TrimSpace(arguments) == "" {
		arguments = "{}"
	}
	if !json.Valid([]byte(arguments)) {
		return nil, invalid("arguments: not valid JSON")
	}
	var values map[string]any
	if err := decode([]byte(arguments), &values); err != nil || values == nil {
		return nil, invalid("arguments: want a JSON object")
	}
	return values, nil
}

// decode reads JSON with numbers as they are written, however long.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// validate checks arguments as parse returns them; nil stands for none.
func (s *schema) validate(values map[string]any) error {
	if values == nil {
		values = map[string]any{}
	}
	// The schema library takes a json.Number for a text, so that it gets plain
	// numbers.
	var plain bytes.Buffer
	if err := json.NewEncoder(&plain).Encode(values); err != nil {
		return invalid("arguments: %v", err)
	}
	var instance any
	if err := json.Unmarshal(plain.Bytes(), &instance); err != nil {
		return invalid("arguments: %v", err)
	}
	if err := s.resolved.Validate(instance); err != nil {
		return invalid("arguments: %s", strings.TrimPrefix(err.Error(), "validating root: "))
	}
	return nil
}

func invalid(format string, args ...any) *desk.Error {
	return &desk.Error{Kind: desk.Invalid, Code: CodeArguments, Public: fmt.Sprintf(format, args...)}
}
