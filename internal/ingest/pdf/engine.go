package pdf

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// memoryPages bounds the memory of one document, in pages of 64 KB: 64 MB. A
// book of 142 pages takes 30 MB.
const memoryPages = 1024

// Reader reads PDF files. It is safe for concurrent use: each document under
// way has an engine of its own, and idle engines are kept. Nothing is started
// before the first document.
type Reader struct {
	starting chan struct{} // held by the one that starts an engine
	dir      string
	cache    wazero.CompilationCache

	mu   sync.Mutex
	idle []*engine
}

// New returns a reader that keeps the compiled engine below dir (about 21 MB),
// so that only the first start on a machine takes the 3 to 7 s of compiling.
// When dir is empty or cannot be written, every process compiles again.
func New(dir string) *Reader {
	return &Reader{dir: dir, starting: make(chan struct{}, 1)}
}

// Close ends the engines. No Read may be under way or follow.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.idle {
		e.close()
	}
	r.idle = nil
	if r.cache == nil {
		return nil
	}
	return r.cache.Close(context.Background())
}

// engine is one PDFium. Stopping it interrupts whatever it does.
type engine struct {
	pool pdfium.Pool
	stop context.CancelFunc
}

func (e *engine) close() {
	e.stop()
	_ = e.pool.Close() // fails only for a pool that is closed
}

// take returns an idle engine, or starts one.
func (r *Reader) take(ctx context.Context) (*engine, error) {
	select {
	case r.starting <- struct{}{}:
		defer func() { <-r.starting }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		e := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return e, nil
	}
	r.mu.Unlock()
	return r.start(ctx)
}

// put keeps an engine for the next document, unless it was stopped.
func (r *Reader) put(e *engine, healthy bool) {
	if !healthy {
		e.close()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, e)
}

// start starts an engine. A cache that is damaged is not used again.
func (r *Reader) start(ctx context.Context) (*engine, error) {
	e, err := launch(ctx, r.compiled())
	if err == nil || ctx.Err() != nil || r.dir == "" {
		return e, err
	}
	r.dir, r.cache = "", nil
	return launch(ctx, r.compiled())
}

// launch compiles PDFium, or takes it from the cache. It ends with ctx.
func launch(ctx context.Context, cache wazero.CompilationCache) (*engine, error) {
	lifetime, stop := context.WithCancel(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, stop)
	pool, err := webassembly.Init(webassembly.Config{
		Context:  lifetime,
		MaxTotal: 1,
		RuntimeConfig: wazero.NewRuntimeConfig().
			WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling). // as PDFium was built
			WithCompilationCache(cache).
			WithMemoryLimitPages(memoryPages).
			// Makes code that runs return to Go now and then: it can be stopped,
			// and does not hold up the garbage collector of the whole process.
			// It costs: 40 to 60 pages a second instead of 150 to 330.
			WithCloseOnContextDone(true),
		FSConfig: wazero.NewFSConfig(), // by default the root of the machine is mounted
		Stdout:   io.Discard, Stderr: io.Discard,
	})
	interrupted := !release()
	switch {
	case err == nil && !interrupted:
		return &engine{pool, stop}, nil
	case err == nil:
		_ = pool.Close()
	}
	stop()
	if interrupted {
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("%w: %w", ErrEngine, err)
}

// compiled is where compiled code is kept. Only the one that starts an engine
// asks.
func (r *Reader) compiled() wazero.CompilationCache {
	if r.cache == nil && r.dir != "" {
		r.cache, _ = wazero.NewCompilationCacheWithDir(r.dir) // in memory when it fails
	}
	if r.cache == nil {
		r.cache = wazero.NewCompilationCache()
	}
	return r.cache
}
