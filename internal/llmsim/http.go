package llmsim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxBody bounds a request; vendors refuse larger ones too.
const maxBody = 8 << 20

// maxModel bounds the name of a model.
const maxModel = 256

// keptBuffer is the size up to which a buffer is used again.
const keptBuffer = 256 << 10

// buffers are what one exchange reads into and writes from.
type buffers struct{ in, out bytes.Buffer }

var pool = sync.Pool{New: func() any { return new(buffers) }}

func (b *buffers) free() {
	if b.in.Cap() <= keptBuffer && b.out.Cap() <= keptBuffer {
		b.in.Reset()
		b.out.Reset()
		pool.Put(b)
	}
}

// exchange is one request to the simulated vendor and its reply.
type exchange struct {
	sim   *Sim
	w     http.ResponseWriter
	r     *http.Request
	entry Entry
	protocol
	*conduct
	*buffers
}

// vendor serves one of a vendor's endpoints: it reads the body, keeps count
// and leaves the reply to answer.
func (s *Sim) vendor(p protocol, answer func(*exchange)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		b := pool.Get().(*buffers)
		defer b.free()
		x := &exchange{
			sim: s, w: w, r: r, protocol: p, conduct: s.conduct.Load(), buffers: b,
			entry: Entry{ID: s.nextID(), ClientID: r.Header.Get(ClientIDHeader), Time: time.Now(), Path: r.URL.Path},
		}
		if _, err := b.in.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			x.unreadable(err)
			return
		}
		answer(x)
	}
}

func (x *exchange) unreadable(err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		x.fail(failure{http.StatusRequestEntityTooLarge, "invalid_request_error", "", "The request is too large."})
		return
	}
	x.end(0, Cancelled)
}

// decode reads the body into v, or refuses the request.
func (x *exchange) decode(v any) bool {
	if err := json.Unmarshal(x.in.Bytes(), v); err != nil {
		x.invalid("We could not parse the JSON body of your request.")
		return false
	}
	return true
}

func (x *exchange) invalid(message string) {
	x.fail(failure{http.StatusBadRequest, "invalid_request_error", "", message})
}

// end puts the exchange on record. It comes before the last byte is handed to
// the network, so that whoever has read a reply finds it in the log.
func (x *exchange) end(status int, outcome Outcome) {
	x.entry.Status, x.entry.Outcome = status, outcome
	x.entry.Milliseconds = float64(time.Since(x.entry.Time).Microseconds()) / 1e3
	x.sim.record.add(x.entry)
}

// strike waits for the latency and lets a fault that replaces the reply take
// its place. It reports whether the exchange is over.
func (x *exchange) strike(f fault) (over bool) {
	if f.kind == hang {
		x.hang()
		return true
	}
	if !pause(x.r.Context(), x.Latency.Draw()) {
		x.entry.CompletionTokens = 0
		x.end(0, Cancelled)
		return true
	}
	switch f.kind {
	case errorReply:
		x.fail(f.failure)
	case html:
		x.html()
	default:
		return false
	}
	return true
}

// fail sends an error reply.
func (x *exchange) fail(f failure) {
	x.entry.PromptTokens, x.entry.CompletionTokens = 0, 0
	x.out.Reset()
	x.whole(x.failure(x, f))
}

// whole sends what is in out as a JSON reply.
func (x *exchange) whole(status int) {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(x.out.Len()))
	x.end(status, Finished)
	x.w.WriteHeader(status)
	_, _ = x.w.Write(x.out.Bytes()) // a client that has left loses only its own reply
}

// html sends the page of a proxy that believes all is well.
func (x *exchange) html() {
	x.entry.PromptTokens, x.entry.CompletionTokens = 0, 0
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.end(http.StatusOK, Finished)
	_, _ = io.WriteString(x.w, "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head>"+
		"<body><h1>Checking your connection</h1></body></html>\n")
}

// hang says nothing until the client leaves or the simulator lets go.
func (x *exchange) hang() {
	x.entry.CompletionTokens = 0
	x.wait(0)
}

// wait is how a reply goes silent whose status, if any, was sent.
func (x *exchange) wait(status int) {
	select {
	case <-x.r.Context().Done():
		x.end(status, Cancelled)
	case <-x.sim.released:
		x.end(status, Cut)
		panic(http.ErrAbortHandler)
	}
}

// reset breaks the connection so that the client sees a TCP reset.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil { // HTTP/2 and recorders have no connection of their own
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// pause waits for d and reports whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
