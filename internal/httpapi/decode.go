package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// field is one member that a JSON object may have, and where its value goes.
type field struct {
	name   string
	target any // pointer
}

// body reads a JSON request body. Nothing is read of one that is announced as
// too large, and no more than the limit of any other.
func (api *API) body(c *gin.Context) ([]byte, error) { return api.bodyUpTo(c, api.cfg.MaxBodyBytes) }

// bodyUpTo is body with a limit of its own.
func (api *API) bodyUpTo(c *gin.Context, most int64) ([]byte, error) {
	r := c.Request
	if mediaType := r.Header.Get("Content-Type"); mediaType != "application/json" {
		if parsed, _, err := mime.ParseMediaType(mediaType); err != nil || parsed != "application/json" {
			return nil, &desk.Error{
				Kind: desk.Unsupported, Code: "unsupported_media_type",
				Public: "Send JSON with the header Content-Type: application/json.",
			}
		}
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, &desk.Error{
			Kind: desk.Unsupported, Code: "unsupported_media_type",
			Public: "Send the body as it is, without compression and the header Content-Encoding.",
		}
	}
	if r.ContentLength > most {
		return nil, api.bodyTooLarge(c, most)
	}
	body, err := readBody(c.Writer, r, most)
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return nil, api.bodyTooLarge(c, most)
	case err != nil: // the caller left, or was too slow
		return nil, &desk.Error{Kind: desk.Invalid, Code: "body_incomplete", Public: "The body did not arrive in full.", Err: err}
	}
	return body, nil
}

func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if r.ContentLength < 0 {
		return io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// bodyTooLarge also gives the connection up: the server would otherwise wait
// for the rest of the body before it replies.
func (api *API) bodyTooLarge(c *gin.Context, most int64) error {
	c.Header("Connection", "close")
	return &desk.Error{
		Kind: desk.TooLarge, Code: "body_too_large",
		Public: fmt.Sprintf("The body is larger than %d bytes.", most),
	}
}

// decodeObject reads exactly one JSON object whose members are all known, given
// once and of the right type. encoding/json alone would take members in any
// case, keep the last of two, replace invalid UTF-8, and ignore what follows.
func decodeObject(body []byte, fields ...field) error {
	if decodePlain(body, fields) {
		return nil
	}
	return decodeStrict(body, fields)
}

func decodeStrict(body []byte, fields []field) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if first, err := dec.Token(); err != nil {
		return syntaxError(body)
	} else if first != json.Delim('{') {
		return invalid("wrong_type", "", "The body must be a JSON object.")
	}
	var seen uint64
	for dec.More() {
		start := dec.InputOffset()
		token, err := dec.Token()
		if err != nil {
			return syntaxError(body)
		}
		name, _ := token.(string)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return unknownField(name, fields)
		}
		if seen&(1<<i) != 0 {
			return invalid("duplicate_field", name, fmt.Sprintf("%q is given twice.", name))
		}
		seen |= 1 << i
		if err := dec.Decode(fields[i].target); err != nil {
			return valueError(body, fields[i], err)
		}
		if !utf8.Valid(body[start:dec.InputOffset()]) {
			return invalid("invalid_utf8", name, fmt.Sprintf("%q is not valid UTF-8.", name))
		}
	}
	if _, err := dec.Token(); err != nil {
		return syntaxError(body)
	}
	end := dec.InputOffset()
	if rest := bytes.TrimLeft(body[end:], " \t\r\n"); len(rest) > 0 {
		at := position(body, int64(len(body)-len(rest)))
		return invalid("trailing_data", "", "There is something after the JSON object, at "+at+".")
	}
	return nil
}

// syntaxError says where body stops being JSON. The token reader does not
// know, so the whole body is scanned once more.
func syntaxError(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return invalid("invalid_json", "", "The body is empty; it must be a JSON object.")
	}
	where := ""
	var s *json.SyntaxError
	if errors.As(json.Unmarshal(body, new(json.RawMessage)), &s) {
		where = ", at " + position(body, s.Offset-1)
	}
	return invalid("invalid_json", "", "The body is not valid JSON"+where+".")
}

// position is the line and column, in characters, of the byte at offset.
func position(body []byte, offset int64) string {
	before := body[:min(max(offset, 0), int64(len(body)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

func valueError(body []byte, f field, err error) error {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return syntaxError(body)
	}
	want := "a string"
	switch reflect.TypeOf(f.target).Elem().Kind() {
	case reflect.Bool:
		want = "true or false"
	case reflect.Int, reflect.Int64:
		want = "a whole number"
	case reflect.Float64:
		want = "a number"
	}
	return invalid("wrong_type", f.name, fmt.Sprintf("%q must be %s.", f.name, want))
}

func unknownField(name string, fields []field) error {
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.name
	}
	return invalid("unknown_field", shown(name), "The fields are "+strings.Join(known, ", ")+".")
}

// shown keeps a name that the caller made up short and printable.
func shown(name string) string {
	const most = 64
	clean := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, name))
	return string(clean[:min(len(clean), most)])
}

func invalid(code, field, detail string) error {
	return &desk.Error{Kind: desk.Invalid, Code: code, Field: field, Public: detail}
}
