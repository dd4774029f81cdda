package httpapi

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Idempotency remembers the replies to requests that are carried out once.
type Idempotency interface {
	// Begin claims a request; if it was answered before, it returns that reply. It
	// fails with a *desk.Error while the request is under way elsewhere.
	Begin(ctx context.Context, o desk.Once) (*desk.Reply, error)
	// End keeps the reply; nil gives the claim up, so that the request may be sent
	// again.
	End(ctx context.Context, o desk.Once, r *desk.Reply) error
}

const (
	idempotencyHeader = "Idempotency-Key"
	// A name is as long as to be hard to guess: replies are encrypted with it.
	minOnce, maxOnce = 16, 128
	// maxReply is the largest reply that is kept, in bytes.
	maxReply = 1 << 20
)

// once runs a request that has an Idempotency-Key once: whoever sends it again
// within 24 hours gets the same reply. Our failures (5xx) and refusals by a limit
// are not kept, since they should be tried again.
func (api *API) once(c *gin.Context) {
	name := c.GetHeader(idempotencyHeader)
	if name == "" || api.cfg.Idempotency == nil {
		return
	}
	o, err := api.onceOf(c, name)
	if err != nil {
		api.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	before, err := api.cfg.Idempotency.Begin(ctx, o)
	if err != nil {
		api.fail(c, err)
		return
	}
	if before != nil {
		c.Abort()
		api.replay(c, name, before)
		return
	}
	w := &keptWriter{ResponseWriter: c.Writer}
	c.Writer = w
	kept := false
	defer func() { // also after a panic
		if !kept {
			api.endOnce(ctx, o, nil)
		}
	}()
	c.Next()
	if status := w.Status(); status < http.StatusInternalServerError && status != http.StatusTooManyRequests && !w.tooLarge && ctx.Err() == nil {
		kept = true
		api.endOnce(ctx, o, &desk.Reply{Status: status, User: requestOf(ctx).user, MediaType: w.Header().Get("Content-Type"), Body: seal(name, w.kept.Bytes())})
	}
}

// onceOf reads the body, which the handler then reads again.
func (api *API) onceOf(c *gin.Context, name string) (desk.Once, error) {
	unprintable := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(name) < minOnce || len(name) > maxOnce || strings.ContainsFunc(name, unprintable) {
		return desk.Once{}, invalid("idempotency_key_invalid", idempotencyHeader, "An Idempotency-Key has 16 to 128 printable characters, such as a UUID.")
	}
	most := api.cfg.MaxBodyBytes
	if strings.HasPrefix(c.FullPath(), "/v1/documents") {
		most = maxUpload
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, most))
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return desk.Once{}, api.bodyTooLarge(c, most)
	case err != nil:
		return desk.Once{}, &desk.Error{Kind: desk.Invalid, Code: "body_incomplete", Public: "The body did not arrive in full.", Err: err}
	}
	c.Request.Body, c.Request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	hash := sha256.New()
	for _, part := range []string{c.Request.Method, c.Request.URL.RequestURI(), c.GetHeader("Accept"), string(body)} {
		hash.Write(append([]byte(part), 0))
	}
	key := callerOf(c)
	o := desk.Once{Tenant: key.Tenant, Caller: string(key.ID), Name: hashed("name", name), Began: time.Now()}
	if o.Caller == "" {
		o.Caller = "address:" + address(c)
	}
	hash.Sum(o.Request[:0])
	return o, nil
}

func (api *API) endOnce(ctx context.Context, o desk.Once, r *desk.Reply) {
	ctx = context.WithoutCancel(ctx)
	if err := api.cfg.Idempotency.End(ctx, o, r); err != nil {
		api.log.WarnContext(ctx, "reply not kept for its Idempotency-Key", "error", err)
	}
}

func (api *API) replay(c *gin.Context, name string, r *desk.Reply) {
	body, err := unseal(name, r.Body)
	if err != nil {
		api.fail(c, err)
		return
	}
	c.Header("Idempotency-Replayed", "true")
	c.Header("Cache-Control", "no-store")
	c.Header("X-Content-Type-Options", "nosniff")
	if len(body) == 0 {
		c.Status(r.Status)
		c.Writer.WriteHeaderNow()
		return
	}
	c.Data(r.Status, r.MediaType, body)
}

// keptWriter keeps what is written.
type keptWriter struct {
	gin.ResponseWriter
	kept     bytes.Buffer
	tooLarge bool
}

func (w *keptWriter) Write(p []byte) (int, error) {
	if w.tooLarge = w.tooLarge || w.kept.Len()+len(p) > maxReply; !w.tooLarge {
		w.kept.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

func (w *keptWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Unwrap lets http.ResponseController reach the connection.
func (w *keptWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hashed is a digest of the caller's name for a request.
func hashed(purpose, name string) string {
	sum := sha256.Sum256([]byte("kefu idempotency " + purpose + "\x00" + name))
	return hex.EncodeToString(sum[:])
}

// seal encrypts a reply, which may hold what its asker wrote of themselves,
// with the name that only they know: the database cannot read it.
func seal(name string, reply []byte) []byte {
	nonce := make([]byte, 12)
	rand.Read(nonce) // never fails
	return sealer(name).Seal(nonce, nonce, reply, nil)
}

func unseal(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < 12 {
		return nil, errors.New("kept reply is damaged")
	}
	return sealer(name).Open(nil, sealed[:12], sealed[12:], nil)
}

func sealer(name string) cipher.AEAD {
	key := sha256.Sum256([]byte("kefu idempotency reply\x00" + name))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("httpapi: " + err.Error()) // the key has the right length
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("httpapi: " + err.Error())
	}
	return gcm
}
