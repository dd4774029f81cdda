package telemetry

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"kefu/internal/desk"
)

var (
	toolOutcomes = [...]desk.ToolOutcome{
		desk.ToolDone, desk.ToolFailed, desk.ToolInvalid, desk.ToolTimeout, desk.ToolError, desk.ToolUnknown, desk.ToolWaiting,
	}
	loopStops = [...]desk.LoopStop{
		desk.StopAnswered, desk.StopSteps, desk.StopCalls, desk.StopTime, desk.StopAttempts, desk.StopMalformed,
		desk.StopConfirmation, desk.StopFailed,
	}
	stepBuckets = [...]float64{1, 2, 3, 4, 6, 8, 12, 20} // calls of a model, not seconds
)

// toolMetrics are the series of tools and of the loops that use them.
type toolMetrics struct {
	calls   map[toolKey]prometheus.Counter
	seconds map[string]prometheus.Observer
	steps   prometheus.Observer
	stopped map[desk.LoopStop]prometheus.Counter
}

type toolKey struct {
	tool    string
	outcome desk.ToolOutcome
}

func newToolMetrics(f factory, tools []string) *toolMetrics {
	m := &toolMetrics{calls: map[toolKey]prometheus.Counter{}, stopped: map[desk.LoopStop]prometheus.Counter{}}
	calls := f.counters("kefu_tool_calls_total", "Uses of tools by how they ended.", "tool", "outcome")
	for _, tool := range append(slices.Clone(tools), other) {
		for _, o := range toolOutcomes {
			m.calls[toolKey{tool, o}] = calls.WithLabelValues(tool, string(o))
		}
	}
	m.seconds = observers(f.histograms("kefu_tool_seconds", "Time of one use of a tool.", latencyBuckets[:], "tool"), tools)
	m.steps = f.histograms("kefu_agent_steps", "Calls of a model for one answer with tools.", stepBuckets[:]).WithLabelValues()
	stopped := f.counters("kefu_agent_stopped_total", "Answers with tools by why no more tools were used.", "reason")
	for _, why := range loopStops {
		m.stopped[why] = stopped.WithLabelValues(string(why))
	}
	return m
}

// ToolUsed records one use of a tool that has ended, or waits for the customer.
func (t *Telemetry) ToolUsed(u desk.ToolUse) {
	m := t.metrics.tools
	name := u.Tool
	if _, known := m.seconds[name]; !known {
		name = other
	}
	if c, ok := m.calls[toolKey{name, u.Outcome}]; ok {
		c.Inc()
	}
	if u.Duration > 0 { // it was used
		m.seconds[name].Observe(u.Duration.Seconds())
	}
	if t.feed.heard() {
		t.feed.tell(desk.OpsEvent{Kind: desk.OpsTool, Name: name, Outcome: string(u.Outcome), LatencyMS: ms(u.Duration)})
	}
}

// LoopEnded records how an answer with tools came to its end.
func (t *Telemetry) LoopEnded(why desk.LoopStop, steps int) {
	m := t.metrics.tools
	m.steps.Observe(float64(steps))
	if c, ok := m.stopped[why]; ok {
		c.Inc()
	}
}
