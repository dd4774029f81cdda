package gateway

import (
	"errors"
	"io"

	"kefu/internal/llm"
)

// atEnd calls ended once, when the reply is over: with nil if it is complete, with
// errClosed if its reader closed it before the end, else with the stream's error.
func atEnd(reply *llm.Reply, c llm.Call, ended func(error)) {
	if !c.Stream {
		ended(nil)
		return
	}
	reply.Wrap(func(rest llm.Stream) llm.Stream { return &ending{Stream: rest, ended: ended} })
}

type ending struct {
	llm.Stream
	ended func(error) // nil after it was called
}

func (s *ending) Next() (llm.Delta, error) {
	d, err := s.Stream.Next()
	switch {
	case errors.Is(err, io.EOF):
		s.end(nil)
	case err != nil:
		s.end(err)
	}
	return d, err
}

func (s *ending) Close() error {
	s.end(errClosed)
	return s.Stream.Close()
}

func (s *ending) end(err error) {
	if ended := s.ended; ended != nil {
		s.ended = nil
		ended(err)
	}
}
