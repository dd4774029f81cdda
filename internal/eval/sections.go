package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// section is one part of the report. A section whose data is not there is
// skipped, and says so.
type section struct {
	measure func(ctx context.Context, cfg Config, dir string, r *Report) error
	// table writes lines of cells that end with tabs, the first of them a header.
	table func(r Report, w io.Writer)
}

// sections are measured and printed in this order.
func sections() []section {
	return []section{
		{measureRetrieval, retrievalTable},
		{measureCompression, compressionTable},
		{measureRouting, routingTable},
		{measurePrivacy, privacyTable},
		{measureInjection, injectionTable},
		{measureUnanswerable, unanswerableTable},
		{measurePairs, pairsTable},
		{measureClaims, claimsTable},
		{measureDocuments, documentsTable},
	}
}

// readSection reads a JSONL file of labelled data; it is told aloud when there
// is none.
func readSection[T interface{ check() error }](cfg Config, dir, name string) ([]T, error) {
	list, err := readLines[T](filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		cfg.Progress(name + ": no such file, skipped")
		return nil, nil
	}
	if err == nil && len(list) > 0 {
		cfg.Progress(fmt.Sprintf("%s: %d lines", name, len(list)))
	}
	return list, err
}
