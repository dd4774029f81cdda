package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/llmsim"
)

// SecureVendor is a Vendor behind TLS, whose handshakes can be made to fail.
type SecureVendor struct {
	*Vendor
	// Trust is the environment in which kefu accepts its certificate.
	Trust  string
	answer atomic.Pointer[handshake]
}

// handshake is what GetConfigForClient returns.
type handshake struct {
	config *tls.Config
	err    error
}

// NewSecureVendor is NewVendor with TLS.
func NewSecureVendor(t testing.TB, c llmsim.Config) *SecureVendor {
	t.Helper()
	v := newVendor(t, c)
	s := &SecureVendor{Vendor: v}
	s.Accept()
	v.server = httptest.NewUnstartedServer(http.HandlerFunc(v.serve))
	v.server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is meant to complain
	// Every call shakes hands: a connection that were ended between two calls
	// might be used before its end is seen, which is a fault of another kind.
	v.server.Config.SetKeepAlivesEnabled(false)
	v.server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		h := s.answer.Load()
		return h.config, h.err
	}}
	v.server.StartTLS()

	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Trust = "SSL_CERT_FILE=" + file
	return s
}

// Accept lets handshakes succeed, as at the beginning.
func (s *SecureVendor) Accept() { s.answer.Store(&handshake{}) }

// Refuse ends handshakes with an alert.
func (s *SecureVendor) Refuse() { s.answer.Store(&handshake{err: errors.New("refused by the test")}) }

// Impersonate shows a certificate that nobody trusts.
func (s *SecureVendor) Impersonate() {
	s.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		s.t.Fatal(err)
	}
	s.answer.Store(&handshake{config: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: private}}}})
}
