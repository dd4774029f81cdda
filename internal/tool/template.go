package tool

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// template is a URL with {argument}, {@user}, {@tenant} and {@lang} in its path
// and the values of its query.
type template struct {
	origin string // scheme and host: never made of arguments
	path   []piece
	query  []pair
}

// piece is fixed text or the name of a value, one of both.
type piece struct{ text, name string }

// pair is one key and value of the query. It is left out when one of its
// values was not given.
type pair struct {
	key   string // escaped
	value []piece
}

func parseTemplate(text string) (*template, error) {
	sample, err := url.Parse(reference.ReplaceAllString(text, "x"))
	if err != nil || sample.Host == "" || sample.Scheme != "http" && sample.Scheme != "https" {
		return nil, errors.New("url: want an http or https address")
	}
	t := &template{origin: sample.Scheme + "://" + sample.Host}
	rest, ok := strings.CutPrefix(text, t.origin)
	if !ok || sample.User != nil || sample.Fragment != "" {
		return nil, errors.New("url: arguments may stand in the path and in values of the query only")
	}
	path, query, hasQuery := strings.Cut(rest, "?")
	if t.path, err = pieces(path); err != nil {
		return nil, err
	}
	if !hasQuery {
		return t, nil
	}
	for one := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(one, "=")
		p := pair{key: key}
		if p.value, err = pieces(value); err != nil || strings.ContainsAny(key, "{}") || key == "" {
			return nil, fmt.Errorf("url: cannot read %q of the query", one)
		}
		t.query = append(t.query, p)
	}
	return t, nil
}

func pieces(text string) ([]piece, error) {
	var out []piece
	end := 0
	for _, at := range reference.FindAllStringSubmatchIndex(text, -1) {
		out = append(out, piece{text: text[end:at[0]]}, piece{name: text[at[2]:at[3]]})
		end = at[1]
	}
	out = append(out, piece{text: text[end:]})
	for _, p := range out {
		if strings.ContainsAny(p.text, "{}") {
			return nil, fmt.Errorf("url: cannot read %q: want {name}", text)
		}
	}
	return out, nil
}

// names lists what the path and the query need.
func (t *template) names() (path, query []string) {
	for _, p := range t.path {
		if p.name != "" {
			path = append(path, p.name)
		}
	}
	for _, q := range t.query {
		for _, p := range q.value {
			if p.name != "" {
				query = append(query, p.name)
			}
		}
	}
	return path, query
}

// fill returns the address for the values, each escaped for where it stands.
func (t *template) fill(in Input) (string, error) {
	var b strings.Builder
	b.WriteString(t.origin)
	var path strings.Builder
	for _, p := range t.path {
		if p.name == "" {
			path.WriteString(p.text)
			continue
		}
		value, ok := in.value(p.name)
		if !ok || value == "" || notInPath.MatchString(value) {
			return "", invalid("%s: want a value without slashes and control characters", p.name)
		}
		path.WriteString(url.PathEscape(value))
	}
	if slices.ContainsFunc(strings.Split(path.String(), "/"), func(s string) bool { return s == "." || s == ".." }) {
		return "", invalid("arguments: they lead to another path")
	}
	b.WriteString(path.String())
	separator := "?"
	for _, q := range t.query {
		if value, ok := q.fill(in); ok {
			b.WriteString(separator + q.key + "=" + value)
			separator = "&"
		}
	}
	return b.String(), nil
}

// notInPath matches what some servers take for a separator even when escaped.
var notInPath = regexp.MustCompile(`[/\\\x00-\x1f\x7f]`)

func (q pair) fill(in Input) (string, bool) {
	var b strings.Builder
	for _, p := range q.value {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		value, ok := in.value(p.name)
		if !ok {
			return "", false
		}
		b.WriteString(url.QueryEscape(value))
	}
	return b.String(), true
}

// value is what {name} stands for.
func (in Input) value(name string) (string, bool) {
	switch name {
	case "@user":
		return string(in.Scope.User), true
	case "@tenant":
		return string(in.Scope.Tenant), true
	case "@lang":
		return string(in.Lang), true
	}
	switch v := in.Arguments[name].(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
