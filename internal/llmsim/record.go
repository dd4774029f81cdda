package llmsim

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"time"
)

// Outcome is how a request ended.
type Outcome string

const (
	Finished  Outcome = "finished"  // the whole reply, also an error reply, was handed to the network
	Cut       Outcome = "cut"       // the simulator broke it off, as configured
	Cancelled Outcome = "cancelled" // the client left first
)

// ClientIDHeader is how a client names its request, as with OpenAI.
const ClientIDHeader = "X-Client-Request-Id"

// Entry is one request of the log: what a vendor would put on the bill, and
// neither texts nor credentials.
type Entry struct {
	ID       string    `json:"id"`                  // as in the reply
	ClientID string    `json:"client_id,omitempty"` // as in ClientIDHeader
	Time     time.Time `json:"time"`
	Path     string    `json:"path"`
	Model    string    `json:"model"`
	Stream   bool      `json:"stream"`
	Status   int       `json:"status"` // 0 when nothing was sent
	// Tokens that were worked on: of a reply that was cut or cancelled those
	// made until then, of an error reply none.
	PromptTokens     int     `json:"prompt_tokens"`
	CompletionTokens int     `json:"completion_tokens"`
	Outcome          Outcome `json:"outcome"`
	Milliseconds     float64 `json:"ms"`
}

// Stats counts since the start of the simulator.
type Stats struct {
	InFlight         int64             `json:"in_flight"`
	Requests         int64             `json:"requests"` // that ended
	ByPath           map[string]int64  `json:"by_path"`
	ByStatus         map[string]int64  `json:"by_status"`
	ByOutcome        map[Outcome]int64 `json:"by_outcome"`
	PromptTokens     int64             `json:"prompt_tokens"`
	CompletionTokens int64             `json:"completion_tokens"`
}

// record keeps the newest entries in a ring and counts them all. It is safe
// for concurrent use.
type record struct {
	size int

	mu     sync.Mutex
	ring   []Entry // grows to size, then wraps
	oldest int     // where the ring begins once it has wrapped

	byPath    map[string]int64
	byStatus  map[int]int64
	byOutcome map[Outcome]int64
	prompt    int64
	completed int64
}

func newRecord(size int) *record {
	return &record{
		size: size, byPath: map[string]int64{}, byStatus: map[int]int64{}, byOutcome: map[Outcome]int64{},
	}
}

func (r *record) add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byPath[e.Path]++
	r.byStatus[e.Status]++
	r.byOutcome[e.Outcome]++
	r.prompt += int64(e.PromptTokens)
	r.completed += int64(e.CompletionTokens)
	switch {
	case len(r.ring) < r.size:
		r.ring = append(r.ring, e)
	case r.size > 0:
		r.ring[r.oldest] = e
		r.oldest = (r.oldest + 1) % r.size
	}
}

// entries returns a copy, oldest first.
func (r *record) entries() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Entry, 0, len(r.ring))
	return append(append(all, r.ring[r.oldest:]...), r.ring[:r.oldest]...)
}

func (r *record) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring, r.oldest = nil, 0
}

func (r *record) stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Stats{
		ByPath: map[string]int64{}, ByStatus: map[string]int64{}, ByOutcome: map[Outcome]int64{},
		PromptTokens: r.prompt, CompletionTokens: r.completed,
	}
	for path, n := range r.byPath {
		s.ByPath[path] = n
	}
	for status, n := range r.byStatus {
		s.ByStatus[strconv.Itoa(status)] = n
	}
	for outcome, n := range r.byOutcome {
		s.ByOutcome[outcome] = n
		s.Requests += n
	}
	return s
}

// writeLines writes entries as JSON, one a line.
func writeLines(w io.Writer, entries []Entry) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	lines := json.NewEncoder(buffered)
	for i := range entries {
		if err := lines.Encode(&entries[i]); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
