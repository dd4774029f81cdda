package llmtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// Serve starts a vendor written by hand and dials it.
func Serve(t testing.TB, dial Dial, handler http.HandlerFunc) llm.Provider {
	t.Helper()
	server := httptest.NewServer(handler)
	client := wire.NewHTTPClient(0)
	t.Cleanup(func() { client.CloseIdleConnections(); server.Close() })
	return dial(server.URL, client)
}

// Reply answers every call with one status and body; header holds names and
// values in turn.
func Reply(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// Events answers with server-sent events.
func Events(events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, event := range events {
			io.WriteString(w, event+"\n\n")
			http.NewResponseController(w).Flush()
		}
	}
}
