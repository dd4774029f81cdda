package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Event is one server-sent event of a stream.
type Event struct {
	ID   string
	Type string // "meta", "delta", …
	Data json.RawMessage
}

// Told is what a stream has told.
type Told struct {
	Text   string   // of all deltas
	Types  []string // of the events, in order
	Done   *Answer  // of a stream that ended well
	Failed *Problem // of one that did not
	First  time.Duration
	Took   time.Duration
}

// Problem is why there is no answer.
type Problem struct {
	Status    int
	Code      string
	Detail    string
	Retryable bool
}

// ErrSilent is a stream that ended with neither a done nor an error event.
var ErrSilent = errors.New("stream ended without a last word")

// Stream asks for an answer word by word and reads it to its end. Each event
// is given to on, which may be nil; Told holds what came before an error. It
// may be called from any goroutine.
func (s *Server) Stream(ctx context.Context, question string, on func(Event)) (Told, error) {
	var told Told
	began := time.Now()
	body, err := json.Marshal(map[string]any{"question": question, "stream": true})
	if err != nil {
		return told, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/query", bytes.NewReader(body))
	if err != nil {
		return told, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.Client.Do(req)
	if err != nil {
		return told, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(resp.Body)
		return told, fmt.Errorf("status %d: %s", resp.StatusCode, raw)
	}
	err = readEvents(resp.Body, func(e Event) error {
		if e.Type == "delta" && told.First == 0 {
			told.First = time.Since(began)
		}
		if on != nil {
			on(e)
		}
		return told.hear(e)
	})
	told.Took = time.Since(began)
	if err == nil && told.Done == nil && told.Failed == nil {
		err = ErrSilent
	}
	return told, err
}

func (told *Told) hear(e Event) error {
	told.Types = append(told.Types, e.Type)
	switch e.Type {
	case "delta":
		var delta struct{ Text string }
		if err := json.Unmarshal(e.Data, &delta); err != nil {
			return err
		}
		told.Text += delta.Text
	case "done":
		told.Done = new(Answer)
		return json.Unmarshal(e.Data, told.Done)
	case "error":
		told.Failed = new(Problem)
		return json.Unmarshal(e.Data, told.Failed)
	}
	return nil
}

// readEvents reads events until r ends; comments are passed over.
func readEvents(r io.Reader, hear func(Event) error) error {
	lines := bufio.NewReader(r)
	var e Event
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return nil
		}
		if err != nil {
			return err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Type = value
		case "data":
			e.Data = json.RawMessage(value)
		case "":
			if value == "" && e.Type != "" {
				if err := hear(e); err != nil {
					return fmt.Errorf("event %s %s: %w", e.Type, e.Data, err)
				}
				e = Event{}
			}
		}
	}
}
