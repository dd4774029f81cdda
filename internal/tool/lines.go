package tool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxDepth is how deep JSON may nest to be turned into lines.
const maxDepth = 16

// lines writes a JSON object or array as a list with one value a line, "- items
// 1 name: Glow L2", in its own order: answers are checked and quoted by the
// line, of which JSON has only one. Any other text stays as it is.
func lines(text string) string {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return text
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var b strings.Builder
	if err := writeValue(&b, d, nil); err != nil {
		return text
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || b.Len() == 0 { // more than one value, or none
		return text
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// writeValue writes the next value of d, whose place is path.
func writeValue(b *strings.Builder, d *json.Decoder, path []string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	delimiter, nested := token.(json.Delim)
	if !nested {
		writeLine(b, path, token)
		return nil
	}
	if len(path) == maxDepth {
		return errors.New("nested too deep")
	}
	for n := 1; d.More(); n++ {
		name := strconv.Itoa(n)
		if delimiter == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name = fmt.Sprint(key)
		}
		if err := writeValue(b, d, append(path, name)); err != nil {
			return err
		}
	}
	_, err = d.Token() // the end of the object or array
	return err
}

// writeLine leaves out what is null or empty.
func writeLine(b *strings.Builder, path []string, value any) {
	text := strings.TrimSpace(fmt.Sprint(value))
	if value == nil || text == "" {
		return
	}
	b.WriteString("- " + strings.Join(path, " ") + ": " + text + "\n")
}
