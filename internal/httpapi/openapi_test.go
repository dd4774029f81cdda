package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"kefu/internal/access"
	"kefu/internal/httpapi"
)

type spec struct {
	doc    *openapi3.T
	router routers.Router
}

var readSpec = sync.OnceValues(func() (spec, error) {
	for _, plain := range []string{"text/event-stream", "text/html", "text/javascript", "application/openmetrics-text"} {
		openapi3filter.RegisterBodyDecoder(plain, openapi3filter.RegisteredBodyDecoder("text/plain"))
	}
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		return spec{}, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return spec{}, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return spec{}, err
	}
	router, err := gorillamux.NewRouter(doc)
	return spec{doc, router}, err
})

func loadSpec(t testing.TB) spec {
	t.Helper()
	s, err := readSpec()
	if err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	return s
}

// describedTransport fails the test when an exchange is not as openapi.json
// describes it. A request may be wrong if the reply says so.
type describedTransport struct {
	t    testing.TB
	spec spec
	next http.RoundTripper
}

func (d describedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		sent, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := d.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	documented := req.Clone(req.Context())
	documented.URL.Scheme, documented.URL.Host, documented.Host = "", "", ""
	route, params, err := d.spec.router.FindRoute(documented)
	if err != nil { // not in the document, so it must not be there
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed && !isAsset(req.URL.Path) && req.Method != http.MethodHead {
			d.t.Errorf("%s %s = %d, but is not described", req.Method, req.URL.Path, resp.StatusCode)
		}
		return resp, nil
	}
	documented.Body = io.NopCloser(bytes.NewReader(sent))
	in := &openapi3filter.RequestValidationInput{
		Request: documented, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if resp.StatusCode < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
			d.t.Errorf("%s %s was accepted, but is described otherwise: %v", req.Method, req.URL.Path, err)
		}
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return resp, nil // read by its own tests, as it comes
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	err = openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(body)), Options: in.Options,
	})
	if err != nil {
		d.t.Errorf("reply %d to %s %s is described otherwise: %v\n%s", resp.StatusCode, req.Method, req.URL.Path, err, body)
	}
	return resp, nil
}

// isAsset reports whether path is a file of a page, which needs no description.
func isAsset(path string) bool {
	return strings.HasPrefix(path, "/docs/") || strings.HasPrefix(path, "/chat/") || strings.HasPrefix(path, "/widget/") || strings.HasPrefix(path, "/console/")
}

func TestEveryRouteIsDescribedAndEveryDescriptionHasARoute(t *testing.T) {
	api := httpapi.New(httpapi.Config{Admin: &httpapi.Admin{}, Operators: &httpapi.Operators{}, Conversations: noConversations{}, Feedback: masked{}, Chat: http.NotFoundHandler(), Widget: http.NotFoundHandler(), Console: http.NotFoundHandler(), Sessions: &access.Sessions{}, Metrics: http.NotFoundHandler(), Happenings: ended{}}, says(answer()), &observed{})
	var routes, described []string
	for _, r := range api.Routes() {
		if r.Method != http.MethodHead && !isAsset(r.Path) {
			routes = append(routes, r.Method+" "+strings.NewReplacer("*model", "{model}", ":id", "{id}", ":rev", "{rev}").Replace(r.Path))
		}
	}
	for path, item := range loadSpec(t).doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(routes)
	slices.Sort(described)
	if !slices.Equal(routes, described) {
		t.Errorf("routes    = %v\ndescribed = %v", routes, described)
	}
}

func TestEveryRouteButThePublicOnesRefusesCallersWithoutTheKey(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	f := serve(t, httpapi.Config{Keys: keyed(key), Admin: &httpapi.Admin{}, Operators: &httpapi.Operators{}, Conversations: noConversations{}, Feedback: masked{}, Chat: http.HandlerFunc(chatPage), Widget: http.HandlerFunc(chatPage), Console: http.HandlerFunc(chatPage), Sessions: &access.Sessions{}, Metrics: http.NotFoundHandler(), Happenings: ended{}}, says(answer()))
	for _, r := range f.api.Routes() {
		path := strings.NewReplacer("*asset", "swagger-ui.css", "*model", "kefu-auto").Replace(r.Path)
		for name, headers := range map[string][]string{
			"no key":        nil,
			"a wrong key":   {"Authorization", "Bearer " + key[1:] + "0"},
			"a longer key":  {"X-API-Key", key + key},
			"a basic login": {"Authorization", "Basic " + key},
			"an empty key":  {"Authorization", "Bearer "},
			"a cookie":      {"Cookie", "key=" + key + "; session=" + key},
		} {
			reply := f.do(t, r.Method, path, "", append(headers, "Origin", "https://evil.example")...)
			for _, invitation := range []string{"Set-Cookie", "Access-Control-Allow-Origin"} {
				if v := reply.Header.Get(invitation); v != "" {
					t.Errorf("%s %s: %s: %s, want none: another site must not act for a visitor", r.Method, r.Path, invitation, v)
				}
			}
			got := reply.StatusCode
			if open := got != http.StatusUnauthorized; open != slices.Contains(publicRoutes, r.Path) {
				t.Errorf("%s %s with %s = %d", r.Method, r.Path, name, got)
			}
		}
	}
	for _, headers := range [][]string{{"Authorization", "Bearer " + key}, {"Authorization", "bearer " + key}, {"X-API-Key", key}} {
		if r := f.query(t, `{"question":"hi"}`, headers...); r.StatusCode != http.StatusOK {
			t.Errorf("with %s = %d, want 200: %s", headers[0], r.StatusCode, r.body)
		}
	}
}
