package llm

import (
	"errors"
	"io"
	"testing"

	"kefu/internal/desk"
)

// script is a stream that gives its deltas, then err.
type script struct {
	deltas []string
	err    error
	closed int
}

func (s *script) Next() (Delta, error) {
	if len(s.deltas) == 0 {
		return Delta{}, s.err
	}
	d := Delta{Text: s.deltas[0]}
	s.deltas = s.deltas[1:]
	return d, nil
}
func (s *script) Usage() desk.Usage { return desk.Usage{Prompt: 7} }
func (s *script) Close() error      { s.closed++; return nil }

func TestReplyGivesTheFirstDeltaThenTheRest(t *testing.T) {
	rest := &script{deltas: []string{"b", "c"}, err: io.EOF}
	text, err := NewReply(Delta{Text: "a"}, rest).Text()
	if text != "abc" || err != nil {
		t.Errorf("Text = %q, %v, want abc", text, err)
	}
	if rest.closed == 0 {
		t.Error("Text left the connection open")
	}
}

func TestReplyReportsACutAfterWhatArrived(t *testing.T) {
	cut := &Failure{Kind: Cut, Err: ErrCut}
	text, err := NewReply(Delta{Text: "a"}, &script{deltas: []string{"b"}, err: cut}).Text()
	if text != "ab" || !errors.Is(err, ErrCut) || errors.Is(err, io.EOF) {
		t.Errorf("Text = %q, %v, want ab and a cut", text, err)
	}
}

func TestWholeReplyEndsAfterItsOneDelta(t *testing.T) {
	r := WholeReply("hello", desk.Usage{Completion: 1})
	if d, err := r.Next(); d.Text != "hello" || err != nil {
		t.Fatalf("Next = %v, %v", d, err)
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("second Next = %v, want io.EOF", err)
	}
	if r.Usage().Completion != 1 || r.Close() != nil || r.Close() != nil {
		t.Error("usage or Close of a whole reply is wrong")
	}
}

func TestWrapDoesNotSeeTheFirstDelta(t *testing.T) {
	r := NewReply(Delta{Text: "a"}, &script{deltas: []string{"b"}, err: io.EOF})
	wrapped := &script{deltas: []string{"x"}, err: io.EOF}
	r.Wrap(func(Stream) Stream { return wrapped })
	if text, err := r.Text(); text != "ax" || err != nil {
		t.Errorf("Text = %q, %v, want ax", text, err)
	}
}

func TestKindOfAndFailureText(t *testing.T) {
	f := &Failure{Kind: Unavailable, Provider: "acme", Model: "m", Status: 503, Err: errors.New("overloaded")}
	if got := f.Error(); got != "acme/m: unavailable (HTTP 503): overloaded" {
		t.Errorf("Error = %q", got)
	}
	if KindOf(nil) != "" || KindOf(io.EOF) != Unknown || KindOf(f) != Unavailable {
		t.Error("KindOf misreads")
	}
}
