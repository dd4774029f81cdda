package anthropic

import (
	"context"
	"errors"
	"io"

	vendor "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/packages/ssestream"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// stream starts a streamed completion and waits for its first text.
func (p *Provider) stream(
	ctx context.Context, x *wire.Exchange, c llm.Call, fault func(error) error,
) (*llm.Reply, error) {
	events := p.messages.NewStreaming(ctx, params(c), option.WithHTTPClient(x))
	if err := events.Err(); err != nil {
		return nil, fault(err) // without a stream to close
	}
	s := &stream{events: events, fault: fault}
	first, err := s.Next()
	if err != nil {
		s.Close()
		if errors.Is(err, io.EOF) {
			err = fault(silence(s.stopped))
		}
		return nil, err
	}
	return llm.NewReply(first, s), nil
}

// stream reads a streamed completion. It implements llm.Stream.
type stream struct {
	events  *ssestream.Stream[vendor.MessageStreamEventUnion]
	fault   func(error) error
	usage   vendor.Usage
	begun   bool              // an event came
	stopped vendor.StopReason // empty until it came
	calls   callPieces
	err     error
}

// Next returns the next delta with text, or with the calls of tools once they
// are complete. Everything else, such as the model's thinking or a ping, is
// passed over.
func (s *stream) Next() (llm.Delta, error) {
	for s.err == nil {
		if !s.events.Next() {
			s.err = s.ended(s.events.Err())
			break
		}
		event := s.events.Current()
		s.begun = true
		s.calls.add(event)
		switch event.Type {
		case "message_start":
			s.usage = event.Message.Usage
		case "content_block_delta":
			if event.Delta.Type == "text_delta" && event.Delta.Text != "" {
				return llm.Delta{Text: event.Delta.Text}, nil
			}
		case "message_delta":
			s.count(event.Usage)
			if event.Delta.StopReason != "" {
				s.stopped = event.Delta.StopReason
			}
			switch s.stopped {
			case "":
			case vendor.StopReasonRefusal:
				s.err = s.fault(wire.ErrDeclined)
			default:
				if calls := s.calls.take(); calls != nil {
					return llm.Delta{Calls: calls}, nil
				}
			}
		}
	}
	return llm.Delta{}, s.err
}

// count takes over a usage, which is cumulative. Some vendors give the input
// tokens only at the end, others only in the beginning.
func (s *stream) count(u vendor.MessageDeltaUsage) {
	s.usage.InputTokens = max(s.usage.InputTokens, u.InputTokens)
	s.usage.CacheReadInputTokens = max(s.usage.CacheReadInputTokens, u.CacheReadInputTokens)
	s.usage.CacheCreationInputTokens = max(s.usage.CacheCreationInputTokens, u.CacheCreationInputTokens)
	s.usage.OutputTokens = u.OutputTokens
	s.usage.OutputTokensDetails.ThinkingTokens = u.OutputTokensDetails.ThinkingTokens
}

// ended says what the end of the events means: the SDK gives no error for a
// complete stream and for a cut one alike. What is lost after the reason to
// stop is nothing.
func (s *stream) ended(err error) error {
	switch {
	case s.stopped != "" && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)):
		return io.EOF
	case err != nil:
		return s.fault(err)
	case s.begun:
		return s.fault(llm.ErrCut)
	default:
		return s.fault(wire.ErrNotJSON) // such as HTML, or a JSON error with status 200
	}
}

func (s *stream) Usage() desk.Usage { return usageOf(s.usage) }
func (s *stream) Close() error      { return s.events.Close() }
