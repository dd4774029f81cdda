package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"kefu/internal/desk"
)

// answerRow is one line of a file of answers.
type answerRow struct {
	Line     int             `json:"line"`
	ID       string          `json:"id,omitempty"`
	Question string          `json:"question"`
	Response json.RawMessage `json:"response,omitempty"` // the reply of POST /query
	Error    *rowError       `json:"error,omitempty"`    // why there is none
}

type rowError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// answersFile keeps the answers to a file of questions. An answer is appended
// when it comes, so that none is lost; Close puts them in the questions' order.
// It is safe for concurrent use.
type answersFile struct {
	path  string
	tasks []task

	mu       sync.Mutex
	file     *os.File
	size     int64
	rows     []span // of each task, its last row
	answered []bool
}

// span is where a row stands; one without a length is not there.
type span struct{ start, length int64 }

// openAnswers opens or creates a file of answers and finds what it holds. A
// torn last line is cut off; a file of anything else is left alone, and a pipe,
// which cannot be read again, refused.
func openAnswers(path, in string, tasks []task) (*answersFile, error) {
	if info, err := os.Stat(path); path == "-" || err == nil && !info.Mode().IsRegular() {
		return nil, usageError{fmt.Errorf("--out %s: want a file, from which the same command can go on", path)}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, usageError{err}
	}
	a := &answersFile{path: path, tasks: tasks, file: f, rows: make([]span, len(tasks)), answered: make([]bool, len(tasks))}
	if err := a.load(in); err != nil {
		f.Close()
		return nil, err
	}
	return a, nil
}

func (a *answersFile) load(in string) error {
	index := make(map[string]int, len(a.tasks))
	for i, t := range a.tasks {
		index[t.key()] = i
	}
	r := bufio.NewReader(a.file)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return a.cutOff(line, n)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", a.path, err)
		}
		var row answerRow
		if json.Unmarshal(line, &row) != nil || row.Response == nil && row.Error == nil {
			return a.notOurs(n)
		}
		i, known := index[task{line: row.Line, id: row.ID}.key()]
		if !known || a.tasks[i].question.Question != row.Question {
			return usageError{fmt.Errorf("%s:%d answers a question that %s does not hold; choose another --out", a.path, n, in)}
		}
		a.put(i, int64(len(line)), row.Response != nil)
	}
}

// rowStart is how every row begins.
const rowStart = `{"line":`

// cutOff removes what is there of line n, the torn last one.
func (a *answersFile) cutOff(torn []byte, n int) error {
	if len(torn) == 0 {
		return nil
	}
	if !bytes.HasPrefix(torn, []byte(rowStart)) && !strings.HasPrefix(rowStart, string(torn)) {
		return a.notOurs(n)
	}
	if err := a.file.Truncate(a.size); err != nil {
		return fmt.Errorf("cut off the torn last line of %s: %w", a.path, err)
	}
	return nil
}

func (a *answersFile) notOurs(line int) error {
	return usageError{fmt.Errorf("%s:%d is not an answer of 'kefu ask'; choose another --out", a.path, line)}
}

func (a *answersFile) put(i int, length int64, answered bool) {
	a.rows[i] = span{a.size, length}
	a.answered[i] = answered
	a.size += length
}

// unanswered lists the tasks without an answer, those that failed included.
func (a *answersFile) unanswered() []int {
	var left []int
	for i, done := range a.answered {
		if !done {
			left = append(left, i)
		}
	}
	return left
}

// add appends the answer to a task or the error instead of it.
func (a *answersFile) add(i int, response json.RawMessage, failure error) error {
	t := a.tasks[i]
	row := answerRow{Line: t.line, ID: t.id, Question: t.question.Question, Response: response}
	if failure != nil {
		row.Response, row.Error = nil, &rowError{Code: "failed", Detail: explain(failure)}
		var said *desk.Error
		if errors.As(failure, &said) {
			row.Error.Code = said.Code
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(row); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.file.WriteAt(buf.Bytes(), a.size); err != nil {
		return fmt.Errorf("write %s: %w", a.path, err)
	}
	a.put(i, int64(buf.Len()), failure == nil)
	return nil
}

// Close puts the rows in the order of the questions, each once, and closes the
// file. The old file is there until the new one is complete.
func (a *answersFile) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.file.Close()
	if a.inOrder() {
		return a.file.Sync()
	}
	ordered, err := os.CreateTemp(filepath.Dir(a.path), filepath.Base(a.path)+".*")
	if err != nil {
		return fmt.Errorf("order %s: %w", a.path, err)
	}
	err = a.copyOrdered(ordered)
	if err = errors.Join(err, ordered.Close()); err == nil {
		err = os.Rename(ordered.Name(), a.path)
	}
	if err != nil {
		_ = os.Remove(ordered.Name())
		return fmt.Errorf("order %s: %w", a.path, err)
	}
	return nil
}

func (a *answersFile) inOrder() bool {
	var end int64
	for _, row := range a.rows {
		if row.length > 0 && row.start != end {
			return false
		}
		end += row.length
	}
	return end == a.size
}

func (a *answersFile) copyOrdered(to *os.File) error {
	w := bufio.NewWriter(to)
	for _, row := range a.rows {
		if _, err := io.Copy(w, io.NewSectionReader(a.file, row.start, row.length)); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return to.Sync()
}
