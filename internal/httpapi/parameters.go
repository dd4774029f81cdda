package httpapi

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// parameters refuses query parameters that the route does not have, on routes that
// have any: whoever misspelt ?tenant= would see, or change, another tenant's data.
func (api *API) parameters(c *gin.Context) {
	if c.Request.URL.RawQuery == "" {
		return
	}
	known := api.queries()[c.Request.Method+" "+c.FullPath()]
	if known == nil {
		return
	}
	given, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		api.fail(c, invalid("query_invalid", "", "What stands behind the ? of the address is not valid."))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			api.fail(c, invalid("unknown_parameter", shown(name), "The query parameters are "+strings.Join(known, ", ")+"."))
			return
		}
	}
}

// queries are the names of the query parameters that openapi.json declares, by
// method and route.
func queries() map[string][]string {
	type parameter struct {
		Ref      string `json:"$ref"`
		In, Name string
	}
	var spec struct {
		Paths      map[string]map[string]struct{ Parameters []parameter }
		Components struct{ Parameters map[string]parameter }
	}
	if err := json.Unmarshal(openapi, &spec); err != nil {
		panic("httpapi: openapi.json: " + err.Error()) // it is ours
	}
	names := map[string][]string{}
	for path, operations := range spec.Paths {
		route := strings.NewReplacer("{", ":", "}", "").Replace(path)
		for method, o := range operations {
			key := strings.ToUpper(method) + " " + route
			for _, p := range o.Parameters {
				if name, shared := strings.CutPrefix(p.Ref, "#/components/parameters/"); shared {
					p = spec.Components.Parameters[name]
				}
				if p.In == "query" {
					names[key] = append(names[key], p.Name)
				}
			}
		}
	}
	return names
}
