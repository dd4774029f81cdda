package openai

import (
	"bytes"
	"io"
	"math"
	"net/http"

	"kefu/internal/llm/wire"
)

// go-openai leaves a temperature of 0 out, and servers then take 1. The
// smallest float stands in for it until the body is sent: left as it is, some
// servers raise it to a temperature that samples.
const zeroTemperature = math.SmallestNonzeroFloat32

var (
	standIn = []byte(`"temperature":1e-45`) // cannot occur in a text: its quotes would be escaped
	zero    = []byte(`"temperature":0`)
)

// exchange is go-openai's HTTP client for one call.
type exchange struct {
	wire.Exchange
	restoreZero bool // the body holds zeroTemperature
}

// Do implements go-openai's HTTPDoer.
func (x *exchange) Do(r *http.Request) (*http.Response, error) {
	if x.restoreZero {
		if err := restoreZero(r); err != nil {
			return nil, err
		}
	}
	return x.Exchange.Do(r)
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
