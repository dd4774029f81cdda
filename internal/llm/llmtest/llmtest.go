// Package llmtest is the contract of llm.Provider as a test: every adapter
// passes it against the simulated vendor, over real HTTP.
package llmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
	"kefu/internal/llmsim"
)

// What must never be found in an error.
const (
	SecretKey    = "sk-secret-key-123"
	SecretPrompt = "where is my parcel from Alice"
	SecretBody   = "vendor's private words"
)

// Model and Name are what failures say about the provider under test.
const (
	Model = "sim-small"
	Name  = "acme"
)

// Dial makes the provider under test, named Name, for the vendor at server
// ("http://host:port"). It must use client and SecretKey.
type Dial func(server string, client *http.Client) llm.Provider

// Call is a question that the simulated vendor answers in more than ten tokens.
func Call(stream bool) llm.Call {
	return llm.Call{
		Model: Model, Stream: stream, MaxTokens: 100, Purpose: desk.PurposeAnswer,
		Prompt: llm.Prompt{
			System: "Answer.", Question: SecretPrompt, Lang: desk.English,
			Sources: []desk.Passage{{Title: "Shipping", Chunk: desk.Chunk{
				Text: "A parcel from Alice is delivered within three to five working days, except on public holidays.",
			}}},
		},
	}
}

const answer = "A parcel from Alice is delivered within three to five working days, except on public holidays. [1]"

// Provider runs the contract.
func Provider(t *testing.T, dial Dial) {
	v := &vendor{dial: dial}
	t.Run("replies", v.replies)
	t.Run("failures before anything was seen", v.failures)
	t.Run("failures within a stream", v.broken)
	t.Run("leaving", v.leaving)
	t.Run("connections that give no reply", v.connections)
	t.Run("a reply without end", v.endless)
	t.Run("many at once", v.concurrent)
	t.Run("checks", v.checks)
}

// vendor starts simulated vendors and dials them.
type vendor struct{ dial Dial }

func (v *vendor) start(t *testing.T, steps ...llmsim.Step) (*llmsim.Sim, llm.Provider) {
	t.Helper()
	sim, err := llmsim.New(llmsim.Config{})
	if err == nil {
		err = sim.Script(steps...)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	client := wire.NewHTTPClient(0)
	t.Cleanup(func() { sim.Release(); client.CloseIdleConnections(); server.Close() })
	return sim, v.dial(server.URL, client)
}

func (v *vendor) replies(t *testing.T) {
	for _, stream := range []bool{false, true} {
		sim, p := v.start(t)
		r, err := p.Start(t.Context(), Call(stream))
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Text()
		if text != answer || err != nil {
			t.Errorf("stream %t: Text = %q, %v, want %q", stream, text, err, answer)
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("stream %t: Next after the end = %v, want io.EOF", stream, err)
		}
		for range 2 {
			if err := r.Close(); err != nil {
				t.Errorf("stream %t: Close = %v", stream, err)
			}
		}
		billed := sim.Log()[0]
		if want := (desk.Usage{Prompt: billed.PromptTokens, Completion: billed.CompletionTokens}); r.Usage() != want {
			t.Errorf("stream %t: usage = %+v, the vendor bills %+v", stream, r.Usage(), want)
		}
		if billed.Stream != stream || billed.Model != Model {
			t.Errorf("stream %t: the vendor's log = %+v", stream, billed)
		}

		short := Call(stream)
		short.MaxTokens = 3
		if text, err := whole(p.Start(t.Context(), short)); text != "A parcel from" || err != nil {
			t.Errorf("stream %t: bounded at 3 tokens: %q, %v", stream, text, err)
		}
	}
}

func (v *vendor) failures(t *testing.T) {
	tests := []struct {
		step            llmsim.Step
		whole, streamed llm.FailureKind // "": not asked for
		after           time.Duration
	}{
		{llmsim.Step{Fault: "429", RetryAfter: 7}, llm.RateLimited, llm.RateLimited, 7 * time.Second},
		{llmsim.Step{Fault: "429"}, llm.RateLimited, llm.RateLimited, 0},
		{llmsim.Step{Fault: "insufficient_quota"}, llm.QuotaExhausted, llm.QuotaExhausted, 0},
		{llmsim.Step{Fault: "context_length_exceeded"}, llm.ContextTooLong, llm.ContextTooLong, 0},
		{llmsim.Step{Fault: "content_policy_violation"}, llm.Refused, llm.Refused, 0},
		{llmsim.Step{Fault: "invalid_api_key"}, llm.Unauthorised, llm.Unauthorised, 0},
		{llmsim.Step{Fault: "403"}, llm.Unauthorised, llm.Unauthorised, 0},
		{llmsim.Step{Fault: "model_not_found"}, llm.ModelGone, llm.ModelGone, 0},
		{llmsim.Step{Fault: "400"}, llm.BadRequest, llm.BadRequest, 0},
		{llmsim.Step{Fault: "413"}, llm.ContextTooLong, llm.ContextTooLong, 0},
		{llmsim.Step{Fault: "500"}, llm.Unavailable, llm.Unavailable, 0},
		{llmsim.Step{Fault: "503", RetryAfter: 2}, llm.Unavailable, llm.Unavailable, 2 * time.Second},
		{llmsim.Step{Fault: "529", RetryAfter: 3}, llm.Unavailable, llm.Unavailable, 3 * time.Second},
		{llmsim.Step{Fault: "html"}, llm.InvalidReply, llm.InvalidReply, 0},
		{llmsim.Step{Fault: "truncate", CutAfter: -1}, llm.InvalidReply, "", 0}, // an empty body; some streams have begun by then
		{llmsim.Step{Fault: "disconnect", CutAfter: -1}, llm.Cut, llm.Cut, 0},
		{llmsim.Step{Fault: "error", CutAfter: -1}, llm.InvalidReply, llm.Unavailable, 0},
	}
	for _, tt := range tests {
		for stream, want := range map[bool]llm.FailureKind{false: tt.whole, true: tt.streamed} {
			if want == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s, stream %t", tt.step.Fault, stream), func(t *testing.T) {
				sim, p := v.start(t, tt.step)
				_, err := p.Start(t.Context(), Call(stream))
				f, ok := errors.AsType[*llm.Failure](err)
				if !ok || f.Kind != want || f.RetryAfter != tt.after {
					t.Fatalf("Start = %v, want kind %s, to wait %s", err, want, tt.after)
				}
				if f.Provider != Name || f.Model != Model {
					t.Errorf("failure = %+v, want it to name %s and %s", f, Name, Model)
				}
				status := sim.Log()[0].Status
				if status == http.StatusOK && f.Status != 0 || status != http.StatusOK && f.Status != status {
					t.Errorf("failure has status %d, the vendor sent %d", f.Status, status)
				}
				if n := len(sim.Log()); n != 1 {
					t.Errorf("the vendor was called %d times: an adapter never retries", n)
				}
				Private(t, err)
			})
		}
	}
}

func (v *vendor) broken(t *testing.T) {
	for fault, want := range map[string]llm.FailureKind{
		"truncate": llm.Cut, "disconnect": llm.Cut, "error": llm.Unavailable,
	} {
		t.Run(fault, func(t *testing.T) {
			_, p := v.start(t, llmsim.Step{Fault: fault, CutAfter: 5})
			r, err := p.Start(t.Context(), Call(true))
			if err != nil {
				t.Fatal(err)
			}
			text, err := r.Text()
			if text == "" || !strings.HasPrefix(answer, text) || llm.KindOf(err) != want {
				t.Errorf("Text = %q, %v, want the beginning and kind %s", text, err, want)
			}
			if _, again := r.Next(); llm.KindOf(again) != want {
				t.Errorf("Next after the failure = %v, want it again", again)
			}
			Private(t, err)
		})
	}
	t.Run("a body that ends early is a cut", func(t *testing.T) {
		_, p := v.start(t, llmsim.Step{Fault: "truncate"}, llmsim.Step{Fault: "disconnect"})
		for range 2 {
			if _, err := p.Start(t.Context(), Call(false)); llm.KindOf(err) != llm.Cut {
				t.Errorf("Start = %v, want a cut", err)
			}
		}
	})
}

func (v *vendor) leaving(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	late, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	limited, limit := context.WithCancelCause(t.Context())
	limit(errors.New("attempt limit"))
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want llm.FailureKind
	}{
		{"the caller left before", gone, llm.Cancelled},
		{"a deadline passed", late, llm.TimedOut},
		{"a limit of ours passed", limited, llm.TimedOut},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %t", tt.name, stream), func(t *testing.T) {
				_, p := v.start(t, llmsim.Step{Fault: "hang"})
				if _, err := p.Start(tt.ctx, Call(stream)); llm.KindOf(err) != tt.want {
					t.Errorf("Start = %v, want kind %s", err, tt.want)
				}
			})
		}
	}
	t.Run("the caller leaves a stream", func(t *testing.T) {
		sim, p := v.start(t, llmsim.Step{Fault: "stall", CutAfter: 3})
		ctx, leave := context.WithCancel(t.Context())
		r, err := p.Start(ctx, Call(true))
		if err != nil {
			t.Fatal(err)
		}
		leave()
		text, err := r.Text()
		if !strings.HasPrefix(answer, text) || llm.KindOf(err) != llm.Cancelled {
			t.Errorf("Text = %q, %v, want cancelled", text, err)
		}
		hungUp(t, sim)
	})
	t.Run("a reply that is closed hangs up", func(t *testing.T) {
		sim, p := v.start(t, llmsim.Step{Fault: "stall", CutAfter: 3})
		r, err := p.Start(t.Context(), Call(true))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		hungUp(t, sim)
	})
}

// hungUp waits until the vendor has noticed, which must take less than a
// second: there is no event to wait for across a network.
func hungUp(t *testing.T, sim *llmsim.Sim) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for sim.Stats().ByOutcome[llmsim.Cancelled] == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the vendor still writes after a second")
		}
	}
}

func (v *vendor) concurrent(t *testing.T) {
	_, p := v.start(t)
	var wg sync.WaitGroup
	for n := range 32 {
		wg.Go(func() {
			if text, err := whole(p.Start(t.Context(), Call(n%2 == 0))); text != answer || err != nil {
				t.Errorf("Text = %q, %v, want %q", text, err, answer)
			}
		})
	}
	wg.Wait()
}

func whole(r *llm.Reply, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return r.Text()
}

// Private fails t when an error holds what must not reach a log.
func Private(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{SecretKey, SecretPrompt, SecretBody} {
		if text := fmt.Sprintf("%v %+v", err, errors.Unwrap(err)); strings.Contains(text, secret) {
			t.Errorf("error %q holds %q", text, secret)
		}
	}
}
