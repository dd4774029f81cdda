package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEachLineOfAFileIsAQuestion(t *testing.T) {
	const file = "\ufeffHow long?\r\n\n  多久？ \n{\"question\":\"{odd}\",\"id\":7}\n{\"id\":\"b\",\"user_id\":\"u1\",\"question\":\"x\",\"lang\":\"en\"}"
	tasks, err := parseTasks(strings.NewReader(file), question{UserID: "cli", Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	want := []task{
		{1, "", question{Question: "How long?", UserID: "cli", Model: "m"}},
		{3, "", question{Question: "多久？", UserID: "cli", Model: "m"}},
		{4, "7", question{Question: "{odd}", UserID: "cli", Model: "m"}},
		{5, "b", question{Question: "x", UserID: "u1", Model: "m"}},
	}
	if len(tasks) != len(want) {
		t.Fatalf("tasks = %+v, want %+v", tasks, want)
	}
	for i := range want {
		if tasks[i] != want[i] {
			t.Errorf("task %d = %+v, want %+v", i, tasks[i], want[i])
		}
	}
}

func TestAMistakeInAFileOfQuestionsIsNamedByItsLine(t *testing.T) {
	for file, want := range map[string]string{
		"a\n{\"question\":":                         "2: not a JSON object",
		"{\"question\":\"a\"} b":                    "1: there is something after",
		"a\n\n{\"question\":\"\"}":                  "3: question is missing",
		"{\"question\":\"a\",\"id\":[]}":            "1: id must be",
		"a\nb\xff":                                  "2: not valid UTF-8",
		"a\n" + strings.Repeat("x", maxTaskBytes+1): "2: ",
	} {
		if _, err := parseTasks(strings.NewReader(file), question{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", file, err, want)
		}
	}
}

func FuzzParseTasks(f *testing.F) {
	f.Add("How long?\n{\"question\":\"多久？\",\"id\":1}\n")
	f.Add("{}\n{\"id\":{}}")
	f.Fuzz(func(t *testing.T, file string) {
		tasks, err := parseTasks(strings.NewReader(file), question{})
		keys := map[string]bool{}
		for _, task := range tasks {
			if err != nil || task.line < 1 || keys[task.key()] || task.question.Question == "" || utf8.ValidString(file) && !utf8.ValidString(task.question.Question) {
				t.Errorf("%q: %+v, %v", file, task, err)
			}
			keys[task.key()] = true
		}
	})
}

// Wherever a process dies, what it had written is found again, and the rest is
// asked anew.
func TestAFileOfAnswersMayBeTornAnywhere(t *testing.T) {
	tasks := []task{{line: 1, question: question{Question: "退货？"}}, {line: 2, id: "b", question: question{Question: "y"}}, {line: 3, question: question{Question: "z"}}}
	path := filepath.Join(t.TempDir(), "answers.jsonl")
	for _, i := range []int{2, 0, 1} { // as they came
		addAnswer(t, path, tasks, i, i != 1)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if rows := strings.Split(strings.TrimSpace(string(whole)), "\n"); len(rows) != 3 || !strings.HasPrefix(rows[0], `{"line":1,"question":"退货？","response"`) || !strings.HasPrefix(rows[1], `{"line":2,"id":"b","question":"y","error"`) {
		t.Fatalf("rows = %s, want them in order", whole)
	}
	for n := range len(whole) {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := openAnswers(path, "questions", tasks)
		if err != nil {
			t.Fatalf("torn after %d bytes: %v", n, err)
		}
		answered := min(strings.Count(string(whole[:n]), "\n"), 1) // the second row has failed
		if left := a.unanswered(); len(left) != 3-answered {
			t.Errorf("torn after %d bytes: %v left, want %d", n, left, 3-answered)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func addAnswer(t *testing.T, path string, tasks []task, i int, answered bool) {
	t.Helper()
	a, err := openAnswers(path, "questions", tasks)
	if err != nil {
		t.Fatal(err)
	}
	var failure error
	if !answered {
		failure = errors.New("no answer")
	}
	if err := errors.Join(a.add(i, []byte(`{"answer":"<1>"}`), failure), a.Close()); err != nil {
		t.Fatal(err)
	}
}
