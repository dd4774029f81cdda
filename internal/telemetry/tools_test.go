package telemetry

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"kefu/internal/desk"
)

func TestToolsAreCountedUnderTheirConfiguredNamesAlone(t *testing.T) {
	tel, err := New(Config{Tools: []string{"order_status"}})
	if err != nil {
		t.Fatal(err)
	}
	defer tel.Close(t.Context())
	tel.ToolUsed(desk.ToolUse{Tool: "order_status", Outcome: desk.ToolDone, Duration: time.Second})
	tel.ToolUsed(desk.ToolUse{Tool: "what a model made up", Outcome: desk.ToolInvalid})
	tel.LoopEnded(desk.StopSteps, 6)
	m := tel.metrics.tools
	for key, want := range map[toolKey]float64{{"order_status", desk.ToolDone}: 1, {other, desk.ToolInvalid}: 1, {"order_status", desk.ToolError}: 0} {
		if got := testutil.ToFloat64(m.calls[key]); got != want {
			t.Errorf("%v = %v, want %v", key, got, want)
		}
	}
	if got := testutil.ToFloat64(m.stopped[desk.StopSteps]); got != 1 {
		t.Errorf("stopped = %v, want 1", got)
	}
}
