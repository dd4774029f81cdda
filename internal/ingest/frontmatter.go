package ingest

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/goccy/go-yaml"

	"kefu/internal/desk"
)

// maxFrontMatter bounds the YAML that is parsed, in bytes.
const maxFrontMatter = 16 << 10

// frontMatter splits a file into what its YAML front matter says and the rest.
// Front matter stands between a first line of three dashes and the next such
// line; prose between two rules is none. It must be cut before Markdown is
// parsed, or its last line becomes a heading.
func frontMatter(data []byte) (meta, []byte, error) {
	first, rest, ok := bytes.Cut(data, []byte("\n"))
	if !ok || !isFence(first) {
		return meta{}, data, nil
	}
	var raw []byte
	for line := range bytes.Lines(rest) {
		if isFence(line) {
			m, ok, err := parseMeta(raw)
			if err != nil || !ok {
				return meta{}, data, err
			}
			return m, rest[len(raw)+len(line):], nil
		}
		raw = rest[:len(raw)+len(line)]
		if len(raw) > maxFrontMatter {
			break
		}
	}
	return meta{}, data, nil
}

func isFence(line []byte) bool {
	return string(bytes.TrimRight(line, " \t\n")) == "---"
}

// parseMeta reads the fields that are known and ignores the others. It returns
// false when raw is no mapping.
func parseMeta(raw []byte) (meta, bool, error) {
	var fields map[string]any
	if err := yaml.Unmarshal(raw, &fields); err != nil {
		if !bytes.Contains(raw, []byte(":")) {
			return meta{}, false, nil
		}
		return meta{}, false, reject(CodeMalformed, 1, "the front matter is not valid YAML")
	}
	if fields == nil {
		return meta{}, len(bytes.TrimSpace(raw)) == 0, nil
	}
	m := meta{
		id:    firstOf(fields, "id", "slug"),
		title: firstOf(fields, "title", "标题"),
		url:   publicURL(firstOf(fields, "url", "permalink", "canonical", "链接")),
		lang:  declaredLang(firstOf(fields, "lang", "language", "locale", "语言")),
	}
	switch kind := strings.ToLower(firstOf(fields, "kind")); kind {
	case "", string(desk.Page):
	case string(desk.FAQ):
		m.kind = desk.FAQ
	default:
		return meta{}, false, reject(CodeMalformed, 0, "the front matter says kind: %.40s; known kinds are page and faq", kind)
	}
	var err error
	if m.translation, err = translationKey(fields); err != nil {
		return meta{}, false, err
	}
	switch local, said := fields["local_only"]; mark := local.(type) {
	case bool:
		m.local = mark
	default:
		if said { // a mark that is misunderstood would let the document out
			return meta{}, false, reject(CodeMalformed, 0, "the front matter says local_only: %.40v; want true or false", local)
		}
	}
	return m, true, nil
}

// maxTranslationKey bounds a translation key, in bytes.
const maxTranslationKey = 200

// translationKey is what a page and its translations declare alike, by the name
// that Hugo gave it or as our other fields are spelt. A key that is
// misunderstood would leave the page without its translations, unnoticed.
func translationKey(fields map[string]any) (string, error) {
	for _, name := range []string{"translationKey", "translation_key"} {
		value, said := fields[name]
		if !said || value == nil {
			continue
		}
		if key := scalar(value); key != "" && len(key) <= maxTranslationKey {
			return key, nil
		}
		return "", reject(CodeMalformed, 0, "the front matter says %s: %.40v; want a text of 1 to %d bytes, the same in every translation of the page", name, value, maxTranslationKey)
	}
	return "", nil
}

// firstOf returns the first of the named fields that holds a plain value.
func firstOf(fields map[string]any, names ...string) string {
	for _, name := range names {
		if s := scalar(fields[name]); s != "" {
			return s
		}
	}
	return ""
}

func scalar(v any) string {
	switch v := v.(type) {
	case nil, []any, map[string]any:
		return ""
	case string:
		return oneLine(v)
	default:
		return fmt.Sprint(v)
	}
}

// oneLine squeezes white space, line breaks included, to single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// publicURL returns s when a customer's browser can open it: an absolute
// address over HTTP, or a path of the site. Anything else is dropped, so that
// no other scheme reaches a page as a link.
func publicURL(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.User != nil {
		return ""
	}
	web := (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	local := u.Scheme == "" && u.Host == "" && strings.HasPrefix(u.Path, "/")
	if !web && !local {
		return ""
	}
	return u.String()
}
