package telemetry

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// directions are where masked texts come from: customers, and tools on their way
// to them.
var directions = [...]string{"in", "out"}

type maskedKey struct{ typ, direction string }

func detections(f factory, types []string) map[maskedKey]prometheus.Counter {
	found := f.counters("kefu_pii_detections_total", "Personal data and credentials that were masked, each value once a text. Direction: in from customers, out from tools. Other: the operator's own patterns.", "type", "direction")
	m := map[maskedKey]prometheus.Counter{}
	for _, direction := range directions {
		m[maskedKey{other, direction}] = found.WithLabelValues(other, direction)
		for _, typ := range types {
			m[maskedKey{typ, direction}] = found.WithLabelValues(strings.ToLower(typ), direction)
		}
	}
	return m
}

// Masked records how many values of a type of personal data a text had.
func (t *Telemetry) Masked(typ, direction string, values int) {
	if c := pick(t.metrics.masked, maskedKey{typ, direction}, maskedKey{other, direction}); c != nil {
		c.Add(float64(values))
	}
}
