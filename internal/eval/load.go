package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// document is a line of corpus.jsonl.
type document struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
	KB    string `json:"kb"`
}

// query is a line of queries.jsonl.
type query struct {
	ID       string `json:"id"`
	Text     string `json:"text"`
	KB       string `json:"kb"`
	Specific bool   `json:"specific"`
	// Answers are texts of which any passage that answers may hold one.
	Answers []string `json:"answers"`
}

// routed is a line of router.jsonl.
type routed struct {
	Text   string `json:"text"`
	Label  string `json:"label"`
	Lang   string `json:"lang"`
	Source string `json:"source"`
}

func (d document) check() error { return wantAll(d.ID, "id", d.Text, "text") }
func (q query) check() error    { return wantAll(q.ID, "id", q.Text, "text") }

func (r routed) check() error {
	if r.Label != "simple" && r.Label != "complex" {
		return fmt.Errorf("label is %q, want simple or complex", r.Label)
	}
	return wantAll(r.Text, "text", r.Lang, "lang")
}

// wantAll takes pairs of a value and its name.
func wantAll(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if strings.TrimSpace(pairs[i]) == "" {
			return fmt.Errorf("%s is missing", pairs[i+1])
		}
	}
	return nil
}

// set is one retrieval set.
type set struct {
	corpus  []document
	queries []query
	gold    map[string]map[string]bool // query id → ids of its passages
}

// loadSet reads a set. The error is fs.ErrNotExist when one of its files is
// not there.
func loadSet(dir string) (set, error) {
	var s set
	var err error
	if s.corpus, err = readLines[document](filepath.Join(dir, "corpus.jsonl")); err != nil {
		return s, err
	}
	queries, err := readLines[query](filepath.Join(dir, "queries.jsonl"))
	if err != nil {
		return s, err
	}
	if s.gold, err = readJudgements(filepath.Join(dir, "qrels.tsv")); err != nil {
		return s, err
	}
	for _, q := range queries {
		if len(s.gold[q.ID]) > 0 { // without a judgement nothing can be measured
			s.queries = append(s.queries, q)
		}
	}
	return s, nil
}

// readLines reads a JSONL file; blank lines are skipped.
func readLines[T interface{ check() error }](path string) ([]T, error) {
	var list []T
	err := eachLine(path, func(line []byte) error {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return err
		}
		list = append(list, v)
		return v.check()
	})
	return list, err
}

// readJudgements reads a qrels file: a header, then query, passage and score
// separated by tabs. Scores of 0 are no judgement.
func readJudgements(path string) (map[string]map[string]bool, error) {
	gold := make(map[string]map[string]bool)
	header := true
	err := eachLine(path, func(line []byte) error {
		if header {
			header = false
			return nil
		}
		fields := strings.Split(string(line), "\t")
		if len(fields) != 3 {
			return fmt.Errorf("%d fields, want query, passage and score separated by tabs", len(fields))
		}
		score, err := strconv.Atoi(fields[2])
		if err != nil {
			return fmt.Errorf("score is %q, want a number", fields[2])
		}
		if score > 0 {
			if gold[fields[0]] == nil {
				gold[fields[0]] = make(map[string]bool)
			}
			gold[fields[0]][fields[1]] = true
		}
		return nil
	})
	return gold, err
}

// eachLine calls read with every line that is not blank. Its error is
// prefixed with file:line.
func eachLine(path string, read func(line []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if line = bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(line)) > 0 {
			if err := read(line); err != nil {
				return fmt.Errorf("%s:%d: %w", path, n, err)
			}
		}
		if err != nil {
			return nil
		}
	}
}
