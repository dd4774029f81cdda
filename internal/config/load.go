package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

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
// error is a *desk.Error of kind Invalid that says where the value came from.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	settings := settingsOf(&c)
	env := variables(environ)
	origin := map[string]string{} // setting's key → where its value was written

	path = cmp.Or(path, env["KEFU_CONFIG"])
	if err := readFile(path, settings, origin); err != nil {
		return Config{}, err
	}
	if err := readEnv(env, settings, origin); err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, located(err, origin)
	}
	return c, nil
}

// located puts the place where a faulty value was written before its message.
func located(err error, origin map[string]string) error {
	var e *desk.Error
	if !errors.As(err, &e) || origin[e.Field] == "" {
		return err
	}
	return at(e, origin[e.Field])
}

func at(e *desk.Error, place string) *desk.Error {
	moved := *e
	moved.Public = place + ": " + e.Public
	return &moved
}

// readFile sets what the file says; path "" is DefaultFile.
func readFile(path string, settings []setting, origin map[string]string) error {
	optional := path == ""
	path = cmp.Or(path, DefaultFile)
	text, err := readSmall(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unreadable("", "configuration file", path, err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return syntaxError(path, err)
	}
	r := fileReader{path: path, settings: settings, origin: origin}
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
	origin   map[string]string
}

func (r fileReader) mapping(prefix string, node ast.Node) error {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			if err := r.pair(prefix, pair); err != nil {
				return err
			}
		}
		return nil
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
	if slices.ContainsFunc(r.settings, func(s setting) bool { return strings.HasPrefix(s.key, key+".") }) {
		return r.mapping(key+".", pair.Value)
	}
	return &desk.Error{
		Kind: desk.Invalid, Code: "unknown_setting", Field: key,
		Public: fmt.Sprintf("%s: unknown key %q; %s", r.place(pair.Key), key, r.suggest(prefix, key)),
	}
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
		return r.fault(node, s.key, "want a single value")
	}
	r.origin[s.key] = r.place(node)
	if err := s.set(text); err != nil {
		return at(err, r.place(node))
	}
	return nil
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

func syntaxError(path string, err error) error {
	e := &desk.Error{Kind: desk.Invalid, Code: "bad_config_file", Err: err, Public: path + ": not valid YAML"}
	var y yaml.Error
	if errors.As(err, &y) {
		e.Public = place(path, y.GetToken()) + ": not valid YAML: " + y.GetMessage()
		e.Err = nil // which would say it again, with a drawing
	}
	return e
}

// variables turns NAME=value lines into a map; later lines win and empty
// values are left out, so that compose files may pass on what is unset.
func variables(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		delete(env, name)
		if value != "" {
			env[name] = value
		}
	}
	return env
}

// readEnv sets what the variables say and refuses KEFU_ variables that mean
// nothing.
func readEnv(env map[string]string, settings []setting, origin map[string]string) error {
	known := map[string]bool{"KEFU_CONFIG": true}
	for _, s := range settings {
		known[s.env] = true
		text, name := env[s.env], s.env
		if s.secret() {
			known[s.env+"_FILE"] = true
			var err error
			if text, name, err = secret(env, s); err != nil {
				return err
			}
		}
		if text == "" {
			continue
		}
		origin[s.key] = name
		if err := s.set(text); err != nil {
			return at(err, name)
		}
	}
	return unknownVariable(env, known)
}

// secret returns a secret's value and the variable that it came from.
func secret(env map[string]string, s setting) (text, name string, err error) {
	file := env[s.env+"_FILE"]
	switch {
	case file == "":
		return env[s.env], s.env, nil
	case env[s.env] != "":
		e := bad(s.key, "both %s and %s_FILE are set; keep one", s.env, s.env)
		return "", "", e
	}
	b, err := readSmall(file)
	if err != nil {
		return "", "", unreadable(s.key, s.env+"_FILE", file, err)
	}
	text = strings.TrimRight(string(b), "\r\n")
	if text == "" {
		return "", "", bad(s.key, "%s_FILE: %s is empty", s.env, file)
	}
	return text, s.env + "_FILE", nil
}

func unknownVariable(env map[string]string, known map[string]bool) error {
	var unknown []string
	for name := range env {
		if strings.HasPrefix(name, "KEFU_") && !known[name] && !serviceLink.MatchString(name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	name, help := unknown[0], "the README lists all variables"
	candidates := make([]string, 0, len(known))
	for k := range known {
		candidates = append(candidates, k)
	}
	slices.Sort(candidates)
	near, ok := nearest(name, candidates)
	if standard := strings.TrimPrefix(name, "KEFU_"); known[standard] { // KEFU_REDIS_URL
		near, ok = standard, true
	}
	if plain := strings.TrimSuffix(name, "_FILE"); known[plain] { // KEFU_ADDR_FILE
		near, ok = plain, true
	}
	if ok {
		help = fmt.Sprintf("did you mean %s?", near)
	}
	return &desk.Error{
		Kind: desk.Invalid, Code: "unknown_setting", Field: name,
		Public: fmt.Sprintf("unknown variable %s; %s", name, help),
	}
}

// serviceLink matches the variables that Kubernetes and old container links
// set for services named kefu or kefu-something: they are not ours to refuse.
var serviceLink = regexp.MustCompile(`^KEFU(_[A-Z0-9]+)*?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

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
	return b, err
}

func unreadable(key, what, path string, err error) error {
	reason := err
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		reason = pathError.Err
	}
	return &desk.Error{
		Kind: desk.Invalid, Code: "unreadable_file", Field: key, Err: err,
		Public: fmt.Sprintf("%s %s: %v", what, path, reason),
	}
}
