package openai

import (
	"context"
	"errors"
	"io"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// stream starts a streamed completion and waits for its first text.
func (p *Provider) stream(
	ctx context.Context, x *exchange, request vendor.ChatCompletionRequest, fault func(error) error,
) (*llm.Reply, error) {
	events, err := p.config.client(x).CreateChatCompletionStream(ctx, request)
	if err != nil {
		return nil, fault(err) // without a stream to close
	}
	s := &stream{events: events, fault: fault}
	first, err := s.Next()
	if err != nil {
		s.Close()
		if errors.Is(err, io.EOF) {
			err = fault(wire.ErrEmpty)
		}
		return nil, err
	}
	return llm.NewReply(first, s), nil
}

// stream reads a streamed completion. It implements llm.Stream.
type stream struct {
	events   *vendor.ChatCompletionStream
	fault    func(error) error
	usage    desk.Usage
	begun    bool // an event came
	finished bool // a finish reason came
	thoughts thoughts
	calls    callPieces
	err      error
}

// Next returns the next delta with text, or with the calls of tools once they
// are complete. Deltas without any, such as the role, a thought or a keep-alive,
// are passed over.
func (s *stream) Next() (llm.Delta, error) {
	for s.err == nil {
		event, err := s.events.Recv()
		if err != nil {
			s.err = s.ended(err)
			break
		}
		s.begun = true
		if event.Usage != nil {
			s.usage = usageOf(event.Usage)
		}
		if len(event.Choices) == 0 { // usage comes in an event of its own
			continue
		}
		choice := event.Choices[0]
		s.calls.add(choice.Delta.ToolCalls)
		if err := stoppedShort(choice.FinishReason); err != nil {
			s.err = s.fault(err)
			continue
		}
		s.finished = s.finished || choice.FinishReason != "" && choice.FinishReason != vendor.FinishReasonNull
		if choice.Delta.Refusal != "" {
			s.err = s.fault(wire.ErrDeclined)
			continue
		}
		d := llm.Delta{Text: s.thoughts.passOver(choice.Delta.Content)}
		if s.finished {
			d.Calls = s.calls.take()
		}
		if d.Text != "" || d.Calls != nil {
			return d, nil
		}
	}
	return llm.Delta{}, s.err
}

// ended says what the end of the events means. go-openai gives io.EOF for a
// complete stream and for a cut one alike: only a finish reason tells them
// apart. What is lost after it is at most the usage.
func (s *stream) ended(err error) error {
	over := errors.Is(err, io.EOF)
	switch {
	case s.finished && (over || errors.Is(err, io.ErrUnexpectedEOF)):
		return io.EOF
	case over && s.begun:
		return s.fault(llm.ErrCut)
	case over:
		return s.fault(wire.ErrNotJSON) // such as HTML, or a JSON error with status 200
	default:
		return s.fault(err)
	}
}

func (s *stream) Usage() desk.Usage { return s.usage }
func (s *stream) Close() error      { return s.events.Close() }
