package openai

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

func TestWhoEndedTheCall(t *testing.T) {
	release := make(chan struct{})
	hang := func(http.ResponseWriter, *http.Request) { <-release }
	p := serve(t, hang)
	defer close(release)

	left, leave := context.WithCancel(t.Context())
	leave()
	late, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	limited, limit := context.WithCancelCause(t.Context())
	limit(errors.New("attempt limit"))
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want llm.FailureKind
	}{
		{"the caller left", left, llm.Cancelled},
		{"a deadline passed", late, llm.TimedOut},
		{"a limit of ours passed", limited, llm.TimedOut},
	} {
		for _, stream := range []bool{false, true} {
			if _, err := p.Start(tt.ctx, call(stream)); llm.KindOf(err) != tt.want {
				t.Errorf("%s: Start = %v, want kind %s", tt.name, err, tt.want)
			}
		}
	}
}

func TestLeavingAStreamIsCancelled(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	p := serve(t, func(w http.ResponseWriter, r *http.Request) {
		events(delta("Hel"))(w, r)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	ctx, leave := context.WithCancel(t.Context())
	r, err := p.Start(ctx, call(true))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Next()
	leave()
	if _, err := r.Next(); llm.KindOf(err) != llm.Cancelled {
		t.Errorf("Next = %v, want cancelled", err)
	}
}

func TestConnectionFailures(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := httptest.NewServer(reply(200, ""))
	defer plain.Close()
	selfSigned := httptest.NewTLSServer(reply(200, ""))
	selfSigned.Config.ErrorLog = nil
	defer selfSigned.Close()
	dropping := listen(t, func(c net.Conn) { c.Read(make([]byte, 1)) })
	babbling := listen(t, func(c net.Conn) { io.WriteString(c, secretBody+"\r\n\r\n") })
	tests := []struct {
		name, url string
		want      llm.FailureKind
	}{
		{"nobody listens", closed.URL, llm.Unreachable},
		{"no such host", "http://nowhere.invalid", llm.Unreachable},
		{"HTTP where TLS is expected", strings.Replace(plain.URL, "http", "https", 1), llm.Unreachable},
		{"an untrusted certificate", selfSigned.URL, llm.Unreachable},
		{"dropped after the request", dropping, llm.Cut},
		{"no HTTP at all", babbling, llm.Cut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := wire.NewHTTPClient(1)
			defer client.CloseIdleConnections()
			_, err := New(Config{BaseURL: tt.url, Key: secretKey, HTTP: client}).Start(t.Context(), call(false))
			if llm.KindOf(err) != tt.want {
				t.Errorf("Start = %v, want kind %s", err, tt.want)
			}
			private(t, err)
		})
	}
}

// listen serves raw connections.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func TestAConnectionLostWithinTheBodyIsACut(t *testing.T) {
	p := serve(t, func(w http.ResponseWriter, r *http.Request) {
		events(delta("Hel"))(w, r)
		panic(http.ErrAbortHandler)
	})
	r, err := p.Start(t.Context(), call(true))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := r.Text(); text != "Hel" || llm.KindOf(err) != llm.Cut {
		t.Errorf("Text = %q, %v, want a cut", text, err)
	}
}

func TestAReplyWithoutEndIsRefused(t *testing.T) {
	p := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"choices":[{"message":{"content":"`)
		for block := strings.Repeat("x", 1<<20); ; {
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
	})
	if _, err := p.Start(t.Context(), call(false)); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("Start = %v, want %v", err, wire.ErrTooLarge)
	}
}
