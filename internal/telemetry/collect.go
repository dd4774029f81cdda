package telemetry

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// databaseWithin bounds how long a scrape waits for what the database knows.
const databaseWithin = time.Second

// CollectRedis exports the statistics of a Redis client's pool, read at each
// scrape. It is called at most once.
func (t *Telemetry) CollectRedis(stats func() *redis.PoolStats) {
	t.registry.MustRegister(poolCollector{stats})
}

type poolCollector struct{ stats func() *redis.PoolStats }

var (
	poolConnections = prometheus.NewDesc("kefu_redis_pool_connections", "Connections to Redis.", []string{"state"}, nil)
	poolRequests    = prometheus.NewDesc("kefu_redis_pool_requests_total", "Connections asked of the pool: found idle, opened anew, or not given in time.", []string{"result"}, nil)
	poolStale       = prometheus.NewDesc("kefu_redis_pool_stale_total", "Connections to Redis that were closed because they had become stale.", nil, nil)
)

func (c poolCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- poolConnections
	ch <- poolRequests
	ch <- poolStale
}

func (c poolCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	idle := min(s.IdleConns, s.TotalConns)
	ch <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(idle), "idle")
	ch <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(s.TotalConns-idle), "used")
	ch <- prometheus.MustNewConstMetric(poolRequests, prometheus.CounterValue, float64(s.Hits), "hit")
	ch <- prometheus.MustNewConstMetric(poolRequests, prometheus.CounterValue, float64(s.Misses), "miss")
	ch <- prometheus.MustNewConstMetric(poolRequests, prometheus.CounterValue, float64(s.Timeouts), "timeout")
	ch <- prometheus.MustNewConstMetric(poolStale, prometheus.CounterValue, float64(s.StaleConns))
}

// CollectAdmission exports how many answers may be composed at a time, how many
// are, and how many questions wait, read at each scrape. It is called at most
// once.
func (t *Telemetry) CollectAdmission(state func() (places, inside, waiting int)) {
	t.registry.MustRegister(admissionCollector{state})
}

type admissionCollector struct {
	state func() (places, inside, waiting int)
}

var (
	admissionPlaces  = prometheus.NewDesc("kefu_admission_places", "Answers that may be composed at a time.", nil, nil)
	admissionInside  = prometheus.NewDesc("kefu_admission_inside", "Answers that are being composed.", nil, nil)
	admissionWaiting = prometheus.NewDesc("kefu_admission_waiting", "Questions that wait for a place.", nil, nil)
)

func (c admissionCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- admissionPlaces
	ch <- admissionInside
	ch <- admissionWaiting
}

func (c admissionCollector) Collect(ch chan<- prometheus.Metric) {
	places, inside, waiting := c.state()
	ch <- prometheus.MustNewConstMetric(admissionPlaces, prometheus.GaugeValue, float64(places))
	ch <- prometheus.MustNewConstMetric(admissionInside, prometheus.GaugeValue, float64(inside))
	ch <- prometheus.MustNewConstMetric(admissionWaiting, prometheus.GaugeValue, float64(waiting))
}

// CollectDropped adds a sink's own count of the records that it dropped, read
// at each scrape.
func (t *Telemetry) CollectDropped(sink string, total func() uint64) {
	d := t.metrics.drops
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.observed[sink]; !ok {
		sink = other
	}
	d.counted[sink] = total
}

// drops is one counter fed from two sides: by observations and by sinks that
// count for themselves.
type drops struct {
	observed map[string]*atomic.Uint64 // by sink; the map never changes

	mu      sync.Mutex
	counted map[string]func() uint64
}

func newDrops() *drops {
	d := &drops{observed: map[string]*atomic.Uint64{}, counted: map[string]func() uint64{}}
	for _, sink := range sinks {
		d.observed[sink] = new(atomic.Uint64)
	}
	return d
}

var dropsDesc = prometheus.NewDesc("kefu_telemetry_dropped_total", "Records that did not reach where they are kept.", []string{"sink"}, nil)

func (d *drops) Describe(ch chan<- *prometheus.Desc) { ch <- dropsDesc }

func (d *drops) Collect(ch chan<- prometheus.Metric) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for sink, n := range d.observed {
		total := n.Load()
		if counted := d.counted[sink]; counted != nil {
			total += counted()
		}
		ch <- prometheus.MustNewConstMetric(dropsDesc, prometheus.CounterValue, float64(total), sink)
	}
}
