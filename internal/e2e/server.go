package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// Server is a started kefu.
type Server struct {
	*Process
	URL string
	// Client has a connection pool of its own, so that a test's connections
	// end with it.
	Client *http.Client
	// Healthy is how long the process took from its start to the first
	// positive /health.
	Healthy time.Duration
}

// Serve starts the server and returns when it is healthy.
func (s *Site) Serve() *Server {
	s.t.Helper()
	p := s.Start("serve")
	var line struct{ Addr string }
	if err := json.Unmarshal([]byte(p.Log.Await(s.t, `"msg":"serving"`)), &line); err != nil {
		s.t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 1024, DialContext: (&net.Dialer{}).DialContext}
	s.t.Cleanup(transport.CloseIdleConnections)
	srv := &Server{Process: p, URL: "http://" + line.Addr, Client: &http.Client{Transport: transport, Timeout: commandWithin}}
	if status, body := srv.Get("/health"); status != http.StatusOK {
		s.t.Fatalf("/health: %d %s", status, body)
	}
	srv.Healthy = time.Since(p.Started)
	return srv
}

// Get fetches a path.
func (s *Server) Get(path string) (status int, body string) {
	s.t.Helper()
	resp, err := s.Client.Get(s.URL + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// Answer is the reply of POST /query.
type Answer struct {
	ID              string
	Answer          string
	SourceDocuments []Source `json:"source_documents"`
	TokensUsed      int      `json:"tokens_used"`
	CacheHit        bool     `json:"cache_hit"`
	CacheTier       string   `json:"cache_tier"` // empty for null
	Route           string
	RouteReason     string `json:"route_reason"`
	Model           string
	Provider        string
	Grounded        bool
	Degraded        bool
	Handoff         *struct {
		Reason  string
		Contact struct{ Email, Message string }
		Pages   []struct{ Title, URL string }
	}
	LatencyMS int64 `json:"latency_ms"`
}

// Source is a citation of an answer.
type Source struct {
	Index      int
	DocumentID string `json:"document_id"`
	Title      string
	URL        string
	Quote      string
}

// Ask asks a question that has to be answered with status 200.
func (s *Server) Ask(question string) Answer {
	s.t.Helper()
	a, err := s.TryAsk(s.t.Context(), question)
	if err != nil {
		s.t.Fatalf("ask %q: %v", question, err)
	}
	return a
}

// TryAsk asks; any other status than 200 is an error. It may be called from
// any goroutine.
func (s *Server) TryAsk(ctx context.Context, question string) (Answer, error) {
	body, err := json.Marshal(map[string]string{"question": question})
	if err != nil {
		return Answer{}, err
	}
	status, raw, err := s.Post(ctx, "application/json", body)
	if err != nil {
		return Answer{}, err
	}
	if status != http.StatusOK {
		return Answer{}, fmt.Errorf("status %d: %s", status, raw)
	}
	var a Answer
	return a, json.Unmarshal(raw, &a)
}

// Post sends a body to /query.
func (s *Server) Post(ctx context.Context, contentType string, body []byte) (status int, reply []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/query", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := s.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	reply, err = io.ReadAll(resp.Body)
	return resp.StatusCode, reply, err
}

// KB is the sample knowledge base of the repository.
func KB(t testing.TB) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	kb := root + string(os.PathSeparator) + "kb"
	if _, err := os.Stat(kb); err != nil {
		t.Fatal(err)
	}
	return kb
}
