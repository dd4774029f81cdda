package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

// pipeListener accepts the connections it is given, without a network.
type pipeListener struct {
	conns chan net.Conn
}

func (l *pipeListener) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *pipeListener) Close() error   { close(l.conns); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// begin posts a question and returns how it ended.
func begin(t *testing.T, addr net.Addr) <-chan error {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ended := make(chan error, 1)
	go func() {
		resp, err := client.Post("http://"+addr.String()+"/query", "application/json", strings.NewReader(`{"question":"?"}`))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
		}
		ended <- err
	}()
	return ended
}

// Whoever stands in front may have ended such a request elsewhere, and would
// have what it holds taken for the next one: RFC 9112, section 6.1.
func TestARequestWithTwoLengthsIsTheLastOfItsConnection(t *testing.T) {
	api := httpapi.New(httpapi.Config{Logger: quietLog}, says(answer()), &observed{})
	ctx, stop := context.WithCancel(t.Context())
	ln, served := listen(t), make(chan error, 1)
	go func() { served <- httpapi.Serve(ctx, ln, api.Handler(), httpapi.ServerConfig{Grace: time.Minute}) }()
	defer func() { stop(); <-served }()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	const two = "POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	if _, err := conn.Write([]byte(two + "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if n := strings.Count(string(got), "HTTP/1.1 "); err != nil || n != 1 || !strings.Contains(string(got), "Connection: close") {
		t.Errorf("%d replies, %v, want one and the end of the connection:\n%s", n, err, got)
	}
}

func TestShutdownIsUnreadyFirstThenWaitsForRunningRequests(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	api := httpapi.New(httpapi.Config{Logger: quietLog}, answererFunc(func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) {
		close(asked)
		<-release
		return answer(), nil
	}), &observed{})
	ctx, stop := context.WithCancel(t.Context())
	ln := listen(t)
	draining, served := make(chan struct{}), make(chan error, 1)
	cfg := httpapi.ServerConfig{Grace: time.Minute, Draining: func() { api.Drain(); close(draining) }}
	go func() { served <- httpapi.Serve(ctx, ln, api.Handler(), cfg) }()

	ended := begin(t, ln.Addr())
	<-asked
	stop()
	<-draining
	select {
	case err := <-served:
		t.Fatalf("Serve ended (%v) before its request", err)
	default:
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("running request: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		c.Close()
		t.Error("still accepts connections")
	}
}

func TestShutdownCutsWhatOutlastsTheGrace(t *testing.T) {
	asked := make(chan struct{})
	api := httpapi.New(httpapi.Config{Logger: quietLog}, answererFunc(func(ctx context.Context, _ desk.Ask, _ desk.Emit) (desk.Answer, error) {
		close(asked)
		<-ctx.Done() // the cut connection's
		return desk.Answer{}, ctx.Err()
	}), &observed{})
	ctx, stop := context.WithCancel(t.Context())
	ln := listen(t)
	served := make(chan error, 1)
	go func() {
		served <- httpapi.Serve(ctx, ln, api.Handler(), httpapi.ServerConfig{Grace: 10 * time.Millisecond})
	}()
	ended := begin(t, ln.Addr())
	<-asked
	stop()
	if err := <-served; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve = %v, want that the grace was too short", err)
	}
	if err := <-ended; err == nil {
		t.Error("the request ended well, want a cut connection")
	}
}

func TestBrokenListenerIsReported(t *testing.T) {
	ln := listen(t)
	ln.Close()
	if err := httpapi.Serve(t.Context(), ln, http.NotFoundHandler(), httpapi.ServerConfig{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve = %v, want that the listener is closed", err)
	}
}

func TestGiantBodiesAreRefusedUnread(t *testing.T) {
	api := httpapi.New(httpapi.Config{Logger: quietLog}, says(answer()), &observed{})
	ctx, stop := context.WithCancel(t.Context())
	ln := listen(t)
	served := make(chan error, 1)
	go func() { served <- httpapi.Serve(ctx, ln, api.Handler(), httpapi.ServerConfig{Grace: time.Second}) }()
	for name, head := range map[string]string{
		"announced": "Content-Length: 9000000000\r\n\r\n",
		"chunked":   "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + strings.Repeat("x", 80<<10),
	} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		// The body never ends: only an early reply can be read.
		if _, err := io.WriteString(c, "POST /query HTTP/1.1\r\nHost: kefu\r\nContent-Type: application/json\r\n"+head); err != nil {
			t.Fatal(err)
		}
		status := make([]byte, len("HTTP/1.1 413"))
		if _, err := io.ReadFull(c, status); err != nil || string(status) != "HTTP/1.1 413" {
			t.Errorf("%s: reply %q, %v, want 413", name, status, err)
		}
		c.Close()
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
