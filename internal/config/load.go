package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"kefu/internal/desk"
)

// DefaultFile is read from the working directory when it exists.
const DefaultFile = "kefu.yaml"

// maxFile bounds what is read from a configuration or secret file, in bytes.
const maxFile = 1 << 20

// Load returns the defaults, changed by the file, changed by the environment
// (as os.Environ gives it), all checked. An empty path means KEFU_CONFIG, else
// DefaultFile, which may be missing. Empty variables count as unset. Every
// error is a *desk.Error of kind Invalid that says where the value came from; it
// has a line for each fault of the file and of the variables.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	settings := settingsOf(&c)
	env := variables(environ)
	origin := map[string]string{} // setting's key → where its value was written

	path = cmp.Or(path, env["KEFU_CONFIG"])
	if err := errors.Join(readFile(path, &c, settings, origin), readEnv(env, settings, &c, origin)); err != nil {
		return Config{}, located(err, nil) // they say it themselves
	}
	if err := readKeys(env, c.Models.Named, origin); err != nil {
		return Config{}, err
	}
	if err := c.fillIn(env); err != nil {
		return Config{}, located(err, origin)
	}
	if err := c.Validate(); err != nil {
		return Config{}, located(err, origin)
	}
	return c, nil
}

// located makes one error of those that err joins, and puts the place where each
// faulty value was written before its message.
func located(err error, origin map[string]string) error {
	var whole *desk.Error
	for _, e := range faultsOf(err) {
		if place := origin[e.Field]; place != "" {
			e = at(e, place)
		}
		if whole == nil {
			whole = e
			continue
		}
		both := *whole
		both.Public += "\n" + e.Public
		whole = &both
	}
	return whole
}

// faultsOf are the errors that err joins, in their order.
func faultsOf(err error) []*desk.Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*desk.Error
		for _, e := range joined.Unwrap() {
			all = append(all, faultsOf(e)...)
		}
		return all
	}
	e, _ := errors.AsType[*desk.Error](err)
	return []*desk.Error{e}
}

func at(e *desk.Error, place string) *desk.Error {
	moved := *e
	moved.Public = place + ": " + e.Public
	return &moved
}

// readFile sets what the file says; path "" is DefaultFile.
func readFile(path string, c *Config, settings []setting, origin map[string]string) error {
	optional := path == ""
	path = cmp.Or(path, DefaultFile)
	text, err := readSmall(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return misnamed()
	}
	if err != nil {
		return unreadable("", "configuration file", path, err)
	}
	if !utf8.Valid(text) {
		return badFile(path + ": it is not UTF-8; save it in that encoding")
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return syntaxError(path, err)
	}
	r := fileReader{path: path, settings: settings, open: c.open(), origin: origin}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	if len(docs) == 0 {
		return nil
	}
	if len(docs) > 1 {
		return r.fault(docs[1].Body, "", "only one YAML document is read, here begins another")
	}
	return r.mapping("", docs[0].Body)
}

// fileReader carries what is the same for every node of one file.
type fileReader struct {
	path     string
	settings []setting
	open     map[string]func(name string) entry // sections whose keys are names, by their prefix
	model    *Model                             // the one that is read
	origin   map[string]string
}

func (r fileReader) mapping(prefix string, node ast.Node) error {
	switch n := node.(type) {
	case *ast.MappingNode:
		faults := make([]error, len(n.Values))
		for i, pair := range n.Values {
			faults[i] = r.pair(prefix, pair)
		}
		return errors.Join(faults...)
	case *ast.MappingValueNode:
		return r.pair(prefix, n)
	case *ast.NullNode, *ast.CommentGroupNode:
		return nil
	}
	return r.fault(node, strings.TrimSuffix(prefix, "."), "want keys with values")
}

func (r fileReader) pair(prefix string, pair *ast.MappingValueNode) error {
	key := prefix + pair.Key.GetToken().Value
	i := slices.IndexFunc(r.settings, func(s setting) bool { return s.key == key })
	if i >= 0 {
		return r.value(r.settings[i], pair.Value)
	}
	if r.open[key+"."] != nil || slices.ContainsFunc(r.settings, func(s setting) bool { return strings.HasPrefix(s.key, key+".") }) {
		return r.mapping(key+".", pair.Value)
	}
	if _, nested := pair.Value.(ast.MapNode); nested && r.open[prefix] != nil {
		return r.entry(prefix, pair)
	}
	if r.model != nil && key == "models."+r.model.Name+".deployments" {
		return r.deployments(key, pair.Value)
	}
	return &desk.Error{
		Kind: desk.Invalid, Code: "unknown_setting", Field: key,
		Public: fmt.Sprintf("%s: unknown key %q; %s", r.place(pair.Key), key, r.suggest(prefix, key)),
	}
}

// entry reads what stands under a name of the operator's choice and is neither
// a setting nor a single value.
func (r fileReader) entry(prefix string, pair *ast.MappingValueNode) error {
	name := pair.Key.GetToken().Value
	e := r.open[prefix](name)
	r.origin[prefix+name] = r.place(pair.Key)
	inner := fileReader{path: r.path, settings: e.settings, open: e.open, model: e.model, origin: r.origin}
	if err := inner.mapping(prefix+name+".", pair.Value); err != nil {
		return err
	}
	e.close()
	return nil
}

// deployments reads the list of a model's deployments.
func (r fileReader) deployments(key string, node ast.Node) error {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		return r.fault(node, key, "want a list such as [{key_env: A}, {key_env: B}]")
	}
	r.origin[key] = r.place(node)
	r.model.Deployments = make([]Deployment, len(list.Values))
	inner := fileReader{path: r.path, settings: r.model.settings(), origin: r.origin}
	faults := make([]error, len(list.Values))
	for i, item := range list.Values {
		faults[i] = inner.mapping(fmt.Sprintf("%s[%d].", key, i), item)
	}
	return errors.Join(faults...)
}

func (r fileReader) value(s setting, node ast.Node) error {
	var text string
	switch n := node.(type) {
	case *ast.NullNode:
		return nil // "key:" leaves the default
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.StringNode:
		text = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		text = n.GetToken().Value
	default:
		if s.structured() {
			var err error
			if text, err = jsonOf(node); err != nil {
				return r.fault(node, s.key, err.Error())
			}
			break
		}
		if s.field.Kind() != reflect.Slice {
			return r.fault(node, s.key, "want a single value")
		}
		words, ok := wordsOf(node)
		if !ok {
			return r.fault(node, s.key, "want a list such as [a, b]")
		}
		text = strings.Join(words, ",")
	}
	r.origin[s.key] = r.place(node)
	if err := s.set(text); err != nil {
		return at(err, r.place(node))
	}
	return nil
}

// wordsOf reads a list of words.
func wordsOf(node ast.Node) (words []string, ok bool) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		return nil, false
	}
	for _, v := range list.Values {
		word, ok := v.(ast.ScalarNode)
		if !ok {
			return nil, false
		}
		words = append(words, word.GetToken().Value)
	}
	return words, true
}

// suggest names the nearest key, or all keys of the section that prefix ends.
func (r fileReader) suggest(prefix, key string) string {
	var here, all []string
	for _, s := range r.settings {
		all = append(all, s.key)
		name, ok := strings.CutPrefix(s.key, prefix)
		if !ok {
			continue
		}
		if name, _, _ = strings.Cut(name, "."); !slices.Contains(here, prefix+name) {
			here = append(here, prefix+name)
		}
	}
	for _, section := range slices.Sorted(maps.Keys(r.open)) {
		section = strings.TrimSuffix(section, ".")
		if rest, ok := strings.CutPrefix(section, prefix); ok && rest != "" && !slices.Contains(here, section) {
			here = append(here, section)
		}
	}
	if near, ok := nearest(key, here); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if near, ok := nearest(key, all); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "allowed are " + list(here, " and ")
}

func (r fileReader) place(node ast.Node) string { return place(r.path, node.GetToken()) }

func (r fileReader) fault(node ast.Node, key, message string) error {
	e := &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: key, Public: message}
	if key != "" {
		e.Public = key + ": " + message
	}
	return at(e, r.place(node))
}

func place(path string, tk *token.Token) string {
	if tk == nil || tk.Position == nil {
		return path
	}
	return fmt.Sprintf("%s:%d:%d", path, tk.Position.Line, tk.Position.Column)
}

// misnamed refuses a file that is meant to be DefaultFile and would be passed
// over without a word.
func misnamed() error {
	const other = "kefu.yml"
	if _, err := os.Stat(other); err != nil {
		return nil
	}
	return badFile(other + ": it is not read; name it " + DefaultFile + ", or say --config " + other)
}

func badFile(says string) *desk.Error {
	return &desk.Error{Kind: desk.Invalid, Code: "bad_config_file", Public: says}
}

func syntaxError(path string, err error) error {
	e := badFile(path + ": not valid YAML")
	e.Err = err
	var y yaml.Error
	if errors.As(err, &y) {
		e.Public = place(path, y.GetToken()) + ": not valid YAML: " + y.GetMessage()
		e.Err = nil // which would say it again, with a drawing
	}
	return e
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	return bytes.TrimPrefix(b, []byte("\ufeff")), err // editors of Windows begin files with it
}

func unreadable(key, what, path string, err error) error {
	reason := err
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		reason = pathError.Err
	}
	return &desk.Error{
		Kind: desk.Invalid, Code: "unreadable_file", Field: key,
		Public: fmt.Sprintf("%s %s: %v", what, path, reason),
	}
}
