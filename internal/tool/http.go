package tool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"kefu/internal/desk"
)

// HTTPConfig declares a tool that is an HTTP endpoint.
type HTTPConfig struct {
	Spec
	// Method is GET by default, POST for writes.
	Method string
	// URL holds arguments as {name}: in its path, where they are required, and
	// in values of its query, which are left out with them. {@user} and
	// {@tenant} stand for whom the tool is used for, {@lang} for the customer's
	// language, "en" or "zh".
	//
	// Arguments that the URL does not hold are sent as a JSON object by methods
	// that have a body.
	URL string
	// Headers are sent with every request, secrets included.
	Headers map[string]string
}

// HTTP is a tool that is an HTTP endpoint. It is safe for concurrent use.
type HTTP struct {
	config HTTPConfig
	client *http.Client
	url    *template
	body   []string // arguments that are sent as JSON
}

// NewHTTP returns the tool that c declares. The client decides which hosts may
// be reached; it must bound what it reads. The error says what of the
// declaration cannot be used.
func NewHTTP(c HTTPConfig, client *http.Client) (*HTTP, error) {
	c.Spec = c.Spec.withDefaults()
	h := &HTTP{client: client}
	if c.Method == "" {
		c.Method = http.MethodGet
		if c.Effect == Write {
			c.Method = http.MethodPost
		}
	}
	fail := func(err error) (*HTTP, error) { return nil, fmt.Errorf("tool %q: %w", c.Name, err) }
	var err error
	if c.Parameters, err = closed(c.Parameters); err != nil {
		return fail(err)
	}
	if h.url, err = parseTemplate(c.URL); err != nil {
		return fail(err)
	}
	if err := checkHeaders(c.Headers); err != nil {
		return fail(err)
	}
	if h.body, err = h.url.rest(c); err != nil {
		return fail(err)
	}
	h.config = c
	return h, nil
}

// closed returns the schema with everything refused that it does not declare.
func closed(raw json.RawMessage) (json.RawMessage, error) {
	s, err := compile(raw)
	if err != nil {
		return nil, err
	}
	if keyword := misspelt(s.root); keyword != "" {
		return nil, fmt.Errorf("parameters: unknown keyword %q", keyword)
	}
	if s.root.AdditionalProperties != nil {
		return raw, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	object["additionalProperties"] = json.RawMessage("false")
	return json.Marshal(object)
}

func checkHeaders(headers map[string]string) error {
	for name, value := range headers {
		switch {
		case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			return fmt.Errorf("headers: %q is no header, or its value cannot be sent", name)
		case slices.Contains([]string{"Host", "Content-Length", "Content-Type", "Idempotency-Key"}, http.CanonicalHeaderKey(name)):
			return fmt.Errorf("headers: %s is set by the program", name)
		}
	}
	return nil
}

// rest checks that the URL and the schema fit and returns the arguments that
// the URL does not hold.
func (t *template) rest(c HTTPConfig) ([]string, error) {
	s, err := compile(c.Parameters)
	if err != nil {
		return nil, err
	}
	path, query := t.names()
	for _, name := range slices.Concat(path, query) {
		switch {
		case name == "@user", name == "@tenant", name == "@lang":
		case !s.scalar(name):
			return nil, fmt.Errorf("url: {%s} is no argument of type string, integer, number or boolean", name)
		case slices.Contains(path, name) && !slices.Contains(s.root.Required, name):
			return nil, fmt.Errorf("url: {%s} stands in the path, so that it must be required", name)
		}
	}
	var rest []string
	for name := range s.root.Properties {
		if !slices.Contains(path, name) && !slices.Contains(query, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	switch c.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return rest, nil
	case http.MethodGet, http.MethodDelete:
		if len(rest) > 0 {
			return nil, fmt.Errorf("url: it does not hold {%s}, and %s sends no body", rest[0], c.Method)
		}
		return nil, nil
	}
	return nil, fmt.Errorf("method: want GET, POST, PUT, PATCH or DELETE, not %q", c.Method)
}

// Spec implements Tool.
func (h *HTTP) Spec() Spec { return h.config.Spec }

// Run implements Tool: one request, which is never repeated.
func (h *HTTP) Run(ctx context.Context, in Input) (Result, error) {
	request, err := h.request(ctx, in)
	if err != nil {
		return Result{}, err
	}
	response, err := h.client.Do(request)
	if err != nil {
		return Result{}, unreachable(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, int64(h.config.MaxBytes)+1))
	switch {
	case err != nil:
		return Result{}, unreachable(err)
	case len(text) > h.config.MaxBytes:
		return Result{}, tooLarge(h.config.MaxBytes)
	}
	return read(response, text)
}

func (h *HTTP) request(ctx context.Context, in Input) (*http.Request, error) {
	address, err := h.url.fill(in)
	if err != nil {
		return nil, err
	}
	var body io.Reader = http.NoBody
	if len(h.body) > 0 {
		object := make(map[string]any, len(h.body))
		for _, name := range h.body {
			if v, given := in.Arguments[name]; given {
				object[name] = v
			}
		}
		encoded, err := json.Marshal(object)
		if err != nil {
			return nil, invalid("arguments: %v", err)
		}
		body = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, h.config.Method, address, body)
	if err != nil {
		return nil, invalid("arguments: they make no address")
	}
	for name, value := range h.config.Headers {
		r.Header.Set(name, value)
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json, text/plain;q=0.9")
	}
	if len(h.body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if in.Key != "" {
		r.Header.Set("Idempotency-Key", in.Key)
	}
	return r, nil
}

// read tells what a response means.
func read(r *http.Response, text []byte) (Result, error) {
	switch status := r.StatusCode; {
	case status == http.StatusTooManyRequests:
		return Result{}, &desk.Error{Kind: desk.RateLimited, Code: CodeUnavailable, Public: "the tool is used too often right now", Err: statusError(status)}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Result{}, &desk.Error{Kind: desk.Forbidden, Code: CodeUnavailable, Public: "the tool may not be used", Err: statusError(status)}
	case status >= 500, status == http.StatusRequestTimeout, status < 200, status >= 300 && status < 400:
		return Result{}, &desk.Error{Kind: desk.Unavailable, Code: CodeUnavailable, Public: "the tool does not work right now", Err: statusError(status)}
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isPage := kind == "text/html" // for people: to log in, or that nothing works today
	isText := kind == "" || strings.HasPrefix(kind, "text/") && !isPage || kind == "application/json" || strings.HasSuffix(kind, "+json")
	if !isText || !utf8.Valid(text) {
		return Result{}, &desk.Error{Kind: desk.Unavailable, Code: CodeUnusable, Public: "the result is no text", Err: fmt.Errorf("content type %q", kind)}
	}
	result := Result{Text: string(text), Failed: r.StatusCode >= 400}
	if strings.TrimSpace(result.Text) == "" {
		result.Text = strconv.Itoa(r.StatusCode) + " " + http.StatusText(r.StatusCode)
	}
	return result, nil
}

type statusError int

func (s statusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// unreachable keeps what the client says about a refusal or a limit.
func unreachable(err error) error {
	var known *desk.Error
	if errors.As(err, &known) {
		return known
	}
	return &desk.Error{Kind: desk.Unavailable, Code: CodeUnavailable, Public: "the tool cannot be reached", Err: err}
}
