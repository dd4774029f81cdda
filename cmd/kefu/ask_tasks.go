package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"unicode/utf8"
)

// maxTaskBytes is the size of the longest line of a file of questions.
const maxTaskBytes = 1 << 20

// task is one question of a file.
type task struct {
	line     int    // where it stands, from 1
	id       string // as the file gives it; may be empty
	question question
}

// key tells the tasks of a file apart.
func (t task) key() string {
	if t.id != "" {
		return "id " + t.id
	}
	return "line " + strconv.Itoa(t.line)
}

// readTasks reads a file of questions, or stdin for "-", each asked like base.
// Nothing is asked of a file that has a mistake.
func readTasks(path string, stdin io.Reader, base question) ([]task, error) {
	name, in := "standard input", stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close()
		name, in = path, f
	}
	tasks, err := parseTasks(in, base)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s:%w", name, err)}
	}
	if len(tasks) == 0 {
		return nil, usageError{fmt.Errorf("%s holds no question", name)}
	}
	return tasks, nil
}

// parseTasks reads one question a line, plain or in JSON; empty lines are
// skipped. Errors begin with the line.
func parseTasks(r io.Reader, base question) ([]task, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxTaskBytes)
	var tasks []task
	seen := map[string]int{}
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(text) == 0 {
			continue
		}
		t, err := parseTask(text, base)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
		t.line = n
		if first, twice := seen[t.key()]; twice {
			return nil, fmt.Errorf("%d: the id %q is that of line %d too", n, t.id, first)
		}
		seen[t.key()] = n
		tasks = append(tasks, t)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%d: %w", n+1, err)
	}
	return tasks, nil
}

func parseTask(text []byte, base question) (task, error) {
	t := task{question: base}
	if !utf8.Valid(text) {
		return t, errors.New("not valid UTF-8")
	}
	if text[0] != '{' {
		t.question.Question = string(text)
		return t, nil
	}
	var object struct {
		Question string `json:"question"`
		UserID   string `json:"user_id"`
		ID       any    `json:"id"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&object); err != nil {
		return t, fmt.Errorf("not a JSON object with question, id and user_id: %w", err)
	}
	if rest, _ := io.ReadAll(dec.Buffered()); len(bytes.TrimSpace(rest)) > 0 {
		return t, errors.New("there is something after the JSON object")
	}
	switch id := object.ID.(type) {
	case nil:
	case string:
		t.id = id
	case json.Number:
		t.id = id.String()
	default:
		return t, errors.New("id must be a string or a number")
	}
	if object.Question == "" {
		return t, errors.New("question is missing")
	}
	t.question.Question = object.Question
	if object.UserID != "" {
		t.question.UserID = object.UserID
	}
	return t, nil
}
