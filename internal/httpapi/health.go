package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// checkWithin bounds one readiness check.
	checkWithin = time.Second
	// checkEvery is how long the results are reused: /readyz is public, and
	// must not be a way to load what it looks at.
	checkEvery = time.Second
)

// Check tells whether something that Kefu depends on works.
type Check struct {
	Name string // "database"
	// Required checks decide about readiness; others are only reported, since
	// answers go on without them.
	Required bool
	// Up returns nil when it works. It should end with ctx. The error is not shown.
	Up func(ctx context.Context) error
}

type healthResponse struct {
	Status string `json:"status"`
}

// health answers GET /health: while it does, the process is alive.
func (api *API) health(c *gin.Context) {
	api.writeJSON(c, http.StatusOK, "application/json", healthResponse{"healthy"})
}

type readyResponse struct {
	Status       string                     `json:"status"` // ready, unready or draining
	Dependencies map[string]dependencyState `json:"dependencies"`
}

type dependencyState struct {
	Status   string `json:"status"` // up or down
	Required bool   `json:"required"`
}

// readyz answers GET /readyz: 200 while questions should be sent here.
func (api *API) readyz(c *gin.Context) {
	r, ok := api.ready.report(c.Request.Context())
	if api.draining() {
		r.Status, ok = "draining", false
	}
	status := http.StatusOK
	if !ok {
		status = http.StatusServiceUnavailable
		c.Header("Retry-After", "1")
	}
	api.writeJSON(c, status, "application/json", r)
}

// readiness runs the checks, at most once in checkEvery.
type readiness struct {
	checks []Check

	mu   sync.Mutex
	at   time.Time
	last []error
}

func (r *readiness) report(ctx context.Context) (readyResponse, bool) {
	errs := r.results(context.WithoutCancel(ctx)) // others share them
	out := readyResponse{Status: "ready", Dependencies: make(map[string]dependencyState, len(errs))}
	ok := true
	for i, check := range r.checks {
		state := dependencyState{Status: "up", Required: check.Required}
		if errs[i] != nil {
			state.Status = "down"
			ok = ok && !check.Required
		}
		out.Dependencies[check.Name] = state
	}
	if !ok {
		out.Status = "unready"
	}
	return out, ok
}

// results are those of the checks, in their order. Callers never change them.
func (r *readiness) results(ctx context.Context) []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil && time.Since(r.at) < checkEvery {
		return r.last
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	errs := make([]error, len(r.checks))
	var wg sync.WaitGroup
	for i, check := range r.checks {
		wg.Go(func() { errs[i] = check.Up(ctx) })
	}
	wg.Wait()
	r.at, r.last = time.Now(), errs
	return errs
}
