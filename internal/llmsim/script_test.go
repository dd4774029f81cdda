package llmsim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kefu/internal/llmsim"
)

const hello = `{"model":"m","messages":[{"role":"user","content":"Hello"}]}`

func TestCallsTakeTheStepsOfTheScriptInOrder(t *testing.T) {
	sim, server := start(t, llmsim.Config{Failures: llmsim.Failures{"500": 1}})
	status, body := put(t, server, "/sim/script", `[{"fault":"429","retry_after":3},{},{"model":"other","fault":"401"},{"fault":"503"}]`)
	if status != http.StatusOK {
		t.Fatalf("PUT = %d %s", status, body)
	}
	for call, want := range []int{429, 200, 503, 500} { // the last by the configuration
		reply := post(t, server, hello)
		if reply.StatusCode != want {
			t.Errorf("call %d has status %d, want %d", call+1, reply.StatusCode, want)
		}
		if after := reply.Header.Get("Retry-After"); (after == "3") != (want == 429) {
			t.Errorf("call %d: Retry-After = %q", call+1, after)
		}
	}
	if left := sim.ScriptLeft(); len(left) != 1 || left[0].Model != "other" {
		t.Errorf("left = %+v, want the step for the other model", left)
	}
	if got := post(t, server, strings.Replace(hello, `"m"`, `"other"`, 1)).StatusCode; got != 401 {
		t.Errorf("the other model's call has status %d, want 401", got)
	}
	_, shown := put(t, server, "/sim/script", `[]`)
	if shown != "[]\n" {
		t.Errorf("an empty script is shown as %q", shown)
	}
}

func TestAMalformedRequestTakesNoStep(t *testing.T) {
	sim, server := start(t, llmsim.Config{})
	if err := sim.Script(llmsim.Step{Fault: "503"}); err != nil {
		t.Fatal(err)
	}
	post(t, server, `{"model":"m","messages":[]}`)
	if len(sim.ScriptLeft()) != 1 {
		t.Error("a malformed request took the step")
	}
}

func TestEachStepIsTakenOnce(t *testing.T) {
	sim, server := start(t, llmsim.Config{})
	steps := make([]llmsim.Step, 50)
	for i := range steps {
		steps[i].Fault = "503"
	}
	if err := sim.Script(steps...); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 10 {
				post(t, server, hello)
			}
		})
	}
	wg.Wait()
	if by := sim.Stats().ByStatus; by["503"] != 50 || by["200"] != 50 {
		t.Errorf("statuses = %v, want 50 failures of 100", by)
	}
}

func TestABadScriptIsRefusedAndChangesNothing(t *testing.T) {
	tests := []struct{ name, body, says string }{
		{"unknown fault", `[{"fault":"explode"}]`, "hang, html, stall, truncate"},
		{"unknown field", `[{"failure":"429"}]`, "failure"},
		{"status that is none", `[{},{"fault":"200"}]`, "step 2"},
		{"bad latency", `[{"latency":"soon"}]`, "fixed:50ms"},
		{"bad mode", `[{"mode":"lie"}]`, "faithful"},
		{"no list", `{}`, "cannot unmarshal"},
		{"two values", `[] []`, "more than one"},
	}
	sim, server := start(t, llmsim.Config{})
	if err := sim.Script(llmsim.Step{Fault: "html"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := put(t, server, "/sim/script", tt.body)
			if status != http.StatusBadRequest || !strings.Contains(body, tt.says) {
				t.Errorf("PUT = %d %s, want 400 naming %q", status, body, tt.says)
			}
			if left := sim.ScriptLeft(); len(left) != 1 || left[0].Fault != "html" {
				t.Errorf("script = %+v, want the old one", left)
			}
		})
	}
}

func TestAStepIsSlowForItsCallAlone(t *testing.T) {
	sim, server := start(t, llmsim.Config{})
	if status, body := put(t, server, "/sim/script", `[{"latency":"fixed:80ms"}]`); status != http.StatusOK {
		t.Fatal(body)
	}
	post(t, server, hello)
	post(t, server, hello)
	log := sim.Log()
	if log[0].Milliseconds < 80 || log[1].Milliseconds >= 80 {
		t.Errorf("calls took %v and %v ms, want only the first to take 80", log[0].Milliseconds, log[1].Milliseconds)
	}
}

func TestAStalledStreamSendsKeepAlivesUntilTheClientLeaves(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			sim, server := start(t, llmsim.Config{})
			if err := sim.Script(llmsim.Step{Fault: "stall", CutAfter: 2}); err != nil {
				t.Fatal(err)
			}
			ctx, leave := context.WithTimeout(t.Context(), 5*time.Second)
			defer leave()
			resp := p.call(t, ctx, server, true)
			defer resp.Body.Close()
			var got strings.Builder
			for strings.Count(got.String(), p.keepAlive) < 3 {
				if _, err := io.CopyN(&got, resp.Body, 1); err != nil {
					t.Fatalf("%v after %s", err, got.String())
				}
			}
			if !strings.Contains(got.String(), `" How"`) || strings.Contains(got.String(), `" can"`) {
				t.Errorf("stream = %s, want two tokens", got.String())
			}
			leave()
			waitFor(t, func() bool { return sim.Stats().ByOutcome[llmsim.Cancelled] == 1 })
			if e := sim.Log()[0]; e.CompletionTokens != 2 {
				t.Errorf("log = %+v, want two tokens", e)
			}
		})
	}
}

func TestReleaseCutsWhatStalls(t *testing.T) {
	sim, server := start(t, llmsim.Config{})
	if err := sim.Script(llmsim.Step{Fault: "stall"}, llmsim.Step{Fault: "stall"}); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []bool{false, true} {
		resp := protocols[0].call(t, t.Context(), server, stream)
		defer resp.Body.Close()
		if stream {
			sim.Release()
		}
	}
	waitFor(t, func() bool { return sim.Stats().ByOutcome[llmsim.Cut] == 2 })
}

func ExampleSim_Script() {
	sim, err := llmsim.New(llmsim.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = sim.Script(llmsim.Step{Fault: "429", RetryAfter: 1}, llmsim.Step{Fault: "disconnect", CutAfter: 5}, llmsim.Step{})
	fmt.Println(len(sim.ScriptLeft()), err)
	// Output: 3 <nil>
}
