package ingest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"kefu/internal/desk"
)

// The names that a column or field goes by, in lower case.
const (
	fieldQuestion = "question"
	fieldAnswer   = "answer"
	fieldURL      = "url"
	fieldLang     = "lang"
	fieldTitle    = "title"
)

// fieldOf returns the field that a column of this name holds, "" for one that
// is not used.
func fieldOf(name string) string {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "question", "q", "问题", "提问", "問題":
		return fieldQuestion
	case "answer", "a", "答案", "回答", "答复", "答覆":
		return fieldAnswer
	case "url", "link", "链接", "网址", "連結":
		return fieldURL
	case "lang", "language", "语言", "語言":
		return fieldLang
	case "title", "标题", "標題":
		return fieldTitle
	default:
		return ""
	}
}

// row is one record of a CSV or JSONL file, by field.
type row map[string]string

// csvFile extracts question–answer pairs, or the rows of any other table. The
// first record names the columns; they may be separated by commas, semicolons
// or tabs.
func csvFile(data []byte) (extract, error) {
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord = -1
	in.Comma = separator(data)
	header, err := in.Read()
	if err != nil {
		return extract{}, csvError(err)
	}
	var columns []string
	for _, name := range header {
		columns = append(columns, fieldOf(name))
	}
	questions, answers := slices.Contains(columns, fieldQuestion), slices.Contains(columns, fieldAnswer)
	switch {
	case !questions && !answers:
		return csvTable(in, header)
	case !questions || !answers: // half a pair must not be lost in silence
		return extract{}, reject(CodeMalformed, 1, "the first line names only one of a question and an answer column (问题, 答案)")
	}
	var f pairFile
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return f.extract(), nil
		}
		if err != nil {
			return extract{}, csvError(err)
		}
		r := row{}
		for i, value := range record {
			if i < len(columns) && columns[i] != "" && r[columns[i]] == "" {
				r[columns[i]] = value
			}
		}
		line, _ := in.FieldPos(0)
		if err := f.add(r, line); err != nil {
			return extract{}, err
		}
	}
}

// csvTable extracts a table without questions: a line for each row, with each
// cell named by its column.
func csvTable(in *csv.Reader, header []string) (extract, error) {
	var rows [][]string
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return extract{}, csvError(err)
		}
		rows = append(rows, record)
	}
	if text := tableText(header, rows); len(rows) > 0 && text != "" {
		return extract{sections: []section{{text: text}}}, nil
	}
	return extract{}, nil
}

// separator is the character that separates the columns of the header.
func separator(data []byte) rune {
	header, _, _ := bytes.Cut(data, []byte("\n"))
	best := ','
	for _, r := range ";\t" {
		if bytes.Count(header, []byte(string(r))) > bytes.Count(header, []byte(string(best))) {
			best = r
		}
	}
	return best
}

func csvError(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return reject(CodeMalformed, parse.Line, "the CSV is broken: %v", parse.Err)
	}
	return reject(CodeMalformed, 0, "the CSV is broken: %v", err)
}

// jsonlFile extracts question–answer pairs, one JSON object a line.
func jsonlFile(data []byte) (extract, error) {
	var f pairFile
	line := 0
	for raw := range bytes.Lines(data) {
		line++
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		var object map[string]any
		if err := json.Unmarshal(raw, &object); err != nil || object == nil {
			return extract{}, reject(CodeMalformed, line, "the line is not a JSON object")
		}
		r := row{}
		paired := len(object) == 0
		for name, value := range object {
			field := fieldOf(name)
			paired = paired || field == fieldQuestion || field == fieldAnswer
			if field == "" || value == nil {
				continue
			}
			s, ok := value.(string)
			if !ok {
				return extract{}, reject(CodeMalformed, line, "%s is not a string", field)
			}
			r[field] = s
		}
		if !paired { // its fields have other names
			return extract{}, reject(CodeMalformed, line, "the line has neither of the fields question and answer (问题, 答案)")
		}
		if err := f.add(r, line); err != nil {
			return extract{}, err
		}
	}
	return f.extract(), nil
}

// pairFile collects the pairs of one file.
type pairFile struct{ pairs []pair }

// add takes one record. An empty one is skipped; one without question or
// answer is an error, since half a pair must not be lost in silence.
func (f *pairFile) add(r row, line int) error {
	question, answer := oneLine(r[fieldQuestion]), collapseBlankLines(strings.TrimSpace(r[fieldAnswer]))
	switch {
	case question == "" && answer == "":
		return nil
	case question == "":
		return reject(CodeMalformed, line, "the question is empty")
	case answer == "":
		return reject(CodeMalformed, line, "the answer is empty")
	}
	p := pair{question: question, answer: answer, url: publicURL(r[fieldURL]), lang: declaredLang(r[fieldLang])}
	if title := oneLine(r[fieldTitle]); title != "" {
		p.heading = []string{title}
	}
	f.pairs = append(f.pairs, p)
	return nil
}

// extract makes one document of the pairs. An address that all of them have is
// the document's.
func (f *pairFile) extract() extract {
	x := extract{meta: meta{kind: desk.FAQ}, pairs: f.pairs}
	if len(f.pairs) == 0 {
		return x
	}
	shared := f.pairs[0].url
	if slices.ContainsFunc(f.pairs, func(p pair) bool { return p.url != shared }) {
		return x
	}
	x.meta.url = shared
	for i := range x.pairs {
		x.pairs[i].url = ""
	}
	return x
}

// FitsPair tells whether an answer is short enough to be given whole, not as a
// passage under its question.
func (l *Loader) FitsPair(answer string) bool { return l.chunker.count(answer) <= l.chunker.most }
