package httpapi

import (
	"bytes"
	"fmt"
)

// completionStream writes one completion in chunks, each under the same head.
type completionStream struct {
	events *eventWriter
	head   completionHead
	buf    bytes.Buffer
}

func newCompletionStream(events *eventWriter, head completionHead) *completionStream {
	head.Object = "chat.completion.chunk"
	return &completionStream{events: events, head: head}
}

// delta sends a piece of the text, before the first one who speaks.
func (s *completionStream) delta(text string) error {
	if !s.events.begun() {
		if err := s.choice(chunkChoice{Delta: chunkDelta{Role: roleAssistant, Content: new("")}}); err != nil {
			return err
		}
	}
	if text == "" {
		return nil
	}
	return s.choice(chunkChoice{Delta: chunkDelta{Content: &text}})
}

func (s *completionStream) choice(choice chunkChoice) error {
	return s.send(completionChunk{completionHead: s.head, Choices: []chunkChoice{choice}})
}

// end sends what is known only now: why the text ended, what supports it, and
// what it cost, if that is wanted.
func (s *completionStream) end(whole completion, withUsage bool) error {
	if !s.events.begun() { // no piece came: the text comes as one
		if err := s.delta(whole.Choices[0].Message.Content); err != nil {
			return err
		}
	}
	chunks := []completionChunk{{
		completionHead: s.head, Kefu: &whole.Kefu,
		Choices: []chunkChoice{{FinishReason: &whole.Choices[0].FinishReason}},
	}}
	if withUsage {
		chunks = append(chunks, completionChunk{completionHead: s.head, Choices: []chunkChoice{}, Usage: &whole.Usage})
	}
	for _, chunk := range chunks {
		if err := s.send(chunk); err != nil {
			return err
		}
	}
	return s.events.data([]byte("[DONE]"))
}

func (s *completionStream) send(body any) error {
	s.buf.Reset()
	encode(&s.buf, body)
	return s.events.data(bytes.TrimSuffix(s.buf.Bytes(), []byte("\n")))
}

// data sends an event without a number and a name, as OpenAI's clients expect.
func (ew *eventWriter) data(line []byte) error {
	ew.mu.Lock()
	defer ew.mu.Unlock()
	ew.begin()
	fmt.Fprintf(&ew.buf, "data: %s\n\n", line)
	return ew.flush()
}
