package gemini

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// stream waits for the first text of a streamed completion.
func stream(body io.ReadCloser, fault func(error) error) (*llm.Reply, error) {
	s := &events{body: body, lines: bufio.NewScanner(body), fault: fault}
	s.lines.Buffer(nil, wire.MaxReply)
	first, err := s.Next()
	if err != nil {
		s.Close()
		if errors.Is(err, io.EOF) {
			err = fault(silence(s.finish))
		}
		return nil, err
	}
	return llm.NewReply(first, s), nil
}

// events reads a streamed completion. It implements llm.Stream.
type events struct {
	body   io.ReadCloser
	lines  *bufio.Scanner
	fault  func(error) error
	usage  desk.Usage
	begun  bool   // an event came
	finish string // empty until it came
	calls  []llm.ToolCall
	err    error
}

// Next returns the next delta with text, or with the calls of tools once all
// of them came. Everything else, such as the model's thinking or a keep-alive,
// is passed over.
func (s *events) Next() (llm.Delta, error) {
	for s.err == nil {
		data, err := s.data()
		if err != nil {
			s.err = s.ended(err)
			break
		}
		delta, err := s.event(data)
		if err != nil {
			s.err = s.fault(err)
			break
		}
		if delta.Text != "" || delta.Calls != nil {
			return delta, nil
		}
	}
	return llm.Delta{}, s.err
}

// data returns what the next event holds. An event that no empty line ends is
// none: the connection was lost within it.
func (s *events) data() ([]byte, error) {
	var data []byte
	for s.lines.Scan() {
		line := s.lines.Bytes()
		if len(line) == 0 && len(data) > 0 {
			return data, nil
		}
		if value, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = append(append(data, value...), '\n')
		}
	}
	if err := s.lines.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

func (s *events) event(data []byte) (llm.Delta, error) {
	var r response
	if err := json.Unmarshal(data, &r); err != nil {
		return llm.Delta{}, wire.ErrNotJSON
	}
	if r.Error != nil {
		return llm.Delta{}, r.Error
	}
	s.begun = true
	if u := r.usage(); u.Total() > 0 { // cumulative
		s.usage = u
	}
	delta, finish, err := r.read()
	s.calls = append(s.calls, delta.Calls...)
	delta.Calls = nil
	if finish != "" {
		s.finish = finish
		delta.Calls, s.calls = s.calls, nil
	}
	return delta, err
}

// ended says what the end of the events means. What is lost after a finish
// reason is at most the usage.
func (s *events) ended(err error) error {
	over := errors.Is(err, io.EOF)
	switch {
	case s.finish != "" && (over || errors.Is(err, io.ErrUnexpectedEOF)):
		return io.EOF
	case over && s.begun:
		return s.fault(llm.ErrCut)
	case over:
		return s.fault(wire.ErrNotJSON) // such as HTML, or a JSON error with status 200
	default:
		return s.fault(err)
	}
}

func (s *events) Usage() desk.Usage { return s.usage }
func (s *events) Close() error      { return s.body.Close() }
