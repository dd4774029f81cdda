// Package wire is what the adapters of HTTP vendors share: the client, the
// bounds on a reply, and what it means that a connection or a context ended.
package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"
)

// MaxReply bounds what is read of one reply. The largest honest one, 256
// embeddings of 3,072 dimensions, has about 10 MB.
const MaxReply = 32 << 20

// What an adapter may find wrong with a reply whose status is 200.
var (
	ErrFiltered = errors.New("content filter stopped the reply") // Refused
	ErrDeclined = errors.New("model declined to answer")         // Refused

	ErrInvalid  = errors.New("invalid reply") // InvalidReply, as are those that wrap it
	ErrEmpty    = fmt.Errorf("%w: no text", ErrInvalid)
	ErrNotJSON  = fmt.Errorf("%w: not the expected JSON", ErrInvalid)
	ErrTooLarge = fmt.Errorf("%w: larger than 32 MiB", ErrInvalid)
)

// NewHTTPClient is NewPool with unused connections kept for 90 s.
func NewHTTPClient(keep int) *http.Client { return NewPool(keep, 90*time.Second) }

// Kept is how many unused connections to a host a pool keeps by default.
const Kept = 100

// NewPool returns a client that keeps at most so many unused connections to a
// host (0: Kept), each for idle, and that gives up connecting after 2 s. It opens
// as many as there are calls at a time: whoever admits those bounds them, since a
// call that waited here for a connection would be charged the wait.
func NewPool(keep int, idle time.Duration) *http.Client {
	if keep == 0 {
		keep = Kept
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: 4 * time.Second,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: keep,
			IdleConnTimeout:     idle,
		},
		// An API that redirects is misconfigured, and the key must not follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Exchange is one request and its reply: the HTTP client that a vendor's SDK
// is given for one call. It bounds the reply and keeps what SDKs drop. It is
// not safe for concurrent use.
type Exchange struct {
	HTTP       *http.Client
	Status     int           // 0 until headers arrived
	connected  bool          // there was a connection to send the request on
	RetryAfter time.Duration // as the vendor asked; from 0 to a day
}

// Do sends r. A reply longer than MaxReply fails with ErrTooLarge when read.
func (x *Exchange) Do(r *http.Request) (*http.Response, error) {
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { x.connected = false }, // also before a request is sent again
		GotConn: func(httptrace.GotConnInfo) { x.connected = true },
	}))
	response, err := x.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	x.Status = response.StatusCode
	x.RetryAfter = retryAfter(response.Header, time.Now())
	response.Body = &bounded{ReadCloser: response.Body, left: MaxReply}
	return response, nil
}

// retryAfter reads how long a vendor asks to wait: milliseconds, seconds or a
// date; 0 when it asks for nothing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if text := h.Get("Retry-After-Ms"); text != "" { // parsing nothing makes an error
		if ms, err := strconv.ParseFloat(text, 64); err == nil {
			return Wait(ms * float64(time.Millisecond))
		}
	}
	text := h.Get("Retry-After")
	if text == "" {
		return 0
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		return Wait(s * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return Wait(float64(at.Sub(now)))
	}
	return 0
}

// Wait is a duration between 0 and a day, whatever a vendor says.
func Wait(ns float64) time.Duration {
	if !(ns > 0) { // also NaN
		return 0
	}
	return time.Duration(min(ns, float64(24*time.Hour)))
}

// bounded fails with ErrTooLarge once more than left bytes came.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
