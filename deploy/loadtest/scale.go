package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// storeBareReply gives the bare handler the same bytes to serve.
func storeBareReply(ctx context.Context, addr string, reply []byte) error {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	return client.Set(ctx, "bare:answer", reply, time.Hour).Err()
}

const (
	scaleChunks     = 10_000
	scaleDimensions = 1536
	perDocument     = 50
)

// measureScale loads ten thousand chunks with embeddings of 1,536 dimensions,
// restarts, and asks complex questions that no cache has seen.
func measureScale(ctx context.Context, o options, l *lab) error {
	sim, err := l.simulator(ctx, o)
	if err != nil {
		return err
	}
	env := []string{
		"OPENAI_API_KEY=load-test", "OPENAI_BASE_URL=http://" + sim + "/v1", "KEFU_KNOWLEDGE_PATH=none",
		fmt.Sprintf("KEFU_MODELS_EMBEDDING_DIMENSIONS=%d", scaleDimensions), "KEFU_DATA_DIR=" + filepath.Join(l.dir, "data"),
	}
	words, err := writeDocuments(filepath.Join(l.dir, "docs"))
	if err != nil {
		return err
	}
	start := time.Now()
	loading := exec.CommandContext(ctx, filepath.Join(o.bin, "kefu"), "kb", "load", "--json", filepath.Join(l.dir, "docs"))
	loading.Env, loading.Stderr = append(os.Environ(), env...), os.Stderr
	out, err := loading.Output()
	if err != nil {
		return fmt.Errorf("kb load: %w\n%s", err, out)
	}
	var loaded struct{ Chunks int }
	if err := json.Unmarshal(out, &loaded); err != nil {
		return fmt.Errorf("kb load: %w\n%s", err, out)
	}
	if loaded.Chunks != scaleChunks {
		return fmt.Errorf("the documents are %d chunks, want %d", loaded.Chunks, scaleChunks)
	}
	fmt.Printf("\n%d chunks × %d dimensions\n  loaded in %.1f s\n", scaleChunks, scaleDimensions, time.Since(start).Seconds())

	start = time.Now()
	kefu, addr, err := l.server(ctx, o, env...)
	if err != nil {
		return err
	}
	fmt.Printf("  start-up to ready from SQL %.2f s (bound < 3 s), resident memory %d MiB\n", time.Since(start).Seconds(), kefu.resident())
	pick := picker(words)
	for _, conns := range []int{1, 8} {
		got, err := load(ctx, addr, "/query", conns, o.each, kefu, func(int, int) string { return pick() })
		if err != nil {
			return err
		}
		fmt.Printf("  complex question, uncached, %d at a time: p50 %s p99 %s, CPU %s (embedding and model by the simulator)\n", conns, millis(float64(got.p50)), millis(float64(got.p99)), micros(float64(got.cpu)))
	}
	metrics, err := fetch(ctx, "http://"+addr+"/metrics")
	if err != nil {
		return err
	}
	fmt.Print(searchTimes(metrics))
	return nil
}

// picker makes the bodies of complex questions that nobody has asked. It is safe
// for concurrent use.
func picker(words []string) func() string {
	rng := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf(`{"question":"Compare %s %s with %s and explain how %s differs from %s, step by step (%d)"}`,
			anyOf(rng, words), anyOf(rng, words), anyOf(rng, words), anyOf(rng, words), anyOf(rng, words), n)
	}
}

// writeDocuments makes documents of invented words, one chunk a section.
func writeDocuments(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(7, 7))
	words := inventWords(rng)
	for d := range scaleChunks / perDocument {
		var b strings.Builder
		fmt.Fprintf(&b, "# Guide %d\n", d)
		for s := range perDocument {
			fmt.Fprintf(&b, "\n## Section %d\n\n", s)
			writeSection(&b, rng, words)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("guide-%03d.md", d)), []byte(b.String()), 0o644); err != nil {
			return nil, err
		}
	}
	return words, nil
}

func inventWords(rng *rand.Rand) []string {
	words := make([]string, 8000)
	for i := range words {
		words[i] = anyOf(rng, syllables) + anyOf(rng, syllables) + anyOf(rng, syllables)
	}
	return words
}

func writeSection(b *strings.Builder, rng *rand.Rand, words []string) {
	for range 9 { // some 280 tokens, for no encoding knows the words: what a chunk is filled to
		for w := range 14 {
			if w > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(words[int(rng.ExpFloat64()*700)%len(words)])
		}
		b.WriteString(".\n")
	}
}

var syllables = strings.Fields("ba be bi bo ca ce co da de di do fa fe fi ga go ha he ka ke ki la le li lo ma me mi mo na ne no pa pe po ra re ri ro sa se si so ta te ti to va ve vo wa we xa ya za ze zo")
