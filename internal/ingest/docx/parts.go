package docx

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// parts are the XML files of a document.
type parts struct {
	ctx   context.Context // of the one Read that they belong to
	files map[string]*zip.File
}

// read scans the named part with f. A part that is missing is not read.
func (p parts) read(name string, s *scanner, f func() error) error {
	file := p.files[name]
	if file == nil {
		return nil
	}
	in, err := file.Open()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrBroken, name, err)
	}
	defer in.Close()
	s.decoder = xml.NewDecoder(&bounded{ctx: p.ctx, in: in, packed: int64(file.CompressedSize64)})
	err = f()
	switch {
	case err == nil, errors.Is(err, ErrBomb), p.ctx.Err() != nil:
		return err
	default:
		return fmt.Errorf("%w: %s: %w", ErrBroken, name, err)
	}
}

// bounded reads one packed part as far as it is allowed to unpack.
type bounded struct {
	ctx    context.Context
	in     io.Reader
	packed int64
	read   int64
	run    int64 // bytes since the last tag began
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.in.Read(p)
	b.read += int64(n)
	if last := bytes.LastIndexByte(p[:n], '<'); last >= 0 {
		b.run = int64(n - last)
	} else {
		b.run += int64(n)
	}
	switch {
	case b.read > maxPart:
		return 0, fmt.Errorf("%w: more than %d MB", ErrBomb, maxPart>>20)
	case b.read > freeRatio && b.read > maxRatio*b.packed:
		return 0, fmt.Errorf("%w: more than %d times its size", ErrBomb, maxRatio)
	case b.run > maxRun:
		return 0, fmt.Errorf("%w: more than %d MB without a tag", ErrBomb, maxRun>>20)
	}
	return n, err
}

// scanner walks the elements of a part.
type scanner struct {
	decoder *xml.Decoder
	depth   int
}

// each calls f for every element directly below the open one, until that one
// ends. f has to walk or skip the element it is given. Text goes to text, which
// may be nil.
func (s *scanner) each(f func(xml.StartElement) error, text func([]byte) error) error {
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("more than %d elements inside each other", maxDepth)
	}
	defer func() { s.depth-- }()
	for {
		token, err := s.decoder.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := f(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		case xml.CharData:
			if text == nil {
				continue
			}
			if err := text(t); err != nil {
				return err
			}
		case xml.Directive: // a document type, whose entities could mean anything
			return errors.New("a document type is declared")
		}
	}
}

// root calls f for the root element.
func (s *scanner) root(f func(xml.StartElement) error) error {
	for {
		token, err := s.decoder.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return f(t)
		case xml.Directive:
			return errors.New("a document type is declared")
		}
	}
}

// skip leaves out an element. Decoder.Skip would do the same without a bound.
func (s *scanner) skip(xml.StartElement) error { return s.each(s.skip, nil) }

// attribute is the value of an attribute by its name without the namespace.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// number is the value of an attribute as a number from 0 to most, -1 without.
func number(e xml.StartElement, name string, most int) int {
	n, err := strconv.Atoi(attribute(e, name))
	if err != nil || n < 0 || n > most {
		return -1
	}
	return n
}

// isOff tells whether a property such as <w:vanish w:val="0"/> is switched off.
func isOff(e xml.StartElement) bool {
	return slices.Contains([]string{"0", "false", "off", "none"}, strings.ToLower(attribute(e, "val")))
}
