package eval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"kefu/internal/desk"
)

// Own is one question of an operator's own set and what is expected of Kefu.
type Own struct {
	ID   string
	Text string
	// Documents are those that the answer should cite.
	Documents []desk.DocumentID
	// Passage stands in a passage that the search should find, Says in the answer;
	// spaces and case do not count. Both may be empty.
	Passage, Says string
	Unanswerable  bool // Kefu should say that it does not know
}

// ownLine is a line of such a set. An answer of null means that there is none.
type ownLine struct {
	ID           string          `json:"id"`
	Question     string          `json:"question"`
	Document     string          `json:"document"`
	Documents    []string        `json:"documents"`
	Text         string          `json:"text"`
	Answer       json.RawMessage `json:"answer"`
	Unanswerable bool            `json:"unanswerable"`
}

// ReadOwn reads a JSONL file of own questions, or all of a folder. The expected
// documents must be among those given, by id, path, the end of a path, address
// or title. The error of a bad line begins with file:line.
func ReadOwn(path string, known []desk.Document) ([]Own, error) {
	files, err := ownFiles(path)
	if err != nil {
		return nil, err
	}
	var set []Own
	for _, file := range files {
		err := eachLine(file, func(line []byte) error {
			q, err := parseOwn(bytes.TrimPrefix(line, []byte("\ufeff")), known)
			set = append(set, q)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("%s holds no question", path)
	}
	return set, nil
}

func ownFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	files, err := filepath.Glob(filepath.Join(path, "*.jsonl")) // sorted
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no .jsonl file", path)
	}
	return files, err
}

func parseOwn(line []byte, known []desk.Document) (Own, error) {
	var l ownLine
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields() // a misspelt expectation would pass for none
	if err := dec.Decode(&l); err != nil {
		return Own{}, fmt.Errorf("%w; want a JSON object with question and document, documents, text, answer or unanswerable, also id", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Own{}, errors.New("there is something after the JSON object")
	}
	q := Own{ID: l.ID, Text: strings.TrimSpace(l.Question), Passage: l.Text, Unanswerable: l.Unanswerable}
	switch {
	case l.Answer == nil:
	case string(l.Answer) == "null":
		q.Unanswerable = true
	default:
		if err := json.Unmarshal(l.Answer, &q.Says); err != nil {
			return Own{}, errors.New("answer must be the text that is expected in the answer, or null for a question that has none")
		}
	}
	for _, name := range append(l.Documents, l.Document) {
		if name == "" {
			continue
		}
		id, err := documentNamed(name, known)
		if err != nil {
			return Own{}, err
		}
		q.Documents = append(q.Documents, id)
	}
	return q, q.check()
}

func (q Own) check() error {
	expects := len(q.Documents) > 0 || q.Passage != "" || q.Says != ""
	switch {
	case q.Text == "":
		return errors.New("question is missing")
	case q.Unanswerable && expects:
		return errors.New("a question without an answer expects no document, text or answer")
	case !q.Unanswerable && !expects:
		return errors.New(`nothing is expected: give document, text or answer, or "answer": null where Kefu should not know`)
	}
	return nil
}

// documentNamed finds the one document that goes by a name: the better a name
// it is, the sooner it counts.
func documentNamed(name string, known []desk.Document) (desk.DocumentID, error) {
	for _, goesBy := range []func(desk.Document) bool{
		func(d desk.Document) bool { return string(d.ID) == name },
		func(d desk.Document) bool { return d.Path == name },
		func(d desk.Document) bool { return d.URL == name },
		func(d desk.Document) bool { return strings.HasSuffix(d.Path, "/"+name) },
		func(d desk.Document) bool { return d.Title == name },
	} {
		var found []desk.Document
		for _, d := range known {
			if goesBy(d) {
				found = append(found, d)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0].ID, nil
		default:
			return "", fmt.Errorf("%d documents go by %q, among them %s (%s) and %s (%s): name one by its path or id", len(found), name,
				found[0].Path, found[0].ID, found[1].Path, found[1].ID)
		}
	}
	return "", fmt.Errorf("the knowledge base has no document %q; 'kefu kb list --json' lists their ids and paths", name)
}
