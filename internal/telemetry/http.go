package telemetry

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxHTTPSeries bounds the combinations of route, method and code. The router
// has fewer; the bound holds if a caller ever passes a path instead.
const maxHTTPSeries = 400

// httpMetrics finds the series of a request without building its labels again.
type httpMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	limited  map[string]prometheus.Counter
	aborted  map[string]prometheus.Counter

	known  sync.Map // httpKey → httpSeries
	series atomic.Int64
}

type httpKey struct {
	route, method string
	code          int
}

type httpSeries struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

func newHTTPMetrics(f factory) *httpMetrics {
	return &httpMetrics{
		requests: f.counters("http_requests_total", "HTTP requests.", "route", "method", "code"),
		seconds:  f.histograms("http_request_duration_seconds", "Time from a request's headers to the end of its reply.", latencyBuckets[:], "route", "method"),
		inFlight: f.gauges("http_requests_in_flight", "HTTP requests under way.").WithLabelValues(),
		limited:  counters(f.counters("http_rate_limited_total", "Requests refused by a rate limit, by whose limit it is.", "scope"), limitScopes[:]),
		aborted:  counters(f.counters("http_stream_aborted_total", "Streamed answers that had begun and ended without their end: their client left or did not read, or what they were waiting for failed.", "reason"), streamAborts[:]),
	}
}

func (h *httpMetrics) of(key httpKey) httpSeries {
	if s, ok := h.known.Load(key); ok {
		return s.(httpSeries)
	}
	k := key
	if k.route == "" || h.series.Load() >= maxHTTPSeries {
		k.route = other
	}
	switch k.method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		k.method = other
	}
	code := other
	if 100 <= k.code && k.code <= 599 {
		code = strconv.Itoa(k.code)
	}
	s := httpSeries{h.requests.WithLabelValues(k.route, k.method, code), h.seconds.WithLabelValues(k.route, k.method)}
	if k == key { // only what needed no change is bounded, and so may be remembered
		if _, loaded := h.known.LoadOrStore(key, s); !loaded {
			h.series.Add(1)
		}
	}
	return s
}

// InFlight counts requests under way: 1 when one begins, -1 when it ends.
func (t *Telemetry) InFlight(delta int) { t.metrics.http.inFlight.Add(float64(delta)) }

// Request records one HTTP request. The route is the router's pattern, empty
// when none matched.
func (t *Telemetry) Request(route, method string, code int, took time.Duration) {
	s := t.metrics.http.of(httpKey{route, method, code})
	s.requests.Inc()
	s.seconds.Observe(took.Seconds())
}

// RateLimited records a request that a rate limit refused: whose, and why.
func (t *Telemetry) RateLimited(scope, reason string) {
	pick(t.metrics.http.limited, scope, other).Inc()
	t.tellRefused(reason)
}

// StreamAborted records a streamed answer that ended without its end.
func (t *Telemetry) StreamAborted(reason string) { pick(t.metrics.http.aborted, reason, other).Inc() }
