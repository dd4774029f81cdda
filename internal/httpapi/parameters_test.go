package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestAQueryParameterThatARouteDoesNotHaveIsRefused(t *testing.T) {
	office := newOffice(t, says(answer()))
	routes := 0
	for path, item := range loadSpec(t).doc.Paths.Map() {
		for method, o := range item.Operations() {
			if !slices.ContainsFunc(o.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == "query" }) {
				continue
			}
			routes++
			path := strings.NewReplacer("{id}", "key_nobody", "{rev}", "0").Replace(path)
			r := office.as(t, "admin", method, path+"?tenants=acme", "")
			if p := r.problem(t); r.StatusCode != http.StatusBadRequest || p.Code != "unknown_parameter" || p.Field != "tenants" {
				t.Errorf("%s %s = %d %s", method, path, r.StatusCode, r.body)
			}
		}
	}
	if routes < 25 {
		t.Errorf("%d routes have query parameters, want all of them", routes)
	}
	for query, want := range map[string]string{
		"limit=1&cursor=&sorce=x": "The query parameters are tenant, limit, cursor, status.",
		"Limit=1":                 "The query parameters are tenant, limit, cursor, status.",
		"limit=%zz":               "What stands behind the ? of the address is not valid.",
	} {
		if r := office.as(t, "operator", "GET", "/v1/documents?"+query, ""); r.StatusCode != http.StatusBadRequest || r.problem(t).Detail != want {
			t.Errorf("?%s = %d %s, want %q", query, r.StatusCode, r.body, want)
		}
	}
	if r := office.as(t, "operator", "GET", "/v1/models?api-version=2026-01-01", ""); r.StatusCode != http.StatusOK {
		t.Errorf("a parameter of an OpenAI client = %d %s", r.StatusCode, r.body)
	}
}
