package openai

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
)

// dataAlone passes over the lines of server-sent events that hold no data, such
// as keep-alive comments: go-openai takes them for the beginning of an error,
// so that it cannot read the error that comes after them.
type dataAlone struct {
	io.ReadCloser
	lines  *bufio.Reader
	left   []byte // of a line, to be read
	within bool   // a line, which goes on
	over   bool   // that line is passed over
}

func newDataAlone(body io.ReadCloser) *dataAlone {
	return &dataAlone{ReadCloser: body, lines: bufio.NewReader(body)}
}

func (d *dataAlone) Read(p []byte) (int, error) {
	for len(d.left) == 0 {
		piece, err := d.lines.ReadSlice('\n')
		if !d.within {
			d.over = slices.ContainsFunc(withoutData, func(field []byte) bool { return bytes.HasPrefix(piece, field) })
		}
		d.within = errors.Is(err, bufio.ErrBufferFull)
		if !d.over {
			d.left = piece
		}
		if err != nil && !d.within && len(d.left) == 0 {
			return 0, err
		}
	}
	n := copy(p, d.left)
	d.left = d.left[n:]
	return n, nil
}

var withoutData = [][]byte{[]byte(":"), []byte("event:"), []byte("id:"), []byte("retry:")}
