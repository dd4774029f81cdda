package openai

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

// maxReply bounds what is read of one reply. The largest honest one, 256
// embeddings of 3,072 dimensions, has about 10 MB.
const maxReply = 32 << 20

// go-openai leaves a temperature of 0 out, and servers then take 1. The
// smallest float stands in for it until the body is sent: left as it is, some
// servers raise it to a temperature that samples.
const zeroTemperature = math.SmallestNonzeroFloat32

var (
	standIn = []byte(`"temperature":1e-45`) // cannot occur in a text: its quotes would be escaped
	zero    = []byte(`"temperature":0`)
)

// exchange is one request and its reply. It is go-openai's HTTP client for
// that one call and keeps what go-openai drops.
type exchange struct {
	http        *http.Client
	restoreZero bool          // the body holds zeroTemperature
	status      int           // 0 until headers arrived
	retryAfter  time.Duration // as the vendor asked
}

// Do implements go-openai's HTTPDoer.
func (x *exchange) Do(r *http.Request) (*http.Response, error) {
	if x.restoreZero {
		if err := restoreZero(r); err != nil {
			return nil, err
		}
	}
	response, err := x.http.Do(r)
	if err != nil {
		return nil, err
	}
	x.status = response.StatusCode
	x.retryAfter = retryAfter(response.Header, time.Now())
	response.Body = &bounded{ReadCloser: response.Body, left: maxReply}
	return response, nil
}

// restoreZero puts the temperature of 0 into the body.
func restoreZero(r *http.Request) error {
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return err
	}
	body = bytes.Replace(body, standIn, zero, 1)
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	return nil
}

// retryAfter reads how long a vendor asks to wait: milliseconds, seconds or a
// date; 0 when it asks for nothing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return wait(ms * float64(time.Millisecond))
	}
	text := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		return wait(s * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// wait is a duration between 0 and a day, whatever a header says.
func wait(ns float64) time.Duration {
	if !(ns > 0) { // also NaN
		return 0
	}
	return time.Duration(min(ns, float64(24*time.Hour)))
}

// bounded fails with errTooLarge once more than left bytes came.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
