package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// maxHeaderBytes is the size of the largest request header.
	maxHeaderBytes = 16 << 10
	// sendBuffer is what the kernel may keep for a caller who does not read, and
	// doubles: left to itself it takes up to 4 MiB. An ordinary answer fits.
	sendBuffer = 64 << 10
)

// ServerConfig bounds what one connection may take. Zero means no limit.
type ServerConfig struct {
	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration
	WriteTimeout      time.Duration // more than the longest answer takes; streams have limits of their own
	IdleTimeout       time.Duration
	// Grace is how long running requests may take to end after the context has;
	// then their connections are cut.
	Grace time.Duration
	// Draining is called first when the context ends; may be nil.
	Draining func()
	// Logger gets what the HTTP server complains of; default slog.Default().
	Logger *slog.Logger
}

// Serve serves handler on ln, which it closes, until ctx ends and every
// running request has ended too. It returns nil then, and an error when the
// grace was too short for them or the listener failed.
func Serve(ctx context.Context, ln net.Listener, handler http.Handler, cfg ServerConfig) error {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       boundSendBuffer,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()

	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	if cfg.Draining != nil {
		cfg.Draining()
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Grace)
	defer cancel()
	err := srv.Shutdown(grace)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were still running after the grace of %s: %w", cfg.Grace, err), srv.Close())
	}
	<-failed // always http.ErrServerClosed
	return err
}

func boundSendBuffer(ctx context.Context, c net.Conn) context.Context {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // fails on a connection that has ended
	}
	return ctx
}
