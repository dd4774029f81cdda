package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServesUntilToldToStopAlsoWithRequestsThatHang(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	progress, stderr := io.Pipe()
	exit := make(chan int, 1)
	go func() {
		exit <- run(ctx, []string{"--addr", "127.0.0.1:0", "--hang", "1"}, io.Discard, stderr)
		stderr.Close()
	}()
	line, err := bufio.NewReader(progress).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, progress) //nolint:errcheck // ends with the pipe
	base := regexp.MustCompile(`http://[0-9.:]+`).FindString(line)

	hung := make(chan error, 1)
	go func() {
		resp, err := http.Post(base+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"Hello"}]}`))
		if err == nil {
			resp.Body.Close()
		}
		hung <- err
	}()
	for inFlight := false; !inFlight; {
		resp, err := http.Get(base + "/sim/stats")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		inFlight = strings.Contains(string(body), `"in_flight": 1`)
	}
	stop()
	if code := <-exit; code != 0 {
		t.Errorf("exit = %d, want 0", code)
	}
	if err := <-hung; err == nil {
		t.Error("a request that hangs was answered")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestUsageErrorsExitWith2AndSayWhatIsAllowed(t *testing.T) {
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"unknown flag", []string{"--latancy", "1s"}, "-latancy"},
		{"bad distribution", []string{"--latency", "1s"}, "uniform:20ms-80ms"},
		{"bad failures", []string{"--fail", "429"}, "429:0.1"},
		{"bad mode", []string{"--mode", "lie"}, "faithful, fabricate, miscite, refuse"},
		{"impossible probabilities", []string{"--hang", "0.7", "--html", "0.7"}, "add up"},
		{"stray argument", []string{"serve"}, `"serve"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr strings.Builder
			if code := run(t.Context(), tt.args, io.Discard, &stderr); code != exitUsage || !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("exit = %d, stderr = %q; want %d naming %s", code, stderr.String(), exitUsage, tt.says)
			}
		})
	}
}

func TestUnusableAddressExitsWith1(t *testing.T) {
	var stderr strings.Builder
	if code := run(t.Context(), []string{"--addr", "256.0.0.1:1"}, io.Discard, &stderr); code != exitFailure || !strings.Contains(stderr.String(), "listen") {
		t.Errorf("exit = %d, stderr = %q", code, stderr.String())
	}
}

func TestHelpListsEveryFlagOnStdout(t *testing.T) {
	var stdout strings.Builder
	if code := run(t.Context(), []string{"--help"}, &stdout, io.Discard); code != 0 {
		t.Errorf("exit = %d, want 0", code)
	}
	for _, name := range []string{"-addr", "-mode", "-latency", "-token-interval", "-length", "-fail", "-retry-after", "-hang", "-truncate", "-disconnect", "-html", "-cut-after", "-fault-models", "-log-size", "/sim/config"} {
		if !strings.Contains(stdout.String(), name) {
			t.Errorf("help does not mention %s", name)
		}
	}
}
