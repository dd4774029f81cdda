package openai

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"

	"kefu/internal/llm"
)

// transport translates an error that came before any header. Unreachable means
// that the request was certainly not read: nothing is owed for it. A connection
// that broke later may have cost a completion.
func transport(err error) (llm.FailureKind, error) {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address, which may hold a secret
	}
	var (
		op        *net.OpError
		alert     tls.AlertError
		record    tls.RecordHeaderError
		untrusted *tls.CertificateVerificationError
	)
	connection := errors.As(err, &op)
	switch {
	case connection && (op.Op == "dial" || op.Op == "proxyconnect"), errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &alert), errors.As(err, &record), errors.As(err, &untrusted):
		return llm.Unreachable, err
	case os.IsTimeout(err):
		return llm.TimedOut, err
	case connection:
		return llm.Cut, err
	default: // not err: of a malformed reply it quotes the bytes
		return llm.Cut, errLost
	}
}

var errLost = errors.New("connection lost before the reply")

// isNetwork reports errors of the connection rather than of its content.
func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, net.ErrClosed)
}
