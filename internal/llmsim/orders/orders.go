// Package orders is a shop's order service for demonstrations and tests: it
// looks orders up and cancels them over HTTP, in English and Chinese. Its orders
// are the same at every start; cancellations last as long as the process.
//
//	GET  /orders/{id}         one order
//	POST /orders/{id}/cancel  cancels it; needs an Idempotency-Key
//
// With ?lang=en or ?lang=zh the sentences of the other language are left out.
// The orders are LN20410001 to LN20410040. The last five digits stand for the
// whole number.
package orders

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"regexp"
	"sync"
)

// maxKeys bounds the idempotency keys that are remembered; the oldest go first.
const maxKeys = 1000

// Order is an order as the service tells it. Every sentence stands in it in
// both languages, so that an answer can quote it.
type Order struct {
	ID          string `json:"order_id"`
	Status      Status `json:"status"`
	StatusEN    string `json:"status_en,omitempty"`
	StatusZH    string `json:"status_zh,omitempty"`
	Product     string `json:"product"`
	Quantity    int    `json:"quantity"`
	Ordered     string `json:"ordered_on"` // YYYY-MM-DD
	Cancellable bool   `json:"cancellable"`
	SummaryEN   string `json:"summary_en,omitempty"`
	SummaryZH   string `json:"summary_zh,omitempty"`
	// Note is what somebody wrote on the order: anything at all.
	Note string `json:"note,omitempty"`
}

// problem is why the service does not do what it was asked.
type problem struct {
	Code string `json:"code"`
	EN   string `json:"message_en"`
	ZH   string `json:"message_zh"`
}

// reply is what a request was answered, kept for its repetition.
type reply struct {
	order  string
	status int
	body   any
}

// Service is the order service. It is safe for concurrent use.
type Service struct {
	token string
	mux   *http.ServeMux

	mu       sync.Mutex
	orders   map[string]Order
	replies  map[string]reply // by idempotency key
	keys     []string         // oldest first
	cancels  int
	requests int
}

// New returns a service. With a token, requests must carry it as a bearer
// token.
func New(token string) *Service {
	s := &Service{token: token, mux: http.NewServeMux(), orders: all(), replies: make(map[string]reply)}
	s.mux.HandleFunc("GET /orders/{id}", s.show)
	s.mux.HandleFunc("POST /orders/{id}/cancel", s.cancel)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	if s.token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+s.token)) != 1 {
		write(w, http.StatusUnauthorized, problem{"unauthorised", "The token is missing or wrong.", "令牌缺失或错误。"})
		return
	}
	s.mux.ServeHTTP(w, r)
}

// SetNote writes a note on an order, for tests of what notes may not do.
func (s *Service) SetNote(id, note string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	o.Note = note
	s.orders[id] = o
}

// Cancels is how many orders were cancelled: repetitions do not count.
func (s *Service) Cancels() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancels
}

// Requests is how many requests came.
func (s *Service) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

var short = regexp.MustCompile(`^\d{5}$`)

// find returns the order that a request names; s.mu is held.
func (s *Service) find(r *http.Request) (Order, bool) {
	id := r.PathValue("id")
	if short.MatchString(id) {
		id = prefix + id
	}
	o, ok := s.orders[id]
	return o, ok
}

func (s *Service) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	o, ok := s.find(r)
	s.mu.Unlock()
	if !ok {
		write(w, http.StatusNotFound, notFound)
		return
	}
	write(w, http.StatusOK, o.in(r.URL.Query().Get("lang")))
}

func (s *Service) cancel(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || len(key) > 255 {
		write(w, http.StatusBadRequest, problem{"no_idempotency_key", "An Idempotency-Key of at most 255 characters is needed.", "需要不超过 255 个字符的 Idempotency-Key。"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.find(r)
	if !ok {
		write(w, http.StatusNotFound, notFound)
		return
	}
	before, repeated := s.replies[key]
	switch {
	case repeated && before.order != o.ID:
		write(w, http.StatusUnprocessableEntity, problem{"key_reused", "This Idempotency-Key was used for another order.", "这个 Idempotency-Key 已用于另一个订单。"})
		return
	case repeated:
		w.Header().Set("Idempotency-Replayed", "true")
		write(w, before.status, before.body)
		return
	}
	now := reply{order: o.ID, status: http.StatusConflict, body: tooLate(o)}
	if o.Cancellable {
		s.cancels++
		o = o.as(Cancelled)
		s.orders[o.ID] = o
		now.status, now.body = http.StatusOK, o.in(r.URL.Query().Get("lang"))
	}
	s.keep(key, now)
	write(w, now.status, now.body)
}

// keep remembers the reply to a key; s.mu is held.
func (s *Service) keep(key string, r reply) {
	if len(s.keys) == maxKeys {
		delete(s.replies, s.keys[0])
		s.keys = s.keys[1:]
	}
	s.replies[key] = r
	s.keys = append(s.keys, key)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader left: nobody to tell
}
