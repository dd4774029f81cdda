package main_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sashabaranov/go-openai"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// The provider says one word and then nothing for ten minutes: whatever holds words
// back would hold this one back.
func TestTheFirstWordsLeaveAtOnce(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := newShop(t, vendor.Env()...)
	server := site.Serve()
	var slow llmsim.Config
	if err := slow.TokenInterval.UnmarshalText([]byte("fixed:10m")); err != nil {
		t.Fatal(err)
	}
	vendor.Behave(slow)
	for name, ask := range map[string]func(context.Context, func(string)){
		"of an answer": func(ctx context.Context, hear func(string)) {
			_, _ = server.Stream(ctx, simpleEN, func(e e2e.Event) {
				if e.Type == "delta" {
					hear(string(e.Data))
				}
			})
		},
		"of a completion": func(ctx context.Context, hear func(string)) {
			stream, err := openAI(server).CreateChatCompletionStream(ctx, chat(simpleZH))
			if err != nil {
				t.Errorf("completion: %v", err)
				return
			}
			defer stream.Close()
			for {
				chunk, err := stream.Recv()
				if err != nil {
					return
				}
				hear(chunk.Choices[0].Delta.Content)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, leave := context.WithTimeout(t.Context(), time.Minute)
			defer leave()
			var heard strings.Builder
			ask(ctx, func(text string) {
				heard.WriteString(text)
				if heard.Len() > 0 {
					leave()
				}
			})
			if heard.Len() == 0 {
				t.Error("nothing was heard while the provider went on")
			}
		})
	}
	took := e2e.Eventually(t, "nobody listens and the calls have ended", func() bool { return vendor.Stats().InFlight == 0 })
	if site.Late(took, time.Second*e2e.Slowdown) {
		t.Errorf("the calls ended after %v, want within a second", took)
	}
}

func TestAnAnswerFromTheCacheIsStreamedToo(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	server := newShop(t, vendor.Env()...).Serve()
	for _, question := range []string{simpleEN, complexZH} {
		var ids []string
		composed, err := server.Stream(t.Context(), question, func(e e2e.Event) { ids = append(ids, e.ID) })
		if err != nil || composed.Done == nil || composed.Done.CacheHit {
			t.Fatalf("first: %+v %v", composed, err)
		}
		for i, id := range ids {
			if id != strconv.Itoa(i+1) {
				t.Errorf("ids = %v, want them numbered from 1", ids)
				break
			}
		}
		made := len(vendor.Log())
		cached, err := server.Stream(t.Context(), question, nil)
		if err != nil || cached.Done == nil || !cached.Done.CacheHit || cached.Done.TokensUsed != 0 || cached.Text != composed.Text {
			t.Errorf("again: %+v %v, want %q from the cache, free", cached, err, composed.Text)
		}
		if !slices.Equal(slices.Compact(cached.Types), []string{"meta", "delta", "citation", "usage", "done"}) {
			t.Errorf("events of a cached answer = %v", cached.Types)
		}
		if len(vendor.Log()) != made {
			t.Error("the provider was asked again")
		}
	}
}

// go-openai takes a stream that merely ends for a whole one: what is broken off
// has to be an error to its users.
func TestAnOpenAIClientIsToldThatAStreamBrokeOff(t *testing.T) {
	t.Parallel()
	s := newFaultyShop(t)
	script(t, s.first, llmsim.Step{Fault: "disconnect", CutAfter: 3})
	stream, err := openAI(s.Server).CreateChatCompletionStream(t.Context(), chat(s.question()))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var text strings.Builder
	for err == nil {
		var chunk openai.ChatCompletionStreamResponse
		if chunk, err = stream.Recv(); err == nil {
			text.WriteString(chunk.Choices[0].Delta.Content)
		}
	}
	var broken *openai.APIError
	if errors.Is(err, io.EOF) || !errors.As(err, &broken) || broken.Message == "" {
		t.Errorf("stream ended with %v, want an error", err)
	}
	if told := text.String(); told == "" || !strings.HasPrefix(thirtyDays, told) || told == thirtyDays {
		t.Errorf("told %q, want the beginning of the answer", told)
	}
	s.recovers()
}

func openAI(server *e2e.Server) *openai.Client {
	cfg := openai.DefaultConfig("unused")
	cfg.BaseURL, cfg.HTTPClient = server.URL+"/v1", server.Client
	return openai.NewClientWithConfig(cfg)
}

func chat(question string) openai.ChatCompletionRequest {
	return openai.ChatCompletionRequest{Model: "kefu-auto", Messages: []openai.ChatCompletionMessage{{Role: "user", Content: question}}}
}

// The offline model finds a page that speaks of it, and no sentence that answers.
func TestAStreamedQuestionWithoutAnAnswerEndsLikeAWholeOne(t *testing.T) {
	t.Parallel()
	site := e2e.NewSite(t, "KEFU_KNOWLEDGE_PATH=none")
	site.Write("docs/lamp.md", "# The Aurora lamp\n\nThe Aurora lamp is a lamp for the desk. It comes in white and in black.\n")
	site.Must("kb", "load", "docs")
	server := site.Serve()
	told, err := server.Stream(t.Context(), "How much does the Aurora lamp weigh?", nil)
	if err != nil || told.Done == nil {
		t.Fatalf("%+v %v", told, err)
	}
	whole := server.Ask("How much does the Aurora lamp weigh, please?")
	for name, a := range map[string]e2e.Answer{"streamed": *told.Done, "whole": whole} {
		if a.Grounded || a.Handoff == nil || a.Handoff.Reason != "no_answer" || len(a.Handoff.Pages) != 1 || a.Handoff.Pages[0].Title != "The Aurora lamp" {
			t.Errorf("%s: %+v, want no answer, and the page", name, a)
		}
	}
	if told.Text != whole.Answer {
		t.Errorf("streamed %q, whole %q", told.Text, whole.Answer)
	}
}
