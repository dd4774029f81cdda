package llmsim

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// DefaultLogSize is how many requests the log keeps, about 150 bytes each.
const DefaultLogSize = 100_000

// Sim is the simulated vendor: an http.Handler, safe for concurrent use.
type Sim struct {
	conduct  atomic.Pointer[conduct]
	script   script
	record   *record
	mux      *http.ServeMux
	boot     string // sets this process's ids apart from those of others
	requests atomic.Uint64
	inFlight atomic.Int64
	released chan struct{}
	release  func()
}

// New returns a simulator that behaves as c says and keeps the newest
// DefaultLogSize requests. The error is c.Validate's.
func New(c Config) (*Sim, error) { return NewSized(c, DefaultLogSize) }

// NewSized is New with a log of at most entries requests, 0 for none.
func NewSized(c Config, entries int) (*Sim, error) {
	if entries < 0 {
		return nil, fmt.Errorf("log size: %d is negative", entries)
	}
	s := &Sim{record: newRecord(entries), mux: http.NewServeMux(), boot: rand.Text()[:8], released: make(chan struct{})}
	s.release = sync.OnceFunc(func() { close(s.released) })
	if err := s.Configure(c); err != nil {
		return nil, err
	}
	s.mux.HandleFunc("POST /v1/chat/completions", s.vendor(openAI{}, (*exchange).chat))
	s.mux.HandleFunc("POST /v1/embeddings", s.vendor(openAI{}, (*exchange).embeddings))
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("GET /v1/models/{id}", s.model)
	s.mux.HandleFunc("GET /v1beta/models/{id}", s.model)
	s.mux.HandleFunc("POST /v1/messages", s.vendor(anthropic{}, (*exchange).messages))
	s.mux.HandleFunc("POST /v1beta/models/{call}", s.vendor(gemini{}, (*exchange).generate))
	s.mux.HandleFunc("GET /sim/config", s.getConfig)
	s.mux.HandleFunc("PUT /sim/config", s.putConfig)
	s.mux.HandleFunc("GET /sim/script", s.getScript)
	s.mux.HandleFunc("PUT /sim/script", s.putScript)
	s.mux.HandleFunc("GET /sim/stats", s.getStats)
	s.mux.HandleFunc("GET /sim/log", s.getLog)
	s.mux.HandleFunc("DELETE /sim/log", s.deleteLog)
	return s, nil
}

func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Configure replaces the behaviour for requests that arrive from now on.
func (s *Sim) Configure(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	s.conduct.Store(newConduct(c))
	return nil
}

// Config is the behaviour at present.
func (s *Sim) Config() Config { return s.conduct.Load().Config }

// Stats counts what happened so far.
func (s *Sim) Stats() Stats {
	stats := s.record.stats()
	stats.InFlight = s.inFlight.Load()
	return stats
}

// Log returns the newest requests to the vendor's endpoints, oldest first.
func (s *Sim) Log() []Entry { return s.record.entries() }

// ClearLog empties the log; the counts stay.
func (s *Sim) ClearLog() { s.record.clear() }

// Release cuts the requests that hang, now and from now on, so that a server
// can shut down.
func (s *Sim) Release() { s.release() }

func (s *Sim) nextID() string {
	return s.boot + "-" + strconv.FormatUint(s.requests.Add(1), 10)
}

// conduct is a Config prepared for use. It never changes.
type conduct struct {
	Config
	faults []chance
}

// chance is a fault that strikes when a draw from [0,1) falls below upTo and
// not below that of the chance before it.
type chance struct {
	upTo float64
	fault
}

// fault is what goes wrong with one reply.
type fault struct {
	kind    faultKind
	failure failure // of an errorReply
}

type faultKind uint8

const (
	none faultKind = iota
	errorReply
	hang
	truncate
	disconnect
	stall
	errorInside
	html
)

// faultNames are the words for the kinds in a script, an errorReply aside: it
// goes by the name of its failure.
var faultNames = map[string]faultKind{
	"": none, "hang": hang, "truncate": truncate, "disconnect": disconnect, "stall": stall, "error": errorInside, "html": html,
}

func newConduct(c Config) *conduct {
	c.Mode = cmp.Or(c.Mode, Faithful)
	prepared := &conduct{Config: c}
	total := 0.0
	add := func(p float64, f fault) {
		if p > 0 {
			total += p
			prepared.faults = append(prepared.faults, chance{total, f})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Failures)) {
		f, err := parseFailure(name)
		if err != nil {
			panic(err) // Validate has accepted the name
		}
		add(c.Failures[name], fault{kind: errorReply, failure: f})
	}
	add(c.Hang, fault{kind: hang})
	add(c.Truncate, fault{kind: truncate})
	add(c.Disconnect, fault{kind: disconnect})
	add(c.HTML, fault{kind: html})
	return prepared
}

// draw decides what goes wrong with a reply of model; mostly nothing.
func (c *conduct) draw(model string) fault {
	if len(c.faults) == 0 || len(c.Models) > 0 && !slices.Contains(c.Models, model) {
		return fault{}
	}
	drawn := mathrand.Float64()
	for _, f := range c.faults {
		if drawn < f.upTo {
			return f.fault
		}
	}
	return fault{}
}

// models lists names to choose from; any other name is served as well.
func (s *Sim) models(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	list := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{Object: "list"}
	for _, id := range []string{"sim-small", "sim-large", "sim-embedding"} {
		list.Data = append(list.Data, model{id, "model", 1735689600, "llmsim"})
	}
	writeJSON(w, http.StatusOK, list)
}

// model describes one model, each of which there is, to whatever vendor's
// client asks.
func (s *Sim) model(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	writeJSON(w, http.StatusOK, map[string]any{
		"id": id, "object": "model", "created": 1735689600, "owned_by": "llmsim", // OpenAI
		"type": "model", "display_name": id, "created_at": "2025-01-01T00:00:00Z", // Anthropic
		"name": "models/" + id, // Gemini
	})
}

func (s *Sim) getConfig(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.Config())
}

// putConfig replaces the whole configuration; omitted fields are zero.
func (s *Sim) putConfig(w http.ResponseWriter, r *http.Request) {
	var c Config
	err := decodeStrictly(w, r, &c)
	if err == nil {
		err = s.Configure(c)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	writeJSON(w, http.StatusOK, s.Config())
}

func (s *Sim) getStats(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.Stats())
}

func (s *Sim) getLog(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jsonl")
	_ = writeLines(w, s.Log()) // fails only when the reader has left
}

func (s *Sim) deleteLog(w http.ResponseWriter, _ *http.Request) {
	s.ClearLog()
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	lines := json.NewEncoder(w)
	lines.SetIndent("", "  ")
	_ = lines.Encode(v) // fails only when the reader has left
}
