package llmtest

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// connections are those that give no reply at all.
func (v *vendor) connections(t *testing.T) {
	plain := httptest.NewServer(Reply(http.StatusOK, ""))
	defer plain.Close()
	selfSigned := httptest.NewUnstartedServer(nil)
	selfSigned.Config.ErrorLog = log.New(io.Discard, "", 0)
	selfSigned.StartTLS()
	defer selfSigned.Close()
	refusing := httptest.NewUnstartedServer(nil)
	refusing.Config.ErrorLog = selfSigned.Config.ErrorLog
	refusing.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("refused") }}
	refusing.StartTLS()
	defer refusing.Close()
	tests := []struct {
		name, server string
		want         llm.FailureKind
	}{
		// A port of the lowest range: one that was just closed may be another test's by now.
		{"nobody listens", "http://127.0.0.1:1", llm.Unreachable},
		{"no such host", "http://nowhere.invalid", llm.Unreachable},
		{"HTTP where TLS is expected", strings.Replace(plain.URL, "http", "https", 1), llm.Unreachable},
		{"an untrusted certificate", selfSigned.URL, llm.Unreachable},
		{"a refused handshake", refusing.URL, llm.Unreachable},
		{"a reset handshake", strings.Replace(listen(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }), "http", "https", 1), llm.Unreachable},
		{"dropped after the request", listen(t, func(c net.Conn) { c.Read(make([]byte, 1)) }), llm.Cut},
		{"no HTTP at all", listen(t, func(c net.Conn) { io.WriteString(c, SecretBody+"\r\n\r\n") }), llm.Cut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := wire.NewHTTPClient(1)
			defer client.CloseIdleConnections()
			_, err := v.dial(tt.server, client).Start(t.Context(), Call(false))
			if llm.KindOf(err) != tt.want {
				t.Errorf("Start = %v, want kind %s", err, tt.want)
			}
			Private(t, err)
		})
	}
}

// listen serves raw connections, one after another.
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

// endless is a reply that never ends.
func (v *vendor) endless(t *testing.T) {
	p := Serve(t, v.dial, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":"`)
		for block := strings.Repeat("x", 1<<20); ; {
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
	})
	_, err := p.Start(t.Context(), Call(false))
	if llm.KindOf(err) != llm.InvalidReply || !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("Start = %v, want %v", err, wire.ErrTooLarge)
	}
}
