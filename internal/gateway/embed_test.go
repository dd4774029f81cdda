package gateway

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

type fakeEmbedder struct {
	calls  int
	script []outcome // err, after and usage are read
}

func (f *fakeEmbedder) Model() string { return "text-embedding-3-small@1536" }

func (f *fakeEmbedder) Embed(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	o := f.script[min(f.calls, len(f.script)-1)]
	f.calls++
	if err := wait(ctx, o.after); err != nil {
		return llm.Embeddings{}, err
	}
	if o.err != nil {
		return llm.Embeddings{Usage: o.usage}, o.err
	}
	return llm.Embeddings{Vectors: make([][]float32, len(c.Texts)), Usage: o.usage}, nil
}

func embedderOf(t *testing.T, r *recorder, f *fakeEmbedder) llm.Embedder {
	return NewEmbedder(f, EmbedTarget{Provider: "acme"}, Config{Prices: prices(t)}, r)
}

func texts(a *llm.Allowance) llm.EmbedCall {
	return llm.EmbedCall{Texts: []desk.Masked{"hello", "你好"}, Allowance: a}
}

func TestAnEmbeddingIsMetered(t *testing.T) {
	r := &recorder{}
	f := &fakeEmbedder{script: []outcome{{usage: desk.Usage{Prompt: 100}}}}
	e := embedderOf(t, r, f)
	if e.Model() != f.Model() {
		t.Errorf("Model = %s, want that of the embedder", e.Model())
	}
	got, err := e.Embed(t.Context(), texts(grant(r)))
	if err != nil || len(got.Vectors) != 2 {
		t.Fatalf("Embed = %v, %v", got, err)
	}
	row := r.only(t)
	if row.Model != "text-embedding-3-small" || row.Purpose != desk.PurposeEmbed || row.Cost != 2 || row.PromptLength != 7 || row.Worst != 1 {
		t.Errorf("row = %+v", row)
	}
}

func TestUsageOfEmbeddingsThatIsNotReportedIsCounted(t *testing.T) {
	for _, script := range []outcome{{}, fails(llm.InvalidReply)} {
		r := &recorder{}
		embedderOf(t, r, &fakeEmbedder{script: []outcome{script}}).Embed(t.Context(), texts(grant(r)))
		if row := r.only(t); row.Usage != (desk.Usage{Prompt: 3, Estimated: true}) {
			t.Errorf("usage = %+v, want 3 tokens, estimated", row.Usage)
		}
	}
}

func TestAnEmbeddingIsRepeatedOnce(t *testing.T) {
	tests := []struct {
		name  string
		first outcome
		grant func(*llm.Grant)
		calls int
	}{
		{"when the provider was unavailable", fails(llm.Unavailable), within(time.Minute), 2},
		{"and no more", fails(llm.Unavailable), within(time.Minute), 2},
		{"not when the key is refused", fails(llm.Unauthorised), within(time.Minute), 1},
		{"not without an attempt left", fails(llm.Unavailable), func(g *llm.Grant) { g.Attempts = 1 }, 1},
		{"not when the vendor asks for a long wait", outcome{err: &llm.Failure{Kind: llm.RateLimited, RetryAfter: time.Second}}, within(time.Minute), 1},
		{"not when the deadline is near", outcome{err: &llm.Failure{Kind: llm.RateLimited, RetryAfter: 500 * time.Millisecond}}, within(400 * time.Millisecond), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				f := &fakeEmbedder{script: []outcome{tt.first}}
				_, err := embedderOf(t, r, f).Embed(t.Context(), texts(grant(r, tt.grant)))
				if err == nil || f.calls != tt.calls || len(r.ended) != tt.calls {
					t.Errorf("%d calls, %d rows, %v, want %d", f.calls, len(r.ended), err, tt.calls)
				}
			})
		})
	}
}

func TestAHangingEmbedderIsLeft(t *testing.T) {
	for deadline, want := range map[time.Duration]time.Duration{time.Minute: 10 * time.Second, 3 * time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			e := embedderOf(t, r, &fakeEmbedder{script: []outcome{{after: time.Hour}}})
			begin := time.Now()
			_, err := e.Embed(t.Context(), texts(grant(r, within(deadline))))
			if llm.KindOf(err) != llm.TimedOut || time.Since(begin) != want {
				t.Errorf("Embed = %v after %s, want timed out after %s", err, time.Since(begin), want)
			}
		})
	}
}

func TestAnEmbeddingWithoutAllowanceIsNotMade(t *testing.T) {
	r := &recorder{}
	f := &fakeEmbedder{script: []outcome{{}}}
	_, err := embedderOf(t, r, f).Embed(t.Context(), texts(grant(r, func(g *llm.Grant) { g.Attempts = 0 })))
	if !errors.Is(err, llm.ErrNoAttempts) || f.calls != 0 || len(r.attempts) != 0 {
		t.Errorf("Embed = %v after %d calls", err, f.calls)
	}
}

func TestOnlyTheFirstWaitForAnEmbedderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		hangs, works := outcome{after: time.Hour}, outcome{usage: desk.Usage{Prompt: 3}}
		f := &fakeEmbedder{script: []outcome{hangs, hangs, hangs, works}}
		e := NewEmbedder(f, EmbedTarget{Provider: "acme"}, Config{Prices: prices(t), Timeouts: Timeouts{Attempt: 2 * time.Second}}, r)
		begin := time.Now()
		for range 50 {
			if _, err := e.Embed(t.Context(), texts(grant(r, within(time.Minute)))); err == nil {
				t.Fatal("a hanging embedder answered")
			}
		}
		if took := time.Since(begin); took != 6*time.Second || f.calls != 3 {
			t.Errorf("50 questions waited %s in %d calls, want three times 2 s", took, f.calls)
		}
		time.Sleep(30 * time.Second)
		if _, err := e.Embed(t.Context(), texts(grant(r))); err != nil {
			t.Errorf("Embed = %v when it works again", err)
		}
	})
}

func TestEmbeddingsStayWithinTheirLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		f := &fakeEmbedder{script: []outcome{{usage: desk.Usage{Prompt: 3}}}}
		e := NewEmbedder(f, EmbedTarget{Provider: "acme", Limits: Limits{Requests: 60, Tokens: 300}}, Config{Prices: prices(t)}, r)
		begin := time.Now()
		for range 60 {
			e.Embed(t.Context(), texts(grant(r, within(time.Minute))))
		}
		if took := time.Since(begin); f.calls != 60 || took > 0 {
			t.Errorf("%d calls within the limits took %s", f.calls, took)
		}
		// Who embeds documents waits, however long; a customer does not.
		e.Embed(t.Context(), texts(grant(r)))
		if took := time.Since(begin); f.calls != 61 || took != time.Second {
			t.Errorf("call beyond the limit came after %s", took)
		}
		if _, err := e.Embed(t.Context(), texts(grant(r, within(time.Second)))); !errors.Is(err, ErrLimit) || f.calls != 61 {
			t.Errorf("Embed = %v, want ErrLimit", err)
		}
	})
}

func TestARefusedKeyIsNotTriedForEveryText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		f := &fakeEmbedder{script: []outcome{fails(llm.Unauthorised)}}
		e := embedderOf(t, r, f)
		for range 5 {
			if _, err := e.Embed(t.Context(), texts(grant(r))); llm.KindOf(err) != llm.Unauthorised {
				t.Errorf("Embed = %v", err)
			}
		}
		if f.calls != 1 {
			t.Errorf("%d calls with a refused key", f.calls)
		}
	})
}
